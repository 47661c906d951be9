package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

// proof is an id at work: a test that keeps the evidence of its failure for the table.
type proof struct {
	testing.TB
	*platform.Platform
	door  *http.Client
	leave func() // gives the desk to the next; what is left is to clean up

	mu       sync.Mutex
	evidence []string
}

// desks bounds the proofs that work at the same time: more would only measure each other.
var desks = make(chan struct{}, 6)

// prove begins the proof of an id on the shared platform.
func prove(t *testing.T, id, what string) *proof {
	t.Helper()
	return begin(t, id, what, true, func(*proof) *platform.Platform { return shared })
}

// proveAtLeisure is prove for a proof that takes its time but hardly the machine's.
func proveAtLeisure(t *testing.T, id, what string) *proof {
	t.Helper()
	return begin(t, id, what, false, func(*proof) *platform.Platform { return shared })
}

// proveAlone is prove on a platform of its own.
func proveAlone(t *testing.T, id, what string, o platform.Options) *proof {
	t.Helper()
	return begin(t, id, what, true, func(p *proof) *platform.Platform { return platform.Start(p, o) })
}

func begin(t *testing.T, id, what string, desk bool, on func(*proof) *platform.Platform) *proof {
	t.Helper()
	t.Parallel()
	p := &proof{TB: t, leave: func() {}}
	if desk {
		desks <- struct{}{}
		p.leave = sync.OnceFunc(func() { <-desks })
		t.Cleanup(p.leave)
	}
	began := time.Now()
	t.Cleanup(func() {
		results.add(result{id: id, what: what, passed: !t.Failed(), took: time.Since(began), evidence: p.evidence})
	})
	p.Platform = on(p)
	p.door = door(p.Platform)
	t.Cleanup(p.door.CloseIdleConnections)
	return p
}

func (p *proof) keep(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.evidence = append(p.evidence, strings.TrimSpace(text))
}

// Errorf fails the proof and goes on.
func (p *proof) Errorf(format string, args ...any) {
	p.Helper()
	p.keep(fmt.Sprintf(format, args...))
	p.TB.Errorf(format, args...)
}

// Error fails the proof and goes on.
func (p *proof) Error(args ...any) {
	p.Helper()
	p.keep(fmt.Sprint(args...))
	p.TB.Error(args...)
}

// Fatalf ends the proof.
func (p *proof) Fatalf(format string, args ...any) {
	p.Helper()
	p.keep(fmt.Sprintf(format, args...))
	p.TB.Fatalf(format, args...)
}

// Fatal ends the proof.
func (p *proof) Fatal(args ...any) {
	p.Helper()
	p.keep(fmt.Sprint(args...))
	p.TB.Fatal(args...)
}

// ok ends the proof on an error of the test's own means.
func (p *proof) ok(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// Log is the test's, not paasd's.
func (p *proof) Log(args ...any) {
	p.Helper()
	p.TB.Log(args...)
}
