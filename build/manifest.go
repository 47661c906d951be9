package build

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"paas"
	"paas/build/plan"
)

// MaxManifestBytes bounds an app.json, and a heroku.yml.
const MaxManifestBytes = 64 << 10

// manifest is what an app.json and a heroku.yml say that applies here, and the names of what they say that does not. It is
// filled by readAppJSON and readHerokuYML, for each file that is there, and then, when the process types are known, by settle.
type manifest struct {
	paas.Manifest
	checks paas.Checks

	dockerfile string // its path; "": neither file says
	docker     string // the file that does
	args       map[string]string

	types   paas.ProcessTypes // of heroku.yml
	runs    bool              // it has run, so that its types take the place of the Procfile's
	release string            // heroku.yml's release command

	ignored map[string][]string // by file: "addons", "healthchecks.web[0].content"

	healthchecks, formation node // app.json's, for settle
}

func (m *manifest) ignore(file, what string) {
	if m.ignored == nil {
		m.ignored = map[string][]string{}
	}
	m.ignored[file] = append(m.ignored[file], what)
}

// ignoreRest names the fields that nobody knows.
func (m *manifest) ignoreRest(file, name string, f fields, known ...string) {
	for _, key := range f.keys() {
		if !slices.Contains(known, key) {
			m.ignore(file, name+"."+cleanName(key))
		}
	}
}

// processTypes are those that the commit runs, where the Procfile, or the language, has types.
func (m *manifest) processTypes(types paas.ProcessTypes, procfile bool) paas.ProcessTypes {
	if m.runs || !procfile && len(m.types) > 0 {
		types = m.types
	}
	if m.release == "" {
		return types
	}
	types = slices.DeleteFunc(slices.Clone(types), func(t paas.ProcessType) bool { return t.Name == paas.ReleaseCommand })
	return append(types, paas.ProcessType{Name: paas.ReleaseCommand, Command: m.release})
}

const noSuchType = " (there is no such process type)"

// settle reads what is said of process types, which are types.
func (m *manifest) settle(types paas.ProcessTypes) error {
	if err := m.readChecks(types); err != nil {
		return err
	}
	return m.readFormation(types)
}

// settings are those of a plan, with what the manifest says where the settings of the app do not.
func (m *manifest) settings(with plan.Settings, procfile bool) plan.Settings {
	with.Procfile = procfile || m.runs
	if with.Dockerfile == "" {
		with.Dockerfile = m.dockerfile
	}
	for name := range m.args {
		if !slices.Contains(with.Args, name) {
			with.Args = append(with.Args, name)
		}
	}
	slices.Sort(with.Args)
	return with
}

// arguments are those of the build, where the settings of the app have set.
func (m *manifest) arguments(set map[string]string) map[string]string {
	args := maps.Clone(m.args)
	if args == nil {
		return set
	}
	maps.Copy(args, set)
	return args
}

// checkConfig says before anything is built what the config of app lacks. What it lacks when the build is deployed is
// said then.
func (s *Service) checkConfig(app paas.App, m manifest) error {
	if len(m.Env) == 0 {
		return nil
	}
	config, err := s.Records.Config(app.ID, app.ConfigVersion)
	if err == nil {
		_, _, err = m.Complete(app.Name, config)
	}
	return err
}

// showManifest says what app.json and heroku.yml had to say, and what of it does not hold here.
func (s *source) showManifest(show *progress) {
	m := s.app
	if settings := m.checks.Values(); len(settings) > 0 {
		words := make([]string, 0, len(settings))
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			words = append(words, name+"="+settings[name])
		}
		show.heading("Checks: %s (%s)", strings.Join(words, " "), appJSON)
	}
	if m.runs && s.procfile {
		show.note("The %s is not used: %s has the processes", procfile, herokuYML)
	}
	for _, file := range []string{appJSON, herokuYML} {
		if what := m.ignored[file]; len(what) > 0 {
			show.note("Not applied from %s: %s", file, strings.Join(what, ", "))
		}
	}
}

// setDockerfile takes the path of the Dockerfile that n has.
func (m *manifest) setDockerfile(name string, n node) error {
	text, err := n.text(name)
	if err != nil {
		return err
	}
	p, err := paas.BuildPath("dockerfile", text)
	if err != nil || p == "" || p == "." {
		return n.errorf("%s is %s, not the path of a file in the repository, relative to its root", name, n.kind())
	}
	if m.dockerfile != "" && m.dockerfile != p {
		return n.errorf("%s is %s, and %s has %s: an app is one image, so all its process types have one Dockerfile",
			name, quotePath(p), m.docker, quotePath(m.dockerfile))
	}
	m.dockerfile, m.docker = p, n.file
	return nil
}

// command returns a command; "" of what is not there.
func (n node) command(name string) (string, error) {
	text, err := n.text(name)
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	switch {
	case n.there() && text == "":
		return "", n.errorf("%s is empty", name)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }):
		return "", n.errorf("%s is not one line of plain text", name)
	case len(text) > maxCommandBytes:
		return "", n.errorf("%s has %d bytes, and a command at most %d", name, len(text), maxCommandBytes)
	}
	return text, nil
}
