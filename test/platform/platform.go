package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Options of a platform. Zero values: the embedded router, the machine's own engine.
type Options struct {
	Args     []string // further flags of paasd serve
	Env      []string // further environment of paasd, KEY=value
	HTTPS    bool     // the router takes TLS, at SecureAddr
	NoRouter bool     // with Args --router none: do not wait for a router
	Stopped  bool     // do not start paasd; Serve does
	Troubled bool     // the test takes away what paasd needs, so that it may log errors
	Engine   *Engine  // to run on instead of the machine's own, on the network of its host
	DataDir  string   // a folder for paasd's data, on another disk; it is left there
	Bin      string   // a folder with a paasd and a paas to take instead of those with the race detector
}

// Platform is a running paasd with everything around it. Its methods are for any number of tests at the same time;
// Serve, Stop, Kill and Restart are for tests that have it for themselves.
type Platform struct {
	Dir   string // all of its files
	Admin *User  // whose key has been enrolled with `paasd key add`

	options Options
	bin     Binaries
	slot    slot
	client  *http.Client
	door    *http.Client // of paasd's local socket
	reaper  *reaper
	names   atomic.Int64 // of apps and users, so far
	lastLog string       // of paasd and its router, set by Close

	mu    sync.Mutex
	paasd *daemon
}

// Start gives a test a platform of its own, closed with the test.
func Start(t testing.TB, o Options) *Platform {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the end of paasd's log:\n%s", tail(p.lastLog, 60))
		}
	})
	return p
}

// Main is for a package's TestMain: it runs the tests with one platform, set before they start, and returns the exit
// code.
func Main(m *testing.M, shared **Platform, o Options) int {
	p, err := New(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*shared = p
	code := m.Run()
	if err := p.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = cmp.Or(code, 1)
	}
	return code
}

// New builds the binaries and starts a platform. Close it.
func New(o Options) (p *Platform, err error) {
	if o.Engine == nil {
		if err := engine(); err != nil {
			return nil, err
		}
	}
	p = &Platform{options: o}
	if p.bin, err = Build(); err != nil {
		return nil, err
	}
	if p.slot, err = takeSlot(); err != nil {
		return nil, err
	}
	if p.Dir, err = os.MkdirTemp("", "paas-test-"); err != nil {
		return nil, err
	}
	if o.DataDir != "" {
		if err := os.Symlink(o.DataDir, p.DataDir()); err != nil {
			return nil, err
		}
	}
	if p.bin, err = p.bin.with(o.Bin, filepath.Join(p.Dir, "bin")); err != nil {
		return nil, err
	}
	if p.reaper, err = startReaper(p.bin, p.Dir, p.slot.lock); err != nil {
		return nil, err
	}
	p.client = &http.Client{Timeout: 40 * time.Second, Transport: p.transport()}
	p.door = p.socketClient()
	if err := p.prepare(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// prepare enrols the first key while paasd is down, as an installer would, and starts paasd.
func (p *Platform) prepare() error {
	if err := p.writeHome(); err != nil {
		return err
	}
	var err error
	if p.Admin, err = p.newUser("admin"); err != nil {
		return err
	}
	if err := p.enrol(p.Admin); err != nil {
		return err
	}
	if p.options.Stopped {
		return nil
	}
	if err := p.Serve(); err != nil {
		return err
	}
	return p.trustHost()
}

// engine says clearly when there is no Docker engine: these tests are nothing without one.
func engine() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	said, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	if err != nil {
		return fmt.Errorf("these tests need a Docker engine, and none answers (test/engine.sh up starts one): %w: %s", err, said)
	}
	return nil
}

// DataDir is paasd's.
func (p *Platform) DataDir() string { return filepath.Join(p.Dir, "data") }

// unique makes names of apps and users, each once in a platform.
func (p *Platform) unique(prefix string) string { return fmt.Sprintf("%s%d", prefix, p.names.Add(1)) }

// Docker runs the docker command and returns all that it says.
func (p *Platform) Docker(args ...string) (string, error) {
	if p.options.Engine != nil {
		return p.options.Engine.Docker(args...)
	}
	return docker(args...)
}

// inside is an argv as it runs on the network that paasd is on. The process keeps its number.
func (p *Platform) inside(argv ...string) []string {
	if p.options.Engine == nil {
		return argv
	}
	return p.options.Engine.inside(argv...)
}

func (p *Platform) writeHome() error {
	if err := os.MkdirAll(p.home(), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.home(), ".gitconfig"), []byte(gitConfig), 0o644)
}

func (p *Platform) home() string { return filepath.Join(p.Dir, "home") }

// gitConfig of the tests' users. Binaries are not worth the time of compressing them.
const gitConfig = `[user]
	name = Ada
	email = ada@example.com
[init]
	defaultBranch = main
[core]
	compression = 0
[gc]
	auto = 0
[advice]
	detachedHead = false
`
