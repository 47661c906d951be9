package e2e

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

// Repositories without a Dockerfile whose dependencies come from the registries of Go and npm, and static sites: pushed, detected,
// built, served, and built again after one line has changed.
func TestLanguages(t *testing.T) {
	t.Parallel()
	p := platform.Start(t, platform.Options{})
	for name, test := range map[string]func(*testing.T, *platform.Platform){
		"Go": goModule, "Express": express, "Vite": viteSite, "Static": staticSite,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// twice is a repository that is pushed twice.
type twice struct {
	files  map[string]string
	says   []string // in the first push
	source string   // has "one" in it, and "two" in the second push
	once   string   // what only the first push prints
	serves func(app *platform.App, text string)
}

func (b twice) push(t *testing.T, p *platform.Platform) *platform.App {
	t.Helper()
	app := p.App(t, platform.Fixture{Dockerfile: "-", Procfile: "-", NoProbe: true, Files: b.files})
	began := time.Now()
	first := app.Push()
	cold := time.Since(began)
	if !containsAll(first.Stderr, b.says) {
		t.Errorf("the push does not say %q\n%s", b.says, first.Stderr)
	}
	b.serves(app, "one")
	app.Write(b.source, strings.ReplaceAll(b.files[b.source], "one", "two"))
	app.Commit("Two")
	began = time.Now()
	second := app.Push()
	warm := time.Since(began)
	b.serves(app, "two")
	if b.once != "" && (!strings.Contains(first.Stderr, b.once) || strings.Contains(second.Stderr, b.once)) {
		t.Errorf("%q is not printed by the first push, and by no other\n%s\n%s", b.once, first.Stderr, second.Stderr)
	}
	t.Logf("pushed and served in %.1fs, after a changed line in %.1fs", cold.Seconds(), warm.Seconds())
	return app
}

func goModule(t *testing.T, p *platform.Platform) {
	const program = `package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"rsc.io/quote"
)

func main() {
	page, err := os.ReadFile("pages/hello.txt")
	if err != nil {
		panic(err)
	}
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		panic(err)
	}
	fmt.Println("NAME:", quote.Go(), os.Getuid())
	l, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() { // net/http would be most of what is compiled
			defer c.Close()
			if n, _ := c.Read(make([]byte, 4096)); n > 0 {
				body := fmt.Sprintf("one %s%s", page, os.Getenv("HOME"))
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
		}()
	}
}
`
	app := twice{
		files: map[string]string{
			"go.mod": "module example.com/shop\n\ngo 1.26.0\n\nrequire rsc.io/quote v1.5.2\n\nrequire (\n\tgolang.org/x/text v0.0.0-20170915032832-14c0d48ead0c // indirect\n\trsc.io/sampler v1.3.0 // indirect\n)\n",
			"go.sum": `golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c h1:qgOY6WgZOaTkIIMiVjBQcw93ERBE4m30iBm00nkL0i8=
golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=
rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=
rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=
rsc.io/sampler v1.3.0 h1:7uVkIFmeBqHfdjD+gZwtXXI+RODJ2Wc4O7MPEh/QiW4=
rsc.io/sampler v1.3.0/go.mod h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA=
`,
			"cmd/api/main.go": strings.ReplaceAll(program, "NAME", "api"), "cmd/worker/main.go": strings.ReplaceAll(program, "NAME", "worker"),
			"pages/hello.txt": "hello ", "Procfile": "web: api\nworker: /app/bin/worker\n",
		},
		says:   []string{"go.mod", "Programs: api, worker", "go: downloading rsc.io/quote v1.5.2"},
		source: "cmd/api/main.go", once: "go: downloading",
		serves: func(app *platform.App, text string) { app.Get("/").Must(t, 200, text+" hello /app") },
	}.push(t, p)
	app.Do("paas", "scale", "worker=1")
	platform.WaitFor(t, 20*time.Second, "the worker's line", func() error {
		if log := app.Do("paas", "logs", "-n", "100").Stdout; !strings.Contains(log, "worker: Don't communicate by sharing memory, share memory by communicating. 65532") {
			return errors.New(log)
		}
		return nil
	})
}

func express(t *testing.T, p *platform.Platform) {
	files := testdata(t, "express")
	files["server.js"] = `
const express = require('express')
const fs = require('fs')
const built = require('./built.json')
const app = express()
let dev = true
try { require.resolve('nanoid') } catch { dev = false }
app.get('/', (_, res) => res.json({ text: 'one', built, dev, uid: process.getuid(), env: process.env.NODE_ENV, sock: fs.existsSync('/var/run/docker.sock') }))
app.listen(process.env.PORT, () => console.log('listening'))
`
	files["build.mjs"] = "import { customAlphabet } from 'nanoid'\nimport { writeFileSync } from 'fs'\nwriteFileSync('built.json', JSON.stringify(customAlphabet('a', 3)()))\nconsole.log('built it')\n"
	app := twice{
		files: files, says: []string{"package.json", "Node 24 (engines.node >=22)", "npm (package-lock.json)", "built it", "added 69 packages"},
		source: "server.js", once: "added 69 packages",
		serves: func(app *platform.App, text string) {
			app.Get("/").Must(t, 200, `"text":"`+text+`"`, `"built":"aaa"`, `"dev":false`, `"uid":65532`, `"env":"production"`, `"sock":false`)
		},
	}.push(t, p)
	app.Do("paas", "run", "--", "sh", "-c", "touch written && ls /etc/ssl/certs/ca-certificates.crt && npm --version")
	sameFiles(t, p, app)

	app.Write("package.json", strings.ReplaceAll(files["package.json"], `"express": "^5.1.0"`, `"express": "^5.1.0", "left-pad": "1.3.0"`))
	app.Commit("A dependency that the lock file does not have")
	app.Run("git", "push", "paas", "main").Want(1).Says("Missing: left-pad@1.3.0 from lock file")
	app.Get("/").Must(t, 200, `"text":"two"`)
}

func viteSite(t *testing.T, p *platform.Platform) {
	files := testdata(t, "vite")
	files["index.html"] = `<!doctype html><title>front</title><body><script type="module" src="/main.js"></script></body>`
	files["main.js"] = "document.body.append('one')\n"
	files["public/text.txt"] = strings.Repeat("a text to compress\n", 200)
	app := twice{
		files: files, says: []string{"package.json", "Static site: dist, as vite builds it"}, source: "main.js", once: "added ",
		serves: func(app *platform.App, text string) {
			home := app.Get("/").Must(t, 200, `<script type="module"`)
			_, script, _ := strings.Cut(home.Body, `src="`)
			script, _, _ = strings.Cut(script, `"`)
			app.Get(script).Must(t, 200, text)
			app.Get("/orders/17").Must(t, 200, `<script type="module"`) // the app's own router knows it
			app.Get("/assets/gone.js").Must(t, 404)
		},
	}.push(t, p)
	for _, path := range []string{"/package.json", "/main.js", "/node_modules/.package-lock.json"} {
		if a := app.Get(path); a.Status == 200 {
			t.Errorf("%s is served: %s", path, a.Body)
		}
	}
	compressed := p.Request(t, "GET", app.URL("/text.txt"), "", "Accept-Encoding", "gzip")
	if compressed.Header.Get("Content-Encoding") != "gzip" || len(compressed.Body) > 500 {
		t.Errorf("not compressed: %d bytes, %v", len(compressed.Body), compressed.Header)
	}
}

func staticSite(t *testing.T, p *platform.Platform) {
	app := twice{
		files: map[string]string{"public/index.html": "one", "public/404.html": "nothing here", "public/.env": "SECRET=1", "README.md": "not public"},
		says:  []string{"static, because of public/index.html"}, source: "public/index.html",
		serves: func(app *platform.App, text string) { app.Get("/").Must(t, 200, text) },
	}.push(t, p)
	for _, path := range []string{"/.env", "/README.md", "/../README.md", "/Dockerfile"} {
		app.Get(path).Must(t, 404, "nothing here")
	}
	if part := p.Request(t, "GET", app.URL("/index.html"), "", "Range", "bytes=1-"); part.Status != 206 || part.Body != "wo" {
		t.Errorf("a range: %d %q", part.Status, part.Body)
	}
	sameFiles(t, p, app)
}

// testdata reads the files of a folder.
func testdata(t *testing.T, name string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join("testdata", name, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// sameFiles builds the current commit without any cache, and compares all files of the app in both images, and how they are run.
func sameFiles(t *testing.T, p *platform.Platform, app *platform.App) {
	t.Helper()
	warm := filesOf(t, p, app)
	app.Do("paas", "builds:create", "--no-cache")
	cold := filesOf(t, p, app)
	if len(warm) < 3 {
		t.Errorf("the image has only %v", warm)
	}
	if diff := cmp.Diff(warm, cold); diff != "" {
		t.Errorf("an image made without cache is another one:\n%s", diff)
	}
}

// filesOf are the files below /app of the current release's image, with owner, mode and the sum of what is in them, and how the image
// is run.
func filesOf(t *testing.T, p *platform.Platform, app *platform.App) []string {
	t.Helper()
	var releases []struct{ Image string }
	app.JSON(&releases, "paas", "releases")
	image := releases[0].Image
	run, err := p.Docker("image", "inspect", "--format", "{{.Config.User}} {{.Config.WorkingDir}} {{.Config.Cmd}} {{.Config.Env}}", image)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.Docker("create", image, "never-started")
	if err != nil {
		t.Fatal(err)
	}
	id = strings.TrimSpace(id)
	defer func() {
		if _, err := p.Docker("rm", id); err != nil {
			t.Error(err)
		}
	}()
	cmd := exec.CommandContext(t.Context(), "docker", "cp", id+":/app", "-")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	files := []string{run}
	for archive := tar.NewReader(out); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, archive); err != nil {
			t.Fatal(err)
		}
		files = append(files, fmt.Sprintf("%s %d:%d %o %x", h.Name, h.Uid, h.Gid, h.Mode, sum.Sum(nil)[:6]))
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(files[1:])
	return files
}
