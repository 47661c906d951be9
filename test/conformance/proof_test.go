package conformance

import (
	"testing"

	"paas/test/platform"
	"paas/test/report"
)

// proof is an id at work.
type proof struct{ *report.Proof }

// prove begins the proof of an id on the shared platform.
func prove(t *testing.T, id, what string) *proof {
	t.Helper()
	return &proof{suite.Prove(t, id, what)}
}

// proveAtLeisure is prove for a proof that takes its time but hardly the machine's.
func proveAtLeisure(t *testing.T, id, what string) *proof {
	t.Helper()
	return &proof{suite.ProveAtLeisure(t, id, what)}
}

// proveAlone is prove on a platform of its own.
func proveAlone(t *testing.T, id, what string, o platform.Options) *proof {
	t.Helper()
	return &proof{suite.ProveAlone(t, id, what, o)}
}

// both proves an id with each router.
func both(t *testing.T, id, what string, run func(p *proof)) {
	t.Helper()
	suite.Both(t, id, what, true, func(p *report.Proof) { run(&proof{p}) })
}

// bothAtLeisure is both for a proof that takes its time but hardly the machine's.
func bothAtLeisure(t *testing.T, id, what string, run func(p *proof)) {
	t.Helper()
	suite.Both(t, id, what, false, func(p *report.Proof) { run(&proof{p}) })
}

// app is an app with what the proofs do with it.
type app struct {
	*platform.App
	proof *proof
}

// app makes an app, with nothing deployed, destroyed with the proof.
func (p *proof) app(f platform.Fixture) *app {
	p.Helper()
	return &app{p.App(f), p}
}

// deployed makes an app and pushes it.
func (p *proof) deployed(f platform.Fixture) *app {
	p.Helper()
	return &app{p.Deployed(f), p}
}
