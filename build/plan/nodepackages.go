package plan

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"paas"
)

// manager is a package manager of Node, as the repository uses it.
type manager struct {
	name string // npm, pnpm, yarn
	lock string // its lock file; "" where there is none
	// tool is what npm installs it from, in /opt/tools; "" for npm itself.
	tool  string
	cache cache
	// install gets all dependencies; prune leaves those of production, and is nothing where that cannot be done.
	install, prune string
	// files steer it, besides package.json and the lock file; folders too.
	files []string
	note  string
}

// toolsDir has the package manager that is not npm.
const toolsDir = "/opt/tools"

var (
	npmCache = cache{name: "npm", dir: "/root/.npm"}
	// lockFiles in the order of their managers' age.
	lockFiles = []string{"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"}
	lockOwner = map[string]string{
		"package-lock.json": "npm", "npm-shrinkwrap.json": "npm", "yarn.lock": "yarn", "pnpm-lock.yaml": "pnpm", "bun.lock": "bun", "bun.lockb": "bun",
	}
	managerField = regexp.MustCompile(`^(npm|pnpm|yarn)@([0-9]{1,3})((?:\.[0-9]{1,4}){2})(?:-[0-9A-Za-z.]{1,40})?(?:\+[0-9A-Za-z.]{1,200})?$`)
)

// nodeManager finds the package manager: by packageManager in package.json, else by the lock file, of which there can be one.
func nodeManager(t tree, pkg packageJSON) (manager, error) {
	var locks []string
	for _, name := range lockFiles {
		found, err := t.has(name)
		if err != nil {
			return manager{}, err
		}
		if found {
			locks = append(locks, name)
		}
	}
	name, major, version := "", "", ""
	if pkg.PackageManager != "" {
		m := managerField.FindStringSubmatch(pkg.PackageManager)
		if m == nil {
			return manager{}, paas.Errorf(paas.Invalid, "packageManager in package.json is %s, which is not known here", paas.Quote(pkg.PackageManager)).
				WithHint("name npm, pnpm or yarn with its version, such as `pnpm@10.0.0`, or commit a Dockerfile")
		}
		name, major, version = m[1], m[2], m[2]+m[3]
		locks = slices.DeleteFunc(locks, func(lock string) bool { return lockOwner[lock] != name })
	}
	if len(locks) == 2 && locks[1] == "npm-shrinkwrap.json" { // npm's own rule
		locks = locks[1:]
	}
	if len(locks) > 1 {
		return manager{}, paas.Errorf(paas.Invalid, "there are lock files of several package managers: %s", strings.Join(locks, ", ")).
			WithHint("keep the one that you use: git rm %s", locks[0])
	}
	lock := ""
	if len(locks) == 1 {
		lock = locks[0]
		if name == "" {
			name = lockOwner[lock]
		}
	}
	switch name {
	case "pnpm":
		return pnpm(t, lock, version)
	case "yarn":
		return yarn(t, lock, major, version)
	case "bun":
		return manager{}, paas.Errorf(paas.Invalid, "%s is of bun, which is not known here", lock).
			WithHint("commit a lock file of npm, pnpm or yarn instead, or a Dockerfile")
	}
	return npm(lock), nil
}

func npm(lock string) manager {
	m := manager{
		name: "npm", lock: lock, cache: npmCache, files: []string{".npmrc"},
		install: "npm ci --include=dev", prune: "npm prune --omit=dev --ignore-scripts",
	}
	if lock == "" {
		m.install, m.note = "npm install --include=dev --no-package-lock", noLock
		m.prune = "npm prune --omit=dev --ignore-scripts --no-package-lock"
	}
	return m
}

const noLock = "There is no lock file: each build may install other versions. Commit one: npm install"

func pnpm(t tree, lock, version string) (manager, error) {
	m := manager{
		name: "pnpm", lock: lock, cache: cache{name: "pnpm", dir: "/root/.local/share/pnpm/store"},
		install: "CI=true pnpm install --frozen-lockfile --prod=false", prune: "CI=true pnpm prune --prod --ignore-scripts",
		files: []string{".npmrc", ".pnpmfile.cjs", "pnpm-workspace.yaml", "patches"},
	}
	if lock == "" {
		m.install, m.note = "CI=true pnpm install --no-lockfile --prod=false", noLock
	}
	if version == "" {
		head, err := t.head(lock, 4<<10)
		if err != nil {
			return m, err
		}
		version = "10"
		if bytes.Contains(head, []byte("lockfileVersion: '6.")) || bytes.Contains(head, []byte("lockfileVersion: 5.")) {
			version = "8"
		}
	}
	m.tool = "pnpm@" + version
	return m, nil
}

func yarn(t tree, lock, major, version string) (manager, error) {
	if version == "" {
		head, err := t.head(lock, 4<<10)
		if err != nil {
			return manager{}, err
		}
		major, version = "4", "4"
		if bytes.Contains(head, []byte("# yarn lockfile v1")) || len(head) == 0 {
			major, version = "1", "1"
		}
	}
	if major == "1" {
		m := manager{
			name: "yarn", lock: lock, tool: "yarn@" + version, cache: cache{name: "yarn", dir: "/usr/local/share/.cache/yarn"},
			install: "yarn install --frozen-lockfile --production=false --non-interactive",
			prune:   "yarn install --frozen-lockfile --production --ignore-scripts --prefer-offline --non-interactive",
			files:   []string{".npmrc", ".yarnrc"},
		}
		if lock == "" {
			m.note = noLock
		}
		return m, nil
	}
	m := manager{
		name: "yarn", lock: lock, tool: "@yarnpkg/cli-dist@" + version, cache: cache{name: "yarn-berry", dir: "/root/.yarn/berry/cache"},
		install: "yarn install --immutable", prune: "yarn workspaces focus --all --production",
		files: []string{".npmrc", ".yarnrc.yml", ".yarn"},
	}
	if major == "2" || major == "3" {
		m.prune, m.note = "", "Yarn "+major+" cannot remove development dependencies: they are in the image. Yarn 4 can"
	}
	return m, nil
}
