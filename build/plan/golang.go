package plan

import (
	"bytes"
	"errors"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"paas"
)

// golang is a Go module at the root of the repository.
func golang() language { return language{name: "go", detect: detectGo, plan: planGo} }

const goMod = "go.mod"

func detectGo(t tree, _ Settings) (string, error) { return t.first(goMod) }

func planGo(t tree, s Settings) (Plan, error) {
	module, image, err := readGoMod(t)
	if err != nil {
		return Plan{}, err
	}
	programs, err := goPrograms(t, module)
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	web, err := goWeb(programs, path.Base(module), s)
	if err != nil {
		return Plan{}, err
	}
	b := s.base(&p, "go", image, "")
	if !b.own {
		p.note("Go %s (go.mod)", strings.TrimPrefix(image, "golang:"))
	}
	p.note("Programs: %s", strings.Join(slices.Sorted(keys(programs)), ", "))
	vendored, err := t.has("vendor/modules.txt")
	if err != nil {
		return Plan{}, err
	}
	if vendored {
		p.note("Dependencies: those of vendor/")
	}
	p.Text, err = goDockerfile(s, b, programs, web)
	return p, err
}

// program is a main package of the module.
type program struct{ name, dir string }

func keys(programs []program) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, p := range programs {
			if !yield(p.name) {
				return
			}
		}
	}
}

// goDockerfile builds all programs in one stage; the last one has nothing but them, the repository's files, and what programs expect
// of a system. Time zones are in the programs.
func goDockerfile(s Settings, b base, programs []program, web string) (string, error) {
	d := newScript(s)
	d.stage(b.build, "build")
	d.args()
	d.env("CGO_ENABLED", "0")
	d.workdir("/src")
	d.run(
		"mkdir -p /out/system/etc/ssl/certs /out/system/app/bin /out/bin",
		"echo '"+appPasswd+"' > /out/system/etc/passwd",
		"echo '"+appGroup+"' > /out/system/etc/group",
		"cp "+authorities+" /out/system/etc/ssl/certs/",
		"mkdir -m 1777 /out/system/tmp",
		"chown -R "+appID+":"+appID+" /out/system/app",
	)
	d.copy("./", ".")
	builds := make([]string, 0, len(programs))
	for _, p := range programs {
		builds = append(builds, "go build -trimpath -tags timetzdata -o /out/bin/"+p.name+" "+p.dir)
	}
	d.install([]cache{{name: "go-mod", dir: "/go/pkg/mod"}, {name: "go-build", dir: "/root/.cache/go-build"}}, builds...)

	d.stage("scratch", "")
	d.copyFrom("build", "/out/system", "/")
	d.give("", ".", "/app")
	d.copyFrom("build", "/out/bin", "/app/bin")
	var argv []string
	if web != "" {
		argv = []string{"/app/bin/" + web}
	}
	d.end(argv, "PATH", "/app/bin")
	return d.text()
}

// goWeb is the program that is the web process where no Procfile says so: the only one, the one named web, or the one named as
// the module. "" where a Procfile says.
func goWeb(programs []program, module string, s Settings) (string, error) {
	names := slices.Collect(keys(programs))
	switch {
	case len(names) == 1:
		return names[0], nil
	case slices.Contains(names, paas.Web):
		return paas.Web, nil
	case slices.Contains(names, module):
		return module, nil
	case s.Procfile:
		return "", nil
	}
	return "", paas.Errorf(paas.Invalid, "there are several programs, and none is named web or %s: %s", module, strings.Join(names, ", ")).
		WithHint("commit a Procfile that says which one is web, such as `web: %s`", names[0])
}

// The newest version of Go when this was written, for modules that ask for none or for one from before the go line meant the
// version of the tools (1.21).
const (
	goNewest   = "1.26"
	goFirstOwn = 21
)

var (
	goLine      = regexp.MustCompile(`^go[ \t]+"?([^\s"]+)"?$`)
	goToolchain = regexp.MustCompile(`^toolchain[ \t]+"?go([^\s"]+)"?$`)
	goModule    = regexp.MustCompile("^module[ \t]+[\"`]?([^\\s\"`]+)[\"`]?$")
	goVersion   = regexp.MustCompile(`^1\.([0-9]{1,3})(?:\.[0-9]{1,3}|(rc[0-9]{1,2}|beta[0-9]{1,2}))?$`)
	goMajor     = regexp.MustCompile(`^v[0-9]+$`)
)

// readGoMod finds the module's path, without its major version, and the image of its version of Go.
func readGoMod(t tree) (module, image string, err error) {
	text, err := t.read(goMod)
	if err != nil {
		return "", "", err
	}
	var line, toolchain string
	for l := range strings.Lines(string(text)) {
		l, _, _ = strings.Cut(l, "//")
		l = strings.TrimSpace(l)
		for pattern, value := range map[*regexp.Regexp]*string{goLine: &line, goToolchain: &toolchain, goModule: &module} {
			if m := pattern.FindStringSubmatch(l); m != nil && *value == "" {
				*value = m[1]
			}
		}
	}
	if module == "" {
		return "", "", paas.Errorf(paas.Invalid, "go.mod names no module").WithHint("go mod init example.com/app")
	}
	if goMajor.MatchString(path.Base(module)) {
		module = path.Dir(module)
	}
	if toolchain != "" {
		line = toolchain
	}
	image, err = goImage(line)
	return module, image, err
}

// goImage is the official image of a version: of the newest patch, and of at least goFirstOwn.
func goImage(line string) (string, error) {
	if line == "" {
		return "golang:" + goNewest, nil
	}
	m := goVersion.FindStringSubmatch(line)
	if m == nil {
		return "", paas.Errorf(paas.Invalid, "go.mod asks for Go %s, which cannot be used", paas.Quote(line)).
			WithHint("name a released version, such as `go %s`", goNewest)
	}
	if minor := m[1]; len(minor) == 1 || len(minor) == 2 && minor < "21" {
		return "golang:" + goNewest, nil
	}
	return "golang:1." + m[1] + m[2], nil
}

// goPrograms finds the main packages: the module's root, else the folders of cmd.
func goPrograms(t tree, module string) ([]program, error) {
	main, err := goMain(t, ".")
	if err != nil {
		return nil, err
	}
	if main {
		p, err := newProgram(path.Base(module), ".")
		return []program{p}, err
	}
	entries, err := t.list("cmd")
	if err != nil {
		return nil, err
	}
	var found []program
	for _, e := range entries {
		dir := "cmd/" + e.Name()
		if !e.IsDir() || strings.HasPrefix(e.Name(), "_") || strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" {
			continue
		}
		main, err := goMain(t, dir)
		if err != nil {
			return nil, err
		}
		if !main {
			continue
		}
		p, err := newProgram(e.Name(), "./"+dir)
		if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	if len(found) == 0 {
		return nil, paas.Errorf(paas.Invalid, "there is no program in this Go module: no package main at its root or in a folder of cmd/").
			WithHint("move it to cmd/web, or commit a Dockerfile")
	}
	return found, nil
}

func newProgram(name, dir string) (program, error) {
	if !wordName.MatchString(name) {
		return program{}, paas.Errorf(paas.Invalid, "a program cannot be named %s", paas.Quote(name)).
			WithHint("name it with letters, digits, _, -, + and dots within")
	}
	return program{name, dir}, nil
}

// goMain says whether a folder has package main, by its first file that is no test and is part of a build for Linux.
func goMain(t tree, dir string) (bool, error) {
	entries, err := t.list(dir)
	if err != nil {
		return false, err
	}
	c := goContext()
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := t.read(path.Join(dir, name))
		if err != nil {
			return false, err
		}
		if text == nil {
			continue
		}
		c.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
		if match, err := c.MatchFile(dir, name); !match || err != nil {
			continue // a file that cannot be parsed is the compiler's to name
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.PackageClauseOnly)
		if err != nil {
			continue
		}
		return file.Name.Name == "main", nil
	}
	return false, nil
}

// goContext is a build for Linux that reads no file of this machine.
func goContext() build.Context {
	none := errors.New("not read")
	return build.Context{
		GOOS: "linux", GOARCH: "amd64", Compiler: "gc", BuildTags: []string{"timetzdata"}, ReleaseTags: build.Default.ReleaseTags,
		JoinPath:  path.Join,
		ReadDir:   func(string) ([]fs.FileInfo, error) { return nil, none },
		IsDir:     func(string) bool { return false },
		HasSubdir: func(string, string) (string, bool) { return "", false },
	}
}
