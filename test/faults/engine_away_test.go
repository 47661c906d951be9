package faults

import (
	"errors"
	"testing"

	"paas/test/platform"
)

// V-7: while paasd is away Docker starts again what crashes. Once paasd is back, that, and nothing else, is replaced by a
// fresh one.
func TestV7WhatDockerStartedAgainMeanwhileIsReplaced(t *testing.T) {
	p := suite.ProveAlone(t, "V-7", "paasd is away: Docker starts again what crashes; back, paasd replaces that, and nothing else, by a fresh one", platform.Options{})
	app := p.App(platform.Fixture{})
	app.Push()
	app.Do("paas", "scale", "web=2")
	before := wantFleet(t, p.Platform, app.Name, "1", "web.1", "web.2")
	if err := p.Kill(); err != nil {
		p.Fatal(err)
	}
	app.Get("/crash").Must(t, 502)
	var crashed string
	platform.WaitFor(t, backWithin, "Docker to start it again", func() error {
		all, err := p.Containers(app.Name)
		for _, c := range all {
			if c.Restarted {
				crashed = c.Name
				return nil
			}
		}
		return errors.Join(err, errors.New("none was"))
	})
	app.Get("/").Must(t, 200, " v1")
	if err := p.Serve(); err != nil {
		p.Fatal(err)
	}
	after := wantFleet(t, p.Platform, app.Name, "1", "web.1", "web.2")
	for slot, id := range before {
		if replaced := after[slot] != id; replaced != (slot == crashed) {
			p.Errorf("%s was replaced: %t; it was %s that crashed", slot, replaced, crashed)
		}
	}
	app.Do("paas", "logs", "-n", "20", "--source", "paas").Says("paas["+crashed+"]: Up on v1", "used file system")
}
