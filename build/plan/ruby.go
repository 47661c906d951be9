package plan

import "strings"

// ruby installs gems where the official image has its own, in GEM_HOME, so that their programs are on the PATH.
func ruby() language { return language{name: "ruby", detect: detectRuby, plan: planRuby} }

const (
	// gemHome is GEM_HOME of the official image; an operator's own has to have the same.
	gemHome = "/usr/local/bundle"
	zones   = "/usr/share/zoneinfo"
)

var (
	gemCache   = []cache{{name: "gems", dir: "/root/.bundle/cache", locked: true}}
	rubyIgnore = []string{".git", "node_modules", "vendor/bundle", ".bundle"}
)

// rubyLibraries are what gems load that are compiled while they are installed: names of Debian.
var rubyLibraries = map[string]string{"pg": "libpq5", "mysql2": "libmariadb3", "ruby-vips": "libvips42", "image_processing": "libvips42", "rmagick": "imagemagick"}

func planRuby(t tree, s Settings) (Plan, error) {
	l := &look{tree: t}
	project, err := readRubyProject(l)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	v, from, err := project.version(l)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	p := Plan{Ignore: rubyIgnore}
	p.noteVersion("Ruby", v, from, ".ruby-version")
	env := []string{
		"BUNDLE_FROZEN", "1", "BUNDLE_PATH__SYSTEM", "1", "BUNDLE_WITHOUT", "development:test", "RACK_ENV", "production",
	}
	if project.rails(l) {
		env = append(env, "RAILS_ENV", "production", "RAILS_LOG_TO_STDOUT", "1", "RAILS_SERVE_STATIC_FILES", "1")
	}
	b := s.base(&p, "ruby", "ruby:"+v, "ruby:"+v+"-slim")
	assets := project.assets(l) && !precompiled(l)
	d := newScript(s)
	if assets && l.has("package.json") {
		err = planNode(l, &p, d)
	}
	d.stage(b.build, "build")
	d.args()
	d.env(append(env, "BUNDLE_GLOBAL_GEM_CACHE", "1")...)
	d.workdir("/app")
	project.install(l, d)
	if assets {
		p.note("Assets: rake assets:precompile")
		project.precompile(l, d)
	}
	d.last(b.run)
	d.libraries(b, project.gems, rubyLibraries)
	d.certificates(b)
	if !b.own {
		d.copyFrom("build", zones, zones)
	}
	d.copyFrom("build", gemHome, gemHome)
	d.give("build", "/app", "/app")
	web := project.web(l)
	if web == "" && !s.Procfile {
		return Plan{}, first(l.err, noWeb("bundle exec puma --port $PORT"))
	}
	d.end(shell(web), append(env, "PATH", "/app/bin:$PATH")...)
	var textErr error
	p.Text, textErr = d.text()
	return p, first(l.err, err, textErr)
}

// install writes the steps that install the gems and bring the sources.
func (p rubyProject) install(l *look, d *script) {
	bundle := "bundle install"
	vendored := l.has("vendor/cache")
	if vendored {
		// The folder may have the gems of another platform only.
		bundle = "{ bundle install --local || bundle install; }"
	}
	clean := "rm -rf " + gemHome + "/cache"
	if p.local {
		d.copy("./", ".")
		d.install(gemCache, bundle, clean)
		return
	}
	files := []string{"Gemfile", "Gemfile.lock"}
	if p.versionFile != "" && wordPath.MatchString(strings.TrimPrefix(p.versionFile, ".")) && l.has(p.versionFile) {
		files = append(files, p.versionFile)
	}
	d.copy("./", files...)
	if vendored {
		d.copy("vendor/cache/", "vendor/cache")
	}
	d.install(gemCache, bundle, clean)
	d.copy("./", ".")
}

// precompileAssets gives Rails a secret that is used for nothing else; before 7.1 it does not know how to make one up.
const precompileAssets = `SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE="${SECRET_KEY_BASE:-only-for-assets}" bundle exec rake assets:precompile`

// precompile writes the step that makes the assets, with node and its packages where a package.json wants them.
func (p rubyProject) precompile(l *look, d *script) {
	if !l.has("package.json") {
		d.install(nil, precompileAssets)
		return
	}
	// The image of node has both in /usr/local, where Ruby's image has Ruby.
	d.copyFrom("node", "/usr/local/bin/node", "/opt/node/bin/node")
	d.copyFrom("node", "/usr/local/lib/node_modules", "/opt/node/lib/node_modules")
	d.env("PATH", "/opt/node/bin:$PATH")
	d.install([]cache{{name: "npm", dir: "/root/.npm"}, {name: "yarn", dir: "/root/.yarn-cache", locked: true}},
		"ln -s ../lib/node_modules/npm/bin/npm-cli.js /opt/node/bin/npm",
		"ln -s ../lib/node_modules/npm/bin/npx-cli.js /opt/node/bin/npx",
		nodeInstall(l),
		precompileAssets,
		"rm -rf node_modules")
}

// planNode adds the stage that the assets have their node from.
func planNode(l *look, p *Plan, d *script) error {
	v := defaultAssetsNode
	if l.has(".node-version") {
		named, err := version(".node-version", strings.TrimPrefix(firstLine(l.text(".node-version")), "v"))
		if err != nil {
			return err
		}
		v = named
	}
	b := d.settings.base(p, "node", "node:"+v, "node:"+v)
	d.stage(b.build, "node")
	return nil
}

const defaultAssetsNode = "22"

// nodeInstall is the command that installs the packages of a package.json.
func nodeInstall(l *look) string {
	switch {
	case l.has("yarn.lock"):
		return "npm install --global yarn && yarn install --frozen-lockfile --cache-folder /root/.yarn-cache"
	case l.has("pnpm-lock.yaml"):
		return "npm install --global pnpm && pnpm install --frozen-lockfile"
	case l.has("package-lock.json"):
		return "npm ci"
	}
	return "npm install"
}
