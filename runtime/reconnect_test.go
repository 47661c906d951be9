package runtime

import (
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"paas"
)

// between is a socket between us and the engine that can be cut.
type between struct {
	path string

	mu    sync.Mutex
	l     net.Listener
	conns []net.Conn
	work  sync.WaitGroup
}

func newBetween(t *testing.T) *between {
	t.Helper()
	b := &between{path: filepath.Join(t.TempDir(), "engine.sock")}
	b.connect(t)
	t.Cleanup(b.cut)
	return b
}

// connect makes the engine reachable.
func (b *between) connect(t *testing.T) {
	t.Helper()
	l, err := net.Listen("unix", b.path)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.l = l
	b.mu.Unlock()
	b.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.relay(l, c)
		}
	})
}

func (b *between) relay(l net.Listener, c net.Conn) {
	engine, err := net.Dial("unix", "/var/run/docker.sock")
	if err != nil {
		c.Close()
		return
	}
	b.mu.Lock()
	if b.l != l { // cut, after this one was taken
		b.mu.Unlock()
		c.Close()
		engine.Close()
		return
	}
	b.conns = append(b.conns, c, engine)
	b.mu.Unlock()
	for _, pair := range [][2]net.Conn{{c, engine}, {engine, c}} {
		b.work.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			pair[0].Close()
			pair[1].Close()
		})
	}
}

// cut makes the engine unreachable and breaks what is connected.
func (b *between) cut() {
	b.mu.Lock()
	if b.l != nil {
		b.l.Close()
		b.l = nil
	}
	for _, c := range b.conns {
		c.Close()
	}
	b.conns = nil
	b.mu.Unlock()
	b.work.Wait()
}

func TestCollectResumesWhenTheEngineComesBack(t *testing.T) {
	t.Parallel()
	direct := newDocker(t)
	b := newBetween(t)
	d, err := New(Options{Installation: direct.installation, Host: "unix://" + b.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	s := &sink{}
	collect(t, d, s)
	i := start(t, d, newSpec("web", "flood", "3000", "wait"))
	for range 3 {
		b.cut()
		wantCode(t, d.Ping(t.Context()), paas.Unavailable)
		b.connect(t)
		eventually(t, "the engine answers again", func() bool { return d.Ping(t.Context()) == nil })
	}
	late := start(t, d, newSpec("web", "flood", "10"))
	eventually(t, "all lines are there", func() bool { return len(s.texts(i.ID)) > 3000 && len(s.texts(late.ID)) >= 10 })
	wantFlood(t, s.texts(i.ID), 3000)
}

func TestARunWhoseEngineGoesAwayIsRemovedWhenItIsBack(t *testing.T) {
	t.Parallel()
	direct := newDocker(t)
	b := newBetween(t)
	d, err := New(Options{Installation: direct.installation, Host: "unix://" + b.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	spec := newSpec(paas.RunType, "wait")
	spec.Name = "run.1"
	var cutting sync.WaitGroup
	_, err = d.Run(t.Context(), spec, paas.Stdio{Stdout: io.Discard, Stderr: io.Discard}, func(paas.Instance) { cutting.Go(b.cut) })
	cutting.Wait()
	wantCode(t, err, paas.Unavailable)
	if left, err := direct.Instances(t.Context(), spec.App); err != nil || len(left) != 1 {
		t.Fatalf("%+v, %v", left, err)
	}
	b.connect(t)
	eventually(t, "it is removed", func() bool {
		left, err := direct.Instances(t.Context(), spec.App)
		return err == nil && len(left) == 0
	})
}
