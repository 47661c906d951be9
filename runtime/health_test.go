package runtime

import (
	"testing"

	"paas"
)

func TestAnUnhealthyHealthcheckIsSeen(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "wait")
	healthy := start(t, d, spec)
	image, err := imageOfProbe(t.Context(), d, "ill", `HEALTHCHECK --interval=1s --retries=1 CMD ["/probe","exit","1"]`)
	if err != nil {
		t.Fatal(err)
	}
	spec.Image, spec.Name = image, "web.2"
	ill := start(t, d, spec)
	eventually(t, "the instance is unhealthy", func() bool { return instance(t, d, ill.ID).Unhealthy })
	if instance(t, d, healthy.ID).Unhealthy {
		t.Error("without a HEALTHCHECK it is unhealthy")
	}
	if _, err := d.Stop(t.Context(), ill.ID, 0); err != nil {
		t.Fatal(err)
	}
	if instance(t, d, ill.ID).Unhealthy {
		t.Error("unhealthy, and it does not run")
	}
}

func instance(t *testing.T, d *Docker, id string) paas.Instance {
	t.Helper()
	i, err := d.Instance(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}
