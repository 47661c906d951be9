package runtime

import (
	"slices"
	"strings"
	"testing"

	"paas"
)

func TestTheLongestProcessTypeStarts(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec(strings.Repeat("a", 63), "env")
	spec.Name = paas.InstanceName(spec.Type, 12)
	i := start(t, d, spec)
	if _, err := d.Wait(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	env, err := d.Tail(t.Context(), i.ID, 20)
	if want := "HOSTNAME=" + strings.Repeat("a", 60) + ".12"; err != nil || !slices.Contains(env, want) {
		t.Errorf("%s, %v", env, err)
	}
}
