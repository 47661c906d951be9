package plan

import (
	"maps"
	"path"
	"slices"
	"strings"

	"paas"
)

// rust builds every binary of the workspace. Both images are of one Debian, so that what one links the other has.
func rust() language { return language{name: "rust", detect: detectRust, plan: planRust} }

func detectRust(t tree, _ Settings) (string, error) { return t.first("Cargo.toml") }

const (
	defaultRust = "1"
	rustDebian  = "bookworm"
	maxMembers  = 500
)

var (
	rustIgnore = []string{".git", "target"}
	rustCaches = []cache{
		{name: "cargo-registry", dir: "/usr/local/cargo/registry"},
		{name: "cargo-git", dir: "/usr/local/cargo/git"},
		{name: "cargo-target", dir: "/app/target", locked: true},
	}
	// rustLibraries are what crates link that Debian has.
	rustLibraries = map[string]string{"openssl-sys": "libssl3", "pq-sys": "libpq5", "mysqlclient-sys": "libmariadb3", "libsqlite3-sys": "libsqlite3-0"}
)

// cargo is the part of a Cargo.toml that matters here.
type cargo struct {
	Package struct {
		Name       string `toml:"name"`
		DefaultRun string `toml:"default-run"`
		Autobins   *bool  `toml:"autobins"`
	} `toml:"package"`
	Bin []struct {
		Name string `toml:"name"`
	} `toml:"bin"`
	Workspace struct {
		Members []string `toml:"members"`
		Exclude []string `toml:"exclude"`
	} `toml:"workspace"`
}

// rustProject is what the Cargo.toml files say.
type rustProject struct {
	binaries map[string]bool
	// web is the binary that web runs: the only one, or the root package's default-run.
	web    string
	crates map[string]bool // that are locked
}

func readRustProject(l *look) (rustProject, error) {
	p := rustProject{binaries: map[string]bool{}, crates: map[string]bool{}}
	var root cargo
	if err := readTOML(l, "Cargo.toml", &root); err != nil {
		return p, err
	}
	if !l.has("Cargo.lock") {
		return p, paas.Errorf(paas.Invalid, "there is a Cargo.toml, but no Cargo.lock").
			WithHint("run `cargo generate-lockfile`, commit Cargo.lock (take it out of .gitignore) and push again")
	}
	p.addBinaries(l, ".", root)
	dirs := members(l, root)
	if len(dirs) > maxMembers {
		return p, badFile("the workspace in Cargo.toml has more than %d members", maxMembers)
	}
	for _, dir := range dirs {
		if !l.has(dir + "/Cargo.toml") {
			continue
		}
		var member cargo
		if err := readTOML(l, dir+"/Cargo.toml", &member); err != nil {
			return p, err
		}
		p.addBinaries(l, dir, member)
	}
	for name := range p.binaries {
		if !wordName.MatchString(name) {
			return p, paas.Errorf(paas.Invalid, "the binary %s in Cargo.toml has a name that it may not have", paas.Quote(name)).
				WithHint("name it with letters, digits, - and _")
		}
	}
	if len(p.binaries) == 0 {
		return p, paas.Errorf(paas.Invalid, "the Cargo.toml has no binary to run, only a library").WithHint("add src/main.rs, commit it and push again")
	}
	if p.binaries[root.Package.DefaultRun] {
		p.web = root.Package.DefaultRun
	} else if len(p.binaries) == 1 {
		p.web = slices.Collect(maps.Keys(p.binaries))[0]
	}
	return p, p.readLock(l)
}

// addBinaries finds those of one package: src/main.rs, src/bin/NAME.rs, src/bin/NAME/main.rs and [[bin]].
func (p *rustProject) addBinaries(l *look, dir string, c cargo) {
	if c.Package.Name == "" {
		return
	}
	for _, b := range c.Bin {
		if b.Name != "" {
			p.binaries[b.Name] = true
		}
	}
	if c.Package.Autobins != nil && !*c.Package.Autobins {
		return
	}
	if l.has(path.Join(dir, "src/main.rs")) && len(c.Bin) == 0 {
		p.binaries[c.Package.Name] = true
	}
	for _, name := range l.names(path.Join(dir, "src/bin"), "") {
		base := path.Base(name)
		if file, ok := strings.CutSuffix(base, ".rs"); ok {
			p.binaries[file] = true
		} else if l.has(name + "/main.rs") {
			p.binaries[base] = true
		}
	}
}

// members are the folders of a workspace's packages. A * stands at the end of a path, as it does in practice.
func members(l *look, c cargo) []string {
	var dirs []string
	for _, m := range c.Workspace.Members {
		parent, star := strings.CutSuffix(m, "/*")
		switch {
		case !wordPath.MatchString(parent):
		case star:
			dirs = append(dirs, l.names(parent, "")...)
		default:
			dirs = append(dirs, m)
		}
	}
	return slices.DeleteFunc(dirs, func(dir string) bool { return slices.Contains(c.Workspace.Exclude, dir) })
}

func (p *rustProject) readLock(l *look) error {
	var lock struct {
		Package []struct {
			Name string `toml:"name"`
		} `toml:"package"`
	}
	if err := readTOML(l, "Cargo.lock", &lock); err != nil {
		return err
	}
	for _, pkg := range lock.Package {
		p.crates[pkg.Name] = true
	}
	return nil
}

// rustVersion finds the channel: a number, as images have tags for numbers only.
func rustVersion(l *look, p *Plan) (string, error) {
	file, channel := "", ""
	if l.has("rust-toolchain.toml") {
		file = "rust-toolchain.toml"
	} else if l.has("rust-toolchain") {
		file = "rust-toolchain"
	}
	if file != "" {
		text := string(l.text(file))
		channel = firstLine([]byte(text))
		if strings.Contains(text, "[toolchain]") {
			var f struct {
				Toolchain struct {
					Channel string `toml:"channel"`
				} `toml:"toolchain"`
			}
			if err := readTOML(l, file, &f); err != nil {
				return "", err
			}
			channel = f.Toolchain.Channel
		}
	}
	if file == "" || channel == "stable" || channel == "" {
		p.note("Rust %s, the newest: a file rust-toolchain.toml can name another", defaultRust)
		return defaultRust, nil
	}
	v, err := version(file, channel)
	p.note("Rust %s (%s)", v, file)
	return v, err
}

func planRust(t tree, s Settings) (Plan, error) {
	l := &look{tree: t}
	project, err := readRustProject(l)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	p := Plan{Ignore: rustIgnore}
	v, err := rustVersion(l, &p)
	if err != nil || l.err != nil {
		return Plan{}, first(l.err, err)
	}
	if project.web == "" && !s.Procfile {
		return Plan{}, noWeb("target/release/NAME")
	}
	binaries := slices.Sorted(maps.Keys(project.binaries))
	p.note("Binaries, in /app/target/release: %s", strings.Join(binaries, ", "))
	b := s.base(&p, "rust", "rust:"+v+"-"+rustDebian, "debian:"+rustDebian+"-slim")
	d := newScript(s)
	d.stage(b.build, "build")
	d.args()
	d.workdir("/app")
	d.copy("./", ".")
	d.comment("cargo goes by the times of files, which say when a commit was made, and not when it came: without touch it would take an older one for built.")
	copies := "cp"
	for _, name := range binaries {
		copies += " target/release/" + name
	}
	d.install(rustCaches,
		"find . -path ./target -prune -o -type f -exec touch {} +",
		"cargo build --release --locked --workspace --bins",
		"mkdir /out",
		copies+" /out/")
	d.last(b.run)
	d.libraries(b, project.crates, rustLibraries)
	d.certificates(b)
	if !b.own {
		d.copyFrom("build", zones, zones)
	}
	d.give("", ".", "/app")
	d.give("build", "/out", "/app/target/release")
	var argv []string
	if project.web != "" {
		argv = []string{"/app/target/release/" + project.web}
	}
	d.end(argv, "PATH", "/app/target/release:$PATH")
	p.Text, err = d.text()
	return p, first(l.err, err)
}
