package plan

import (
	"regexp"
	"slices"
	"strings"

	"paas"
)

// node is a package.json at the root of the repository, whatever else is there but files of the languages before it.
func node() language { return language{name: "node", detect: detectNode, plan: nodePlan} }

func detectNode(t tree, s Settings) (string, error) {
	if s.Root != "" { // of a static site: of files that are there, or that the build makes
		if found, err := t.folder(s.Root); found || err != nil {
			return "", err
		}
	}
	return t.first(packageFile)
}

func nodePlan(t tree, s Settings) (Plan, error) {
	pkg, err := readPackageJSON(t)
	if err != nil {
		return Plan{}, err
	}
	m, err := nodeManager(t, pkg)
	if err != nil {
		return Plan{}, err
	}
	tag, why, err := nodeVersion(t, pkg)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Ignore: []string{".git", "node_modules"}}
	b := s.base(&p, "node", "node:"+tag, "node:"+tag+"-slim")
	if !b.own {
		p.note("Node %s (%s)", tag, why)
	}
	if m.lock != "" {
		p.note("Dependencies: %s (%s)", m.name, m.lock)
	}
	if m.note != "" {
		p.note("%s", m.note)
	}
	argv, err := nodeCommand(t, pkg)
	if err != nil {
		return Plan{}, err
	}
	site := siteOf(pkg, s)
	d := newScript(s)
	switch {
	case len(argv) == 0 && site.dir != "":
		if s.Static == "" {
			return Plan{}, noStatic()
		}
		p.note("Static site: %s, as %s builds it", site.dir, site.tool)
		if err := d.nodeBuild(t, b, pkg, m, false); err != nil {
			return Plan{}, err
		}
		d.site(site)
	case len(argv) == 0 && !s.Procfile:
		return Plan{}, paas.Errorf(paas.Invalid, "package.json says nothing of how to start: there is no start script, and no server.js").
			WithHint(`add "start" to its scripts, such as "node index.js", or commit a Procfile`)
	default:
		if err := d.nodeBuild(t, b, pkg, m, true); err != nil {
			return Plan{}, err
		}
		d.nodeRun(b, m, argv)
	}
	p.Text, err = d.text()
	return p, err
}

// nodeBuild is the stage that installs and builds, and ends with what production needs.
func (d *script) nodeBuild(t tree, b base, pkg packageJSON, m manager, prune bool) error {
	d.stage(b.build, "build")
	d.args()
	env := []string{"NODE_ENV", "production"}
	if m.tool != "" {
		env = append(env, "PATH", toolsDir+"/bin:$PATH")
	}
	if m.cache.name == "yarn-berry" {
		env = append(env, "YARN_NODE_LINKER", "node-modules", "YARN_ENABLE_TELEMETRY", "0")
	}
	if m.cache.name == "pnpm" {
		env = append(env, "npm_config_store_dir", m.cache.dir)
	}
	d.env(env...)
	d.workdir("/app")
	if m.tool != "" {
		d.install([]cache{npmCache}, "npm install --global --prefix "+toolsDir+" "+m.tool)
	}
	if pkg.whole() {
		d.copy("./", ".")
		d.install([]cache{m.cache}, m.install)
	} else {
		if err := d.manifests(t, m); err != nil {
			return err
		}
		d.install([]cache{m.cache}, m.install)
		d.copy("./", ".")
	}
	for _, name := range []string{"heroku-postbuild", "build"} {
		if pkg.Scripts[name] != "" {
			tools := cache{name: "node-build", dir: "/app/node_modules/.cache"}
			d.install([]cache{tools}, m.name+" run "+name)
			break
		}
	}
	if prune && m.prune != "" && len(pkg.DevDependencies) > 0 {
		d.install([]cache{m.cache}, m.prune)
	}
	return nil
}

// manifests copies what dependencies are installed from, so that a change of anything else leaves them as they are.
func (d *script) manifests(t tree, m manager) error {
	files := []string{packageFile}
	if m.lock != "" {
		files = append(files, m.lock)
	}
	var folders []string
	for _, name := range m.files {
		info, err := t.stat(name)
		if err != nil {
			return err
		}
		switch {
		case info == nil:
		case info.IsDir():
			folders = append(folders, name)
		default:
			files = append(files, name)
		}
	}
	d.copy("./", files...)
	for _, name := range folders {
		d.copy("./"+name, name)
	}
	return nil
}

// nodeRun is the stage that runs.
func (d *script) nodeRun(b base, m manager, argv []string) {
	d.last(b.run)
	d.certificates(b)
	path := "/app/node_modules/.bin:$PATH"
	if m.tool != "" {
		d.copyFrom("build", toolsDir, toolsDir)
		path = "/app/node_modules/.bin:" + toolsDir + "/bin:$PATH"
	}
	d.give("build", "/app", "/app")
	d.end(argv, "NODE_ENV", "production", "PATH", path)
}

// plainCommand is a command line that means the same to a shell and to a split at blanks.
var plainCommand = regexp.MustCompile(`^[A-Za-z0-9_./@-]+( [A-Za-z0-9_./:@%+=,-]+)*$`)

// shellWords are commands that only a shell has, and the ones that stand for another package manager's script.
var shellWords = []string{"cd", "exec", "export", "set", "source", ".", "npm", "npx", "yarn", "pnpm", "if", "for", "while", "test", "echo", "true", "wait"}

// nodeCommand is the web process: the start script, without npm and a shell in between where it is a plain command; else server.js, as
// for npm. nil: neither is there, or the script starts a server for development.
func nodeCommand(t tree, pkg packageJSON) ([]string, error) {
	start := strings.TrimSpace(pkg.Scripts["start"])
	if start == "" {
		found, err := t.has("server.js")
		if !found || err != nil {
			return nil, err
		}
		return []string{"node", "server.js"}, nil
	}
	if developmentServer(start) && (pkg.Scripts["build"] != "" || pkg.Scripts["heroku-postbuild"] != "") {
		return nil, nil
	}
	words := strings.Fields(start)
	if !plainCommand.MatchString(start) || slices.Contains(shellWords, words[0]) || pkg.Scripts["prestart"] != "" || pkg.Scripts["poststart"] != "" {
		return []string{"npm", "start"}, nil
	}
	return words, nil
}
