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
	var node *assetsNode
	if assets && l.has(packageFile) {
		if node, err = planAssetsNode(t, &p, d); err != nil {
			return Plan{}, err
		}
	}
	d.stage(b.build, "build")
	d.args()
	d.env(append(env, "BUNDLE_GLOBAL_GEM_CACHE", "1")...)
	d.workdir("/app")
	project.install(l, d)
	if assets {
		p.note("Assets: rake assets:precompile")
		d.precompile(node)
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

// assetsNode is the node that a package.json beside a Gemfile wants.
type assetsNode struct{ packages manager }

// planAssetsNode adds the stage that the assets have their node from.
func planAssetsNode(t tree, p *Plan, d *script) (*assetsNode, error) {
	pkg, err := readPackageJSON(t)
	if err != nil {
		return nil, err
	}
	m, err := nodeManager(t, pkg)
	if err != nil {
		return nil, err
	}
	tag, why, err := nodeVersion(t, pkg)
	if err != nil {
		return nil, err
	}
	b := d.settings.base(p, "node", "node:"+tag, "")
	if !b.own {
		p.note("Node %s for the assets (%s)", tag, why)
	}
	d.stage(b.build, "node")
	return &assetsNode{m}, nil
}

// precompile writes the step that makes the assets, with node and its packages where there are any. The image of node has both in
// /usr/local, where Ruby's image has Ruby.
func (d *script) precompile(node *assetsNode) {
	if node == nil {
		d.install(nil, precompileAssets)
		return
	}
	d.copyFrom("node", "/usr/local/bin/node", "/opt/node/bin/node")
	d.copyFrom("node", "/usr/local/lib/node_modules", "/opt/node/lib/node_modules")
	d.env("PATH", toolsDir+"/bin:/opt/node/bin:$PATH")
	d.run("ln -s ../lib/node_modules/npm/bin/npm-cli.js /opt/node/bin/npm", "ln -s ../lib/node_modules/npm/bin/npx-cli.js /opt/node/bin/npx")
	m := node.packages
	if m.tool != "" {
		d.install([]cache{npmCache}, "npm install --global --prefix "+toolsDir+" "+m.tool)
	}
	d.install([]cache{m.cache}, m.install, precompileAssets, "rm -rf node_modules")
}
