package plan

import (
	"encoding/json"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"paas"
)

// pythonProject is what a repository's files say of its packages.
type pythonProject struct {
	file string // that decides
	tool string // pip, uv, poetry, pipenv, or project for a pyproject.toml alone
	// needs are the names of what it depends on directly, normalised, with the extras that matter: fastapi[standard] needs uvicorn.
	needs map[string]bool
	// requires is the constraint on the version of Python, and requiredBy the key that has it; both "" where there is none.
	requires, requiredBy string
	// inputs are the files that the dependencies are installed from, so that they stay as long as these do; nil: the whole tree.
	inputs []string
	// installs says that the project is a package itself, to be installed after its dependencies.
	installs bool
	// unused are other files of the kind.
	unused []string
}

// pythonFiles decide, in this order.
var pythonFiles = []struct{ name, tool string }{
	{"requirements.txt", "pip"},
	{"uv.lock", "uv"},
	{"poetry.lock", "poetry"},
	{"Pipfile.lock", "pipenv"},
	{"Pipfile", "pipenv"},
	{"pyproject.toml", "project"},
}

func detectPython(t tree, _ Settings) (string, error) {
	names := make([]string, len(pythonFiles))
	for i, f := range pythonFiles {
		names[i] = f.name
	}
	return t.first(names...)
}

func readPythonProject(t *look) (pythonProject, error) {
	p := pythonProject{needs: map[string]bool{}}
	for _, f := range pythonFiles {
		switch {
		case !t.has(f.name):
		case p.file == "":
			p.file, p.tool = f.name, f.tool
		case f.name != "pyproject.toml" && f.tool != p.tool:
			p.unused = append(p.unused, f.name)
		}
	}
	pyproject, err := readPyproject(t)
	if err != nil {
		return p, err
	}
	p.takeVersion(pyproject)
	switch p.tool {
	case "pip":
		err = p.readRequirements(t)
	case "pipenv":
		err = p.readPipfile(t)
	default:
		err = p.readPyproject(t, pyproject)
	}
	return p, err
}

// pyproject is the part of a pyproject.toml that matters here.
type pyproject struct {
	there   bool
	Project struct {
		RequiresPython string   `toml:"requires-python"`
		Dependencies   []string `toml:"dependencies"`
		Dynamic        []string `toml:"dynamic"`
	} `toml:"project"`
	BuildSystem map[string]any `toml:"build-system"`
	Tool        struct {
		Poetry struct {
			Dependencies map[string]any `toml:"dependencies"`
			PackageMode  *bool          `toml:"package-mode"`
		} `toml:"poetry"`
		UV struct {
			Package   *bool          `toml:"package"`
			Workspace map[string]any `toml:"workspace"`
			Sources   map[string]any `toml:"sources"`
		} `toml:"uv"`
	} `toml:"tool"`
}

func readPyproject(t *look) (pyproject, error) {
	var p pyproject
	if !t.has("pyproject.toml") {
		return p, nil
	}
	p.there = true
	return p, readTOML(t, "pyproject.toml", &p)
}

// readTOML decodes a file; what is wrong in it is paas.Invalid and names the line.
func readTOML(t *look, name string, into any) error {
	err := toml.Unmarshal(t.text(name), into)
	if at, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := at.Position()
		return badFile("%s line %d cannot be read: %s", name, line, strings.TrimPrefix(at.Error(), "toml: "))
	}
	if err != nil {
		return badFile("%s cannot be read: %s", name, strings.TrimPrefix(err.Error(), "toml: "))
	}
	return nil
}

func badFile(format string, args ...any) error {
	return paas.Errorf(paas.Invalid, format, args...).WithHint("correct the file, commit and push again")
}

func (p *pythonProject) takeVersion(f pyproject) {
	if f.Project.RequiresPython != "" {
		p.requires, p.requiredBy = f.Project.RequiresPython, "requires-python in pyproject.toml"
	} else if text, ok := f.Tool.Poetry.Dependencies["python"].(string); ok {
		p.requires, p.requiredBy = text, "tool.poetry.dependencies in pyproject.toml"
	}
}

// readPyproject takes what uv, poetry and pip install of a pyproject.toml.
func (p *pythonProject) readPyproject(t *look, f pyproject) error {
	if !f.there {
		return paas.Errorf(paas.Invalid, "there is %s, but no pyproject.toml", p.file).
			WithHint("commit pyproject.toml next to %s and push again", p.file)
	}
	for _, requirement := range f.Project.Dependencies {
		p.need(requirement)
	}
	local := len(f.Tool.UV.Workspace) > 0
	for name, value := range f.Tool.Poetry.Dependencies {
		p.need(name)
		local = local || isLocal(value)
	}
	for _, value := range f.Tool.UV.Sources {
		local = local || isLocal(value)
	}
	switch p.tool {
	case "uv":
		p.installs = f.BuildSystem != nil
		if f.Tool.UV.Package != nil {
			p.installs = *f.Tool.UV.Package
		}
	case "poetry":
		p.installs = f.Tool.Poetry.PackageMode == nil || *f.Tool.Poetry.PackageMode
	default:
		p.installs = f.BuildSystem != nil
		local = local || slices.Contains(f.Project.Dynamic, "dependencies")
	}
	if !local {
		p.inputs = []string{"pyproject.toml"}
		if p.tool != "project" {
			p.inputs = append(p.inputs, p.file)
		}
		if p.tool == "uv" && t.has(".python-version") {
			p.inputs = append(p.inputs, ".python-version")
		}
	}
	return nil
}

// isLocal says whether a dependency's source is in the tree: {path = …} or {workspace = true}, perhaps one of a list.
func isLocal(source any) bool {
	switch s := source.(type) {
	case map[string]any:
		return s["path"] != nil || s["workspace"] != nil
	case []any:
		return slices.ContainsFunc(s, isLocal)
	}
	return false
}

// readRequirements reads requirements.txt and, as long as they are plain names of files beside it, what it includes.
func (p *pythonProject) readRequirements(t *look) error {
	waiting := []string{p.file}
	local := false
	for len(waiting) > 0 {
		name := waiting[0]
		waiting = waiting[1:]
		if slices.Contains(p.inputs, name) {
			continue
		}
		p.inputs = append(p.inputs, name)
		for line := range strings.Lines(string(t.text(name))) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			if included, ok := includedFile(line); ok {
				included = path.Join(path.Dir(name), included)
				if !wordPath.MatchString(included) || !t.has(included) || len(p.inputs) > 20 {
					local = true
					continue
				}
				waiting = append(waiting, included)
				continue
			}
			local = local || localRequirement(line)
			p.need(line)
		}
	}
	if local {
		p.inputs = nil
	}
	return nil
}

var (
	include      = regexp.MustCompile(`^(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)$`)
	localLine    = regexp.MustCompile(`^(-e|--editable|-f|--find-links|\.|/|file:|[^\s;#]*\.(whl|tar\.gz|zip)\b)|\s@\s*(file:|\.)`)
	requirement  = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?`)
	nameDividers = regexp.MustCompile(`[-_.]+`)
)

func includedFile(line string) (string, bool) {
	m := include.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// localRequirement says whether a line of a requirements file is met by files of the tree.
func localRequirement(line string) bool {
	return localLine.MatchString(line) && (!strings.Contains(line, "://") || strings.Contains(line, "file:"))
}

// need notes the name of a requirement as PEP 508 writes it: Django>=5, fastapi[standard].
func (p *pythonProject) need(text string) {
	m := requirement.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return
	}
	name := strings.ToLower(nameDividers.ReplaceAllString(m[1], "-"))
	p.needs[name] = true
	if name == "fastapi" && m[2] != "" {
		p.needs["uvicorn"] = true
	}
}

// readPipfile takes what pipenv installs. Without its lock file nothing says which versions those are.
func (p *pythonProject) readPipfile(t *look) error {
	if p.file != "Pipfile.lock" {
		return paas.Errorf(paas.Invalid, "there is a Pipfile, but no Pipfile.lock").
			WithHint("run `pipenv lock`, commit Pipfile.lock and push again")
	}
	if !t.has("Pipfile") {
		return paas.Errorf(paas.Invalid, "there is Pipfile.lock, but no Pipfile").WithHint("commit Pipfile next to Pipfile.lock and push again")
	}
	var f struct {
		Packages map[string]any    `toml:"packages"`
		Requires map[string]string `toml:"requires"`
	}
	if err := readTOML(t, "Pipfile", &f); err != nil {
		return err
	}
	local := false
	for _, name := range slices.Sorted(maps.Keys(f.Packages)) {
		p.need(name)
		local = local || isLocal(f.Packages[name])
	}
	if !local {
		p.inputs = []string{"Pipfile", "Pipfile.lock"}
	}
	p.requires, p.requiredBy = pipfileVersion(f.Requires), "requires in Pipfile"
	if p.requires == "" {
		locked, err := lockedPython(t)
		if err != nil {
			return err
		}
		p.requires, p.requiredBy = locked, "requires in Pipfile.lock"
	}
	return nil
}

func pipfileVersion(requires map[string]string) string {
	if v := requires["python_full_version"]; v != "" {
		return v
	}
	return requires["python_version"]
}

func lockedPython(t *look) (string, error) {
	var lock struct {
		Meta struct {
			Requires map[string]string `json:"requires"`
		} `json:"_meta"`
	}
	if err := json.Unmarshal(t.text("Pipfile.lock"), &lock); err != nil {
		return "", badFile("Pipfile.lock cannot be read: %s", err)
	}
	return pipfileVersion(lock.Meta.Requires), nil
}
