package platform_test

import (
	"testing"

	"paas/test/platform"
)

func TestAPlatformServesAnAppAndLeavesNothing(t *testing.T) {
	p := platform.Start(t, platform.Options{})
	app := p.App(t, platform.Fixture{})
	app.Push().Says("v1")
	app.Get("/").Must(t, 200, "web.1 v1")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	app.Get("/").Must(t, 200, "web.1 v1")
	if err := p.Serve(); err != nil {
		t.Fatal(err)
	}
	app.Do("paas", "ps").Says("web.1")
}
