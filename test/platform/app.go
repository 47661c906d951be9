package platform

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Fixture is a small repository with the probe's binary, which is at /probe in its image. Zero values: an image FROM
// scratch with nothing else, and the one process type `web: /probe web`.
type Fixture struct {
	Dockerfile string            // "-": none
	Procfile   string            // "-": none
	Files      map[string]string // further files, by path; they win
	NoProbe    bool              // do not put in the binary: for repositories that are refused, or need none
	User       *User             // who creates the app; nil: the admin
}

// Parts of fixtures.
const (
	// ProbeDockerfile makes an image of nothing but the probe.
	ProbeDockerfile = "FROM scratch\nCOPY probe /probe\nEXPOSE 5000\nCMD [\"/probe\", \"web\"]\n"
	// CodeDockerfile is the same with the file code beside it.
	CodeDockerfile = "FROM scratch\nCOPY code /code\nCOPY probe /probe\nEXPOSE 5000\nCMD [\"/probe\", \"web\"]\n"
	// ShellDockerfile has a shell, and a process type may use it.
	ShellDockerfile = "FROM debian:bookworm-slim\nCOPY probe /probe\nEXPOSE 5000\n"
	// TwoTypes is a Procfile of a web and a worker process.
	TwoTypes = "web: /probe web\nworker: /probe worker\n"
	// BrokenAtBoot is a Procfile of a web process that ends at once, with status 3.
	BrokenAtBoot = "web: /probe exit 3\n"
)

// App is an app on the platform with its repository: a git work tree with the remote `paas`, in which commands run.
type App struct {
	Name string
	Dir  string
	User *User
	p    *Platform
	t    testing.TB
}

// App creates an app of a name of its own, and a repository with the fixture committed on main.
func (p *Platform) App(t testing.TB, f Fixture) *App {
	t.Helper()
	a := &App{Name: p.unique("app"), User: f.User, p: p, t: t}
	a.Dir = filepath.Join(p.Dir, "repos", a.Name)
	if err := os.MkdirAll(a.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	a.Do("git", "init", "--quiet")
	if err := p.Lay(a.Dir, f); err != nil {
		t.Fatal(err)
	}
	a.Commit("First")
	a.Do("paas", "create", a.Name)
	return a
}

// For is the same app for another test: one below that which made it.
func (a *App) For(t testing.TB) *App {
	other := *a
	other.t = t
	return &other
}

// Lay writes a fixture's files into a folder.
func (p *Platform) Lay(dir string, f Fixture) error {
	files := map[string]string{"Dockerfile": ProbeDockerfile, "Procfile": "web: /probe web\n"}
	if f.Dockerfile != "" {
		files["Dockerfile"] = f.Dockerfile
	}
	if f.Dockerfile == "-" {
		delete(files, "Dockerfile")
	}
	if f.Procfile != "" {
		files["Procfile"] = f.Procfile
	}
	if f.Procfile == "-" {
		delete(files, "Procfile")
	}
	maps.Copy(files, f.Files)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := writeFile(filepath.Join(dir, name), files[name]); err != nil {
			return err
		}
	}
	if f.NoProbe {
		return nil
	}
	return copyFile(p.bin.Path("probe"), filepath.Join(dir, "probe"))
}

func writeFile(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		_ = out.Close() // the first error says more
		return err
	}
	return out.Close()
}

// Write changes a file of the work tree.
func (a *App) Write(name, content string) {
	a.t.Helper()
	if err := writeFile(filepath.Join(a.Dir, name), content); err != nil {
		a.t.Fatal(err)
	}
}

// Commit commits the whole work tree, changed or not, and returns the commit's id.
func (a *App) Commit(message string) string {
	a.t.Helper()
	a.Do("git", "add", "--all")
	a.Do("git", "commit", "--quiet", "--allow-empty", "-m", message)
	return strings.TrimSpace(a.Do("git", "rev-parse", "HEAD").Stdout)
}

// Push pushes main and fails the test unless that deploys.
func (a *App) Push() Result {
	a.t.Helper()
	return a.Do("git", "push", "paas", "main")
}

// Run runs a command in the repository, whatever its end; paas finds the app by the remote.
func (a *App) Run(args ...string) Result {
	a.t.Helper()
	return a.Exec(Cmd{Args: args})
}

// Do runs a command in the repository and fails the test unless it succeeds.
func (a *App) Do(args ...string) Result {
	a.t.Helper()
	return a.Run(args...).Want(0)
}

// Exec runs a command, by default in the repository and as the app's user.
func (a *App) Exec(c Cmd) Result {
	a.t.Helper()
	if c.Dir == "" {
		c.Dir = a.Dir
	}
	if c.User == nil {
		c.User = a.User
	}
	return a.p.Exec(a.t, c)
}

// JSON runs a read with --json and decodes what it prints into v.
func (a *App) JSON(v any, args ...string) {
	a.t.Helper()
	r := a.Do(append(args, "--json")...)
	if err := json.Unmarshal([]byte(r.Stdout), v); err != nil {
		a.t.Fatalf("not JSON: %v\n%s", err, r)
	}
}

// Get asks the app through the router.
func (a *App) Get(path string) Answer { return a.p.Get(a.Name, path) }

// URL of a path of the app.
func (a *App) URL(path string) string { return a.p.AppURL(a.Name, path) }
