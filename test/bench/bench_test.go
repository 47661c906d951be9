package bench

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

var shared *platform.Platform

// TestMain starts a platform of the very binaries that users get, where benchmarks are asked for; there are no tests.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		os.Exit(m.Run())
	}
	root, err := platform.Root()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := platform.Main(m, &shared, platform.Options{Bin: filepath.Join(root, "bin")})
	if code == 0 && os.Getenv("BENCH_DOC") != "" {
		if err := write(os.Getenv("BENCH_DOC")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// fixture is the sample of all measures: one static binary that listens at once, in an image FROM scratch.
var fixture = platform.Fixture{Files: map[string]string{"version": "0\n"}, Dockerfile: "FROM scratch\nCOPY probe /probe\nCOPY version /version\nEXPOSE 5000\nCMD [\"/probe\", \"web\"]\n"}

// byHand is a person with the docker command, in a folder with the same source and a network of their own.
type byHand struct {
	b       *testing.B
	dir     string
	image   string
	network string
}

func newByHand(b *testing.B, app *platform.App) *byHand {
	h := &byHand{b: b, dir: app.Dir, image: "paas-bench-" + app.Name, network: "paas-bench-" + app.Name}
	if _, err := dockerOutput(h.build()...); err != nil {
		builder = "0" // this docker command has no BuildKit: it wants a plugin
		h.docker(h.build()...)
	}
	h.docker("network", "create", "--subnet", "10.71.255.0/24", h.network)
	b.Cleanup(func() {
		h.docker("network", "rm", h.network)
		h.docker("rmi", "-f", h.image)
		h.docker("image", "prune", "-f", "--filter", "label="+h.image) // those that lost their name to the next
	})
	return h
}

// builder is DOCKER_BUILDKIT for the reference: "1", or "0" where the docker command cannot do it.
var builder = "1"

func (h *byHand) docker(args ...string) string {
	h.b.Helper()
	out, err := dockerOutput(args...)
	if err != nil {
		h.b.Fatalf("docker %q: %v", args, err)
	}
	return out
}

func dockerOutput(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT="+builder)
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (h *byHand) build() []string {
	return []string{"build", "-q", "-t", h.image, "--label", h.image, h.dir}
}

// run starts a web instance as we do and returns its id.
func (h *byHand) run() string {
	return h.docker("run", "-d", "--init", "--security-opt", "no-new-privileges", "--network", h.network, "-e", "PORT=5000", h.image)
}

// serving waits for the first 200 of a container.
func (h *byHand) serving(id string) {
	h.b.Helper()
	addr := h.docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id)
	client := &http.Client{Timeout: time.Second}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		resp, err := client.Get("http://" + addr + ":5000/")
		if err == nil {
			_ = resp.Body.Close() // its status is all that counts
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		<-time.After(5 * time.Millisecond)
	}
	h.b.Fatal("no answer within 30 s")
}

func (h *byHand) remove(ids ...string) { h.docker(append([]string{"rm", "-f"}, ids...)...) }

func serves(b *testing.B, app *platform.App) {
	b.Helper()
	if err := app.Get("/").Want(http.StatusOK); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPush(b *testing.B) {
	app := shared.App(b, fixture)
	app.Push()
	h := newByHand(b, app)
	old := h.run()
	defer func() { h.remove(old) }()
	round := 0
	compare(b, measure{
		Name: "push of a one-file change, warm cache → serving", Reference: "`docker build` + `docker run` + first 200", Target: 1.3,
		Before: func() {
			round++
			app.Write("version", fmt.Sprintln(round))
			app.Commit("Another")
		},
		Theirs: func() {
			h.docker(h.build()...)
			id := h.run()
			h.serving(id)
			b.Cleanup(func() { h.remove(id) })
		},
		Ours: func() {
			app.Do("git", "push", "-q", "paas", "main")
			serves(b, app)
		},
	})
}

func BenchmarkConfigSet(b *testing.B) {
	app := shared.App(b, fixture)
	app.Push()
	h := newByHand(b, app)
	round := 0
	compare(b, measure{
		Name: "`paas config:set` → serving", Reference: "`docker run` + first 200", Target: 1.3,
		Theirs: func() {
			id := h.run()
			h.serving(id)
			b.Cleanup(func() { h.remove(id) })
		},
		Ours: func() {
			round++
			app.Do("paas", "config:set", fmt.Sprintf("ROUND=%d", round))
			serves(b, app)
		},
	})
}

func BenchmarkOverhead(b *testing.B) {
	app := shared.App(b, fixture)
	app.Push()
	version := 1
	compare(b, measure{
		Name: "`paas config:set`, but for creating, starting and probing the instance", Reference: "creating, starting and probing it", Goal: 150 * time.Millisecond,
		Ours: func() {
			version++
			app.Do("paas", "config:set", fmt.Sprintf("ROUND=%d", version))
		},
		Docker: func() time.Duration { return phase(b, app.Release(version), "start") },
	})
}

// phase is how long one phase of a release took.
func phase(b *testing.B, r platform.ReleaseInfo, name string) time.Duration {
	b.Helper()
	for _, p := range r.Phases {
		if p.Name == name {
			return time.Duration(p.Seconds * float64(time.Second))
		}
	}
	b.Fatalf("v%d has no phase %s: %v", r.Version, name, r.Phases)
	return 0
}

func BenchmarkRollback(b *testing.B) {
	app := shared.App(b, fixture)
	app.Push()
	app.Write("version", "another\n")
	app.Commit("Another")
	app.Push()
	h := newByHand(b, app)
	compare(b, measure{
		Name: "`paas rollback` to another image → serving", Reference: "`docker run` + first 200", Target: 1.3,
		Theirs: func() {
			id := h.run()
			h.serving(id)
			b.Cleanup(func() { h.remove(id) })
		},
		Ours: func() {
			app.Do("paas", "rollback")
			serves(b, app)
		},
	})
}

func BenchmarkScale(b *testing.B) {
	app := shared.App(b, fixture)
	app.Push()
	h := newByHand(b, app)
	compare(b, measure{
		Name: "`paas scale web=10` from 1", Reference: "nine parallel `docker run`, each to its first 200", Target: 1.2,
		Theirs: func() {
			var wg sync.WaitGroup
			ids := make([]string, 9)
			for i := range ids {
				wg.Go(func() {
					ids[i] = h.run()
					h.serving(ids[i])
				})
			}
			wg.Wait()
			b.Cleanup(func() { h.remove(ids...) })
		},
		Ours: func() { app.Do("paas", "scale", "web=10") },
		After: func() {
			app.Do("paas", "scale", "web=1")
			platform.WaitFor(b, time.Minute, "the others to be gone", func() error {
				list, err := shared.Containers(app.Name)
				if err == nil && len(list) != 1 {
					err = fmt.Errorf("%d containers", len(list))
				}
				return err
			})
		},
	})
}

func BenchmarkRun(b *testing.B) {
	app := shared.App(b, fixture)
	app.Push()
	h := newByHand(b, app)
	compare(b, measure{
		Name: "`paas run -- /probe exit 0`", Reference: "`docker run --rm` of the same", Target: 1.2,
		Theirs: func() { h.docker("run", "--rm", "--init", "--network", h.network, h.image, "/probe", "exit", "0") },
		Ours:   func() { app.Do("paas", "run", "--", "/probe", "exit", "0") },
	})
}

func BenchmarkRead(b *testing.B) {
	app := shared.App(b, fixture)
	app.Push()
	h := newByHand(b, app)
	compare(b, measure{
		Name: "`paas ps` over ssh on loopback", Reference: "`docker ps`, over its socket", Goal: 60 * time.Millisecond,
		Theirs: func() { h.docker("ps") },
		Ours:   func() { app.Do("paas", "ps") },
	})
}
