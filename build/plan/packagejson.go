package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"paas"
)

const packageFile = "package.json"

// packageJSON is what decides a build of a package.json.
type packageJSON struct {
	Scripts map[string]string `json:"scripts"`
	Engines struct {
		Node string `json:"node"`
	} `json:"engines"`
	PackageManager       string            `json:"packageManager"`
	Workspaces           json.RawMessage   `json:"workspaces"`
	Dependencies         map[string]string `json:"dependencies"`
	DevDependencies      map[string]string `json:"devDependencies"`
	OptionalDependencies map[string]string `json:"optionalDependencies"`
}

func readPackageJSON(t tree) (packageJSON, error) {
	var pkg packageJSON
	text, err := t.read(packageFile)
	if err != nil {
		return pkg, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	err = json.Unmarshal(text, &pkg)
	if err == nil {
		return pkg, nil
	}
	at, what := int64(0), err.Error()
	if s, ok := errors.AsType[*json.SyntaxError](err); ok {
		at, what = s.Offset, "it is not JSON: "+s.Error()
	} else if u, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at, what = u.Offset, u.Field+" cannot be "+article(u.Value)
	}
	at = min(max(0, at-1), int64(len(text)))
	line := 1 + bytes.Count(text[:at], []byte("\n"))
	return pkg, paas.Errorf(paas.Invalid, "package.json line %d: %s", line, what).WithHint("correct the line, commit and push again")
}

func article(kind string) string {
	if kind == "array" || kind == "object" {
		return "an " + kind
	}
	return "a " + kind
}

// has says whether the package is among the dependencies, of either kind.
func (p packageJSON) has(name string) bool {
	_, ok := p.Dependencies[name]
	_, dev := p.DevDependencies[name]
	return ok || dev
}

// whole says that the manifests alone are not enough to install from: scripts run then, or parts of the repository are dependencies.
func (p packageJSON) whole() bool {
	for _, script := range []string{"preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"} {
		if p.Scripts[script] != "" {
			return true
		}
	}
	if len(p.Workspaces) > 0 && string(p.Workspaces) != "null" {
		return true
	}
	for _, group := range []map[string]string{p.Dependencies, p.DevDependencies, p.OptionalDependencies} {
		for _, spec := range slices.Collect(maps.Values(group)) {
			kind, _, _ := strings.Cut(spec, ":")
			if slices.Contains([]string{"file", "link", "portal", "workspace", "patch", "catalog"}, kind) {
				return true
			}
		}
	}
	return false
}
