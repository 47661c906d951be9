package platform_test

import (
	"testing"

	"paas/test/platform"
)

func TestAnEngineOfItsOwnServesAnAppAndSurvivesAPowerCut(t *testing.T) {
	t.Parallel()
	e := platform.StartEngine(t, platform.EngineOptions{})
	p := platform.Start(t, platform.Options{Engine: e})
	app := p.App(t, platform.Fixture{})
	app.Push().Says("v1")
	app.Get("/").Must(t, 200, "web.1 v1")
}
