package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"paas"
)

// php is served by Apache, as the official image has it: it runs as the user app, listens on $PORT and reads .htaccess files.
func php() language { return language{name: "php", detect: detectPHP, plan: planPHP} }

func detectPHP(t tree, _ Settings) (string, error) { return t.first("composer.json", "index.php") }

// The versions of PHP that a constraint may choose from, and the one where nothing is said.
var phpVersions = []string{"7.4", "8.0", "8.1", "8.2", "8.3", "8.4", "8.5"}

const defaultPHP = "8.4"

var phpIgnore = []string{".git", "vendor", "node_modules"}

// composerCache is where both stages that run composer are told to keep what they downloaded.
var composerCache = []cache{{name: "composer", dir: "/composer-cache"}}

// phpProject is what a composer.json and its lock file say.
type phpProject struct {
	composer, locked bool
	local            bool     // it has packages whose source is in the tree
	wanted           string   // the constraint on php
	extensions       []string // without ext-, sorted
}

func readPHPProject(l *look) (phpProject, error) {
	p := phpProject{composer: l.has("composer.json"), locked: l.has("composer.lock")}
	if !p.composer {
		return p, nil
	}
	var manifest struct {
		Require      map[string]any `json:"require"`
		Repositories any            `json:"repositories"` // a list or an object of them
		Config       struct {
			Platform map[string]any `json:"platform"`
		} `json:"config"`
	}
	if err := json.Unmarshal(l.text("composer.json"), &manifest); err != nil && l.err == nil {
		return p, badFile("composer.json cannot be read: %s", err)
	}
	p.local = hasPathRepository(manifest.Repositories)
	needed := map[string]bool{}
	p.wanted, _ = manifest.Require["php"].(string)
	if v, ok := manifest.Config.Platform["php"].(string); ok {
		p.wanted = v
	}
	for name := range manifest.Require {
		needed[name] = true
	}
	if p.locked {
		if err := readComposerLock(l, needed); err != nil {
			return p, err
		}
	}
	for name := range needed {
		if ext, ok := strings.CutPrefix(strings.ToLower(name), "ext-"); ok {
			p.extensions = append(p.extensions, ext)
		}
	}
	slices.Sort(p.extensions)
	p.extensions = slices.Compact(p.extensions)
	if needsPackages(manifest.Require) && !p.locked {
		return p, paas.Errorf(paas.Invalid, "there is a composer.json that requires packages, but no composer.lock").
			WithHint("run `composer update`, commit composer.lock and push again")
	}
	return p, nil
}

// readComposerLock adds the extensions that the locked packages need.
func readComposerLock(l *look, needed map[string]bool) error {
	var lock struct {
		Packages []struct {
			Require map[string]any `json:"require"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(l.text("composer.lock"), &lock); err != nil && l.err == nil {
		return badFile("composer.lock cannot be read: %s", err)
	}
	for _, pkg := range lock.Packages {
		for name := range pkg.Require {
			needed[name] = true
		}
	}
	return nil
}

// hasPathRepository says whether {"type": "path"} is among the repositories.
func hasPathRepository(value any) bool {
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, hasPathRepository)
	case map[string]any:
		return v["type"] == "path" || slices.ContainsFunc(slices.Collect(maps.Values(v)), hasPathRepository)
	}
	return false
}

// needsPackages says whether anything is required besides PHP and its extensions.
func needsPackages(require map[string]any) bool {
	for name := range require {
		if strings.Contains(name, "/") {
			return true
		}
	}
	return false
}

func (p phpProject) version() (v, from string, err error) {
	if p.wanted == "" {
		return defaultPHP, "", nil
	}
	v, ok := choose(p.wanted, composerDialect, defaultPHP, phpVersions)
	if !ok {
		return "", "", paas.Errorf(paas.Invalid, "no version of PHP that is known meets %s of composer.json", paas.Quote(p.wanted)).
			WithHint("require a released one, such as \"php\": \"^%s\", commit and push again", defaultPHP)
	}
	return v, "php " + p.wanted + " in composer.json", nil
}

func planPHP(t tree, s Settings) (Plan, error) {
	l := &look{tree: t}
	project, err := readPHPProject(l)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	v, from, err := project.version()
	if err != nil {
		return Plan{}, err
	}
	root, err := documentRoot(l, s)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	p := Plan{Ignore: phpIgnore}
	if !project.composer {
		p.Ignore = []string{".git"} // nothing would bring vendor back
	}
	p.notePHP(project, v, from, root)
	b := s.base(&p, "php", "php:"+v+"-apache", "php:"+v+"-apache")
	d := newScript(s)
	d.stage(b.build, "php")
	d.extensions(&p, b, project.extensions)
	d.apache(root)
	if project.composer {
		project.install(d, s.base(&p, "composer", "composer:2", "composer:2"))
		d.last("php")
		d.give("build", "/app", "/app")
	} else {
		d.last("php")
		d.give("", ".", "/app")
	}
	d.comment("Apache's own is SIGWINCH, which other processes of the app would not understand.")
	d.write("STOPSIGNAL SIGTERM")
	d.end([]string{"apache2-foreground"})
	if l.has("package.json") && !s.Procfile {
		p.note("package.json is not installed or built; commit what it makes, or a Dockerfile that does both")
	}
	p.Text, err = d.text()
	return p, first(l.err, err)
}

func (p *Plan) notePHP(project phpProject, v, from, root string) {
	if from == "" {
		p.note("PHP %s, the default: \"php\" in composer.json's require can name another", v)
	} else {
		p.note("PHP %s (%s)", v, oneLine(from))
	}
	p.note("Document root: %s", root)
}

// documentRoot is the folder that is served: the one that is set, else where the index.php of a framework is, else all of it.
func documentRoot(l *look, s Settings) (string, error) {
	if s.Root != "" {
		if found, err := l.tree.folder(s.Root); err != nil || found {
			return s.Root, err
		}
		return "", paas.Errorf(paas.Invalid, "the root folder %s is not in the repository", paas.Quote(s.Root)).
			WithHint("commit it under that path, or set the path that it has")
	}
	for _, dir := range []string{"public", "web"} {
		if l.has(dir + "/index.php") {
			return dir, nil
		}
	}
	return ".", nil
}

// install adds the stages that install the packages: in composer's image, which has what it takes to download them, whatever PHP
// they are for; and then, with the sources, on the PHP that will run: composer checks what they need of it, writes the autoloader
// and runs the scripts.
func (p phpProject) install(d *script, c base) {
	d.stage(c.build, "composer")
	d.args()
	d.env(composerEnv...)
	d.workdir("/app")
	if p.locked && !p.local {
		d.copy("./", "composer.json", "composer.lock")
		d.install(composerCache, composerDownload)
	}
	d.copy("./", ".")
	if p.locked && p.local {
		d.install(composerCache, composerDownload)
	}
	d.stage("php", "build")
	d.args()
	d.env(composerEnv...)
	d.copyFrom("composer", "/usr/bin/composer", "/usr/bin/composer")
	d.workdir("/app")
	d.copyFrom("composer", "/app", "/app")
	finish := "composer install --no-dev --optimize-autoloader --no-progress"
	if !p.locked { // and so no packages, see readPHPProject
		finish = "composer dump-autoload --no-dev --optimize"
	}
	d.install(composerCache, finish)
}

var composerEnv = []string{"COMPOSER_ALLOW_SUPERUSER", "1", "COMPOSER_CACHE_DIR", "/composer-cache", "COMPOSER_NO_INTERACTION", "1"}

const composerDownload = "composer install --no-dev --no-scripts --no-autoloader --no-progress --ignore-platform-reqs"

// extensions compiles those that the image does not have, and notes what has to be done by hand.
func (d *script) extensions(p *Plan, b base, wanted []string) {
	var install, pecl, unknown []string
	packages := map[string]bool{}
	for _, name := range wanted {
		libs, known := phpExtensions[name]
		switch {
		case slices.Contains(phpBuiltin, name):
		case known:
			install = append(install, name)
			for _, lib := range libs {
				packages[lib] = true
			}
		case slices.Contains(phpPECL, name):
			pecl = append(pecl, name)
		default:
			unknown = append(unknown, "ext-"+oneLine(name))
		}
	}
	if len(unknown) > 0 {
		p.note("Not installed, as they are not known here: %s. A Dockerfile of your own, or a base image, can have them", strings.Join(unknown, ", "))
	}
	var commands []string
	if len(packages) > 0 {
		commands = append(commands, "apt-get update",
			"apt-get install -y --no-install-recommends "+strings.Join(slices.Sorted(maps.Keys(packages)), " "), "rm -rf /var/lib/apt/lists/*")
	}
	if slices.Contains(install, "gd") {
		commands = append(commands, "docker-php-ext-configure gd --with-freetype --with-jpeg --with-webp")
	}
	if len(install) > 0 {
		commands = append(commands, `docker-php-ext-install -j"$(nproc)" `+strings.Join(install, " "))
	}
	for _, name := range pecl {
		commands = append(commands, "pecl install "+name, "docker-php-ext-enable "+name)
	}
	if len(commands) > 0 && !b.own {
		d.run(commands...)
	}
}
