package plan

import (
	"regexp"
	"strings"

	"paas"
)

// rubyProject is what Gemfile and Gemfile.lock say.
type rubyProject struct {
	// gems are all that are locked, by name.
	gems map[string]bool
	// locked is the version under RUBY VERSION; wanted are the constraints of the Gemfile's ruby line, joined; both may be "".
	locked, wanted string
	// versionFile is what `ruby file: "…"` names: bundler reads it.
	versionFile string
	// local says that the lock has gems whose source is in the tree.
	local bool
}

func detectRuby(t tree, _ Settings) (string, error) { return t.first("Gemfile") }

func readRubyProject(t *look) (rubyProject, error) {
	p := rubyProject{gems: map[string]bool{}}
	if !t.has("Gemfile.lock") {
		return p, paas.Errorf(paas.Invalid, "there is a Gemfile, but no Gemfile.lock").
			WithHint("run `bundle lock`, commit Gemfile.lock (take it out of .gitignore) and push again")
	}
	p.readGemfile(string(t.text("Gemfile")))
	p.readLock(string(t.text("Gemfile.lock")))
	return p, nil
}

var (
	rubyLine   = regexp.MustCompile(`^ruby[\s(]+(.*)$`)
	rubyFile   = regexp.MustCompile(`file:\s*["']([A-Za-z0-9._-]+)["']`)
	rubyQuoted = regexp.MustCompile(`^["']([^"']+)["']\s*,?\s*`)
	lockedGem  = regexp.MustCompile(`^    ([A-Za-z0-9._-]+) \(`)
	lockedRuby = regexp.MustCompile(`^\s+ruby ([0-9.]+?)(?:p[0-9]+)?$`)
)

// readGemfile looks for the one line that matters: ruby "3.3.0", ruby "~> 3.2", ">= 3.2.1", ruby file: ".ruby-version".
func (p *rubyProject) readGemfile(text string) {
	for line := range strings.Lines(text) {
		m := rubyLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		if file := rubyFile.FindStringSubmatch(m[1]); file != nil {
			p.versionFile = file[1]
			return
		}
		var all []string
		for rest := m[1]; ; {
			q := rubyQuoted.FindStringSubmatch(rest)
			if q == nil {
				break
			}
			all = append(all, q[1])
			rest = rest[len(q[0]):]
		}
		p.wanted = strings.Join(all, ",")
		return
	}
}

func (p *rubyProject) readLock(text string) {
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && line[0] != ' ' {
			section = line
			continue
		}
		switch section {
		case "GEM", "GIT", "PATH":
			if m := lockedGem.FindStringSubmatch(line); m != nil {
				p.gems[m[1]] = true
			}
			p.local = p.local || section == "PATH"
		case "RUBY VERSION":
			if m := lockedRuby.FindStringSubmatch(line); m != nil {
				p.locked = m[1]
			}
		}
	}
}

// The versions of Ruby that a constraint may choose from, and the one where nothing is said.
var rubyVersions = []string{"3.1", "3.2", "3.3", "3.4", "4.0"}

const defaultRuby = "3.4"

// version finds the version and says where it comes from. Bundler refuses any but the locked one, so that comes first.
func (p rubyProject) version(t *look) (v, from string, err error) {
	if v, ok := parseVersion(p.locked); ok {
		return v.String(), "Gemfile.lock", nil
	}
	file := p.versionFile
	if file == "" && t.has(".ruby-version") {
		file = ".ruby-version"
	}
	if file != "" {
		v, err := version(file, strings.TrimPrefix(firstLine(t.text(file)), "ruby-"))
		return v, file, err
	}
	if p.wanted == "" {
		return defaultRuby, "", nil
	}
	v, ok := choose(p.wanted, rubyDialect, defaultRuby, rubyVersions)
	if !ok {
		return "", "", paas.Errorf(paas.Invalid, "no version of Ruby that is known meets %s of the Gemfile", paas.Quote(p.wanted)).
			WithHint("say the version in a file .ruby-version, such as %s, commit it and push again", defaultRuby)
	}
	return v, "Gemfile " + p.wanted, nil
}

// web is the command that serves the project, as far as its files leave no doubt; "" otherwise.
func (p rubyProject) web(t *look) string {
	switch {
	case p.rails(t):
		return "bundle exec rails server --binding 0.0.0.0 --port $PORT"
	case !t.has("config.ru"):
		return ""
	case p.gems["puma"]:
		return "bundle exec puma --bind tcp://0.0.0.0:$PORT"
	case p.gems["rackup"] || p.gems["thin"] || p.gems["unicorn"] || p.gems["falcon"] || p.gems["webrick"]:
		return "bundle exec rackup --host 0.0.0.0 --port $PORT"
	}
	return ""
}

func (p rubyProject) rails(t *look) bool { return p.gems["railties"] && t.has("config/application.rb") }

// assets says whether rake has assets:precompile: a Rails app with an asset pipeline, which did not commit its output.
func (p rubyProject) assets(t *look) bool {
	if !t.has("Rakefile") {
		return false
	}
	for _, gem := range []string{"sprockets-rails", "sprockets", "propshaft", "shakapacker", "webpacker", "vite_rails", "jsbundling-rails"} {
		if p.gems[gem] {
			return p.rails(t)
		}
	}
	return false
}

// precompiled says that the assets are in the repository as they are served.
func precompiled(t *look) bool {
	for _, name := range t.names("public/assets", ".json") {
		base := strings.TrimPrefix(name, "public/assets/")
		if strings.HasPrefix(base, ".sprockets-manifest-") || strings.HasPrefix(base, "manifest-") || base == ".manifest.json" {
			return true
		}
	}
	return false
}
