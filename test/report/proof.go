package report

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

// Proof is an id at work: a test, and the platform that it works on, that keeps what the table wants to know of it.
type Proof struct {
	testing.TB
	*platform.Platform
	leave func() // gives the desk to the next; what is left is to clean up

	mu  sync.Mutex
	row Row
}

// Prove begins the proof of an id on the shared platform, in parallel with others.
func (s *Suite) Prove(t *testing.T, id, what string) *Proof {
	t.Helper()
	t.Parallel()
	return s.At(t, s.shared, id, what, true)
}

// ProveAtLeisure is Prove for a proof that takes its time but hardly the machine's.
func (s *Suite) ProveAtLeisure(t *testing.T, id, what string) *Proof {
	t.Helper()
	t.Parallel()
	return s.At(t, s.shared, id, what, false)
}

// ProveTraefik is Prove with Traefik as the router, on a platform that all such proofs share.
func (s *Suite) ProveTraefik(t *testing.T, id, what string, desk bool) *Proof {
	t.Helper()
	t.Parallel()
	on, err := s.traefik()
	if err != nil {
		t.Fatal(err)
	}
	return s.At(t, on, id, what+" (Traefik)", desk)
}

// Both proves an id with each router: with desk as by Prove, without as by ProveAtLeisure.
func (s *Suite) Both(t *testing.T, id, what string, desk bool, prove func(*Proof)) {
	t.Helper()
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		prove(s.At(t, s.shared, id, what, desk))
	})
	t.Run("traefik", func(t *testing.T) { prove(s.ProveTraefik(t, id, what, desk)) })
}

// ProveAlone is Prove on a platform of its own.
func (s *Suite) ProveAlone(t *testing.T, id, what string, o platform.Options) *Proof {
	t.Helper()
	t.Parallel()
	p := s.At(t, nil, id, what, true)
	p.Platform = platform.Start(p, o)
	return p
}

// Desk waits for a desk and holds it until the test ends, or leaves it before.
func (s *Suite) Desk(t testing.TB) (leave func()) {
	t.Helper()
	s.desks <- struct{}{}
	leave = sync.OnceFunc(func() { <-s.desks })
	t.Cleanup(leave)
	return leave
}

// At begins a proof on a platform, with one of the desks or without.
func (s *Suite) At(t *testing.T, on *platform.Platform, id, what string, desk bool) *Proof {
	t.Helper()
	p := &Proof{TB: t, Platform: on, leave: func() {}, row: Row{ID: id, What: what}}
	if desk {
		p.leave = s.Desk(t)
	}
	began := time.Now()
	t.Cleanup(func() {
		p.row.Passed, p.row.Took = !t.Failed(), time.Since(began)
		s.add(p.row)
	})
	return p
}

// App makes an app, with nothing deployed, destroyed with the proof.
func (p *Proof) App(f platform.Fixture) *platform.App {
	p.Helper()
	a := p.Platform.App(p, f)
	p.Cleanup(func() {
		p.leave()
		if err := a.Destroy(); err != nil {
			p.Errorf("destroy %s: %v", a.Name, err)
		}
	})
	return a
}

// Deployed makes an app and pushes it.
func (p *Proof) Deployed(f platform.Fixture) *platform.App {
	p.Helper()
	a := p.App(f)
	a.Push()
	return a
}

// Engine runs the docker command.
func (p *Proof) Engine(args ...string) string {
	p.Helper()
	out, err := p.Docker(args...)
	p.OK(err)
	return out
}

// Figure notes what was measured.
func (p *Proof) Figure(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.row.Figure = fmt.Sprintf(format, args...)
}

// Under notes the load that the proof was under.
func (p *Proof) Under(load platform.Traffic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.row.Load = &load
}

func (p *Proof) keep(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.row.Evidence = append(p.row.Evidence, strings.TrimSpace(text))
}

// Errorf fails the proof and goes on.
func (p *Proof) Errorf(format string, args ...any) {
	p.Helper()
	p.keep(fmt.Sprintf(format, args...))
	p.TB.Errorf(format, args...)
}

// Error fails the proof and goes on.
func (p *Proof) Error(args ...any) {
	p.Helper()
	p.keep(fmt.Sprint(args...))
	p.TB.Error(args...)
}

// Fatalf ends the proof.
func (p *Proof) Fatalf(format string, args ...any) {
	p.Helper()
	p.keep(fmt.Sprintf(format, args...))
	p.TB.Fatalf(format, args...)
}

// Fatal ends the proof.
func (p *Proof) Fatal(args ...any) {
	p.Helper()
	p.keep(fmt.Sprint(args...))
	p.TB.Fatal(args...)
}

// OK ends the proof on an error of the test's own means.
func (p *Proof) OK(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// Log is the test's, not paasd's.
func (p *Proof) Log(args ...any) {
	p.Helper()
	p.TB.Log(args...)
}
