package plan

import (
	"strings"

	"paas"
)

// The versions of Python that a constraint may choose from, and the one where nothing is said.
var pythonVersions = []string{"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"}

const defaultPython = "3.13"

// pythonVersion finds the version and says where it comes from.
func pythonVersion(t *look, p pythonProject) (v, from string, err error) {
	for _, name := range []string{".python-version", "runtime.txt"} {
		if !t.has(name) {
			continue
		}
		v, err := version(name, strings.TrimPrefix(firstLine(t.text(name)), "python-"))
		return v, name, err
	}
	if p.requires == "" {
		return defaultPython, "", nil
	}
	v, ok := choose(p.requires, pythonDialect, defaultPython, pythonVersions)
	if !ok {
		return "", "", paas.Errorf(paas.Invalid, "no version of Python that is known meets %s of %s", paas.Quote(p.requires), p.requiredBy).
			WithHint("say the version in a file .python-version, such as %s, commit it and push again", defaultPython)
	}
	return v, p.requiredBy + " " + p.requires, nil
}
