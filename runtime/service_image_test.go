package runtime

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"

	"paas"
)

func TestAServiceOfAnImageByItsName(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	other := newDocker(t) // somebody else's image
	if _, err := imageOfProbe(t.Context(), other, "svc"); err != nil {
		t.Fatal(err)
	}
	spec := serviceOf(t, "wait")
	spec.Binary, spec.Image, spec.Env = "", other.repository("probe")+":svc", []string{"TOKEN=x=y"}
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	first := onlyService(t, d)
	waitForLine(t, d, first.ID, "ready")
	c := inspect(t, d, first.ID)
	if !slices.Contains(c.Config.Env, "TOKEN=x=y") || !c.HostConfig.ReadonlyRootfs || len(c.HostConfig.CapDrop) == 0 || c.HostConfig.NetworkMode != "host" {
		t.Errorf("it runs with %v, %+v", c.Config.Env, c.HostConfig)
	}
	for _, m := range c.Mounts {
		if strings.Contains(m.Source, "docker.sock") || m.Source != spec.Dirs[0] {
			t.Errorf("it sees %s", m.Source)
		}
	}
	if err := d.SignalService(t.Context(), "router", "SIGCONT"); err != nil {
		t.Errorf("signal it: %v", err)
	}
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if again := onlyService(t, d); again.ID != first.ID || again.State != container.StateRunning {
		t.Errorf("it was replaced without need: %v", again)
	}

	if _, err := imageOfProbe(t.Context(), other, "svc", "LABEL of=another"); err != nil { // the name leads elsewhere now
		t.Fatal(err)
	}
	if err := d.EnsureService(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if again := onlyService(t, d); again.ID == first.ID {
		t.Error("it runs an image that has not the name any more")
	}
	if err := d.RemoveService(t.Context(), "router"); err != nil {
		t.Fatal(err)
	}
	if there, err := d.HasService(t.Context(), "router"); there || err != nil {
		t.Errorf("it is there: %t, %v", there, err)
	}
	if _, err := d.inspectImage(t.Context(), spec.Image); err != nil {
		t.Errorf("the image of somebody else is gone: %v", err)
	}
	if err := d.SignalService(t.Context(), "router", "SIGCONT"); err != nil {
		t.Errorf("signal none: %v", err)
	}
	spec.Image = "localhost:1/nosuch:1"
	if err := d.PrepareService(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("prepare an image that cannot be pulled: %v", err)
	}
	if err := d.EnsureService(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "nosuch") || paas.CodeOf(err) == paas.NotFound {
		t.Errorf("an image that cannot be pulled: %v", err)
	}
}
