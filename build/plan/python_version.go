package plan

import (
	"strings"

	"paas"
)

// The versions of Python that a constraint may choose from, and the one where nothing is said.
var pythonVersions = []string{"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"}

const defaultPython = "3.13"

// pythonVersion finds the version and says where it comes from.
func pythonVersion(t tree, p pythonProject) (v, from string, err error) {
	for _, name := range []string{".python-version", "runtime.txt"} {
		if !t.has(name) {
			continue
		}
		text, err := t.text(name)
		if err != nil {
			return "", "", err
		}
		if v, ok := parseVersion(strings.TrimPrefix(firstLine(text), "python-")); ok {
			return v.String(), name, nil
		}
		return "", "", badVersion(name, firstLine(text), "3.13", "3.13.1")
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

// firstLine is the first line that is neither empty nor a comment.
func firstLine(text string) string {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line
		}
	}
	return ""
}

func badVersion(file, text string, examples ...string) error {
	return paas.Errorf(paas.Invalid, "%s says %s, which is not a version", file, paas.Quote(text)).
		WithHint("write it as numbers, such as %s, commit and push again", strings.Join(examples, " or "))
}
