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

func TestASizeIsHeldByTheEngine(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	d.defaultSize = paas.Size{Memory: 64 << 20, CPU: 1000}
	for _, c := range []struct {
		name         string
		size, limits paas.Size
	}{
		{"its own", paas.Size{Memory: 32 << 20, CPU: 500}, paas.Size{Memory: 32 << 20, CPU: 500}},
		{"the default", paas.Size{}, paas.Size{Memory: 64 << 20, CPU: 1000}},
		{"the default for what it does not name", paas.Size{CPU: 250}, paas.Size{Memory: 64 << 20, CPU: 250}},
		{"more processors than there are", paas.Size{CPU: paas.MaxCPU}, paas.Size{Memory: 64 << 20, CPU: hostSize(t, d).CPU}},
	} {
		spec := newSpec("web", "wait")
		spec.Size = c.size
		i := start(t, d, spec)
		if i.Size != c.size || i.Limits != c.limits {
			t.Errorf("%s: size %q, limits %q", c.name, i.Size, i.Limits)
		}
		r := inspect(t, d, i.ID).HostConfig.Resources
		if r.Memory != int64(c.limits.Memory) || r.NanoCPUs != int64(c.limits.CPU)*1_000_000 || r.PidsLimit == nil || *r.PidsLimit != pidsLimit {
			t.Errorf("%s: %+v", c.name, r)
		}
		if r.MemorySwap != r.Memory && r.MemorySwap != -1 { // -1: a kernel that does not account for swap
			t.Errorf("%s: swap %d", c.name, r.MemorySwap)
		}
	}
}

func hostSize(t *testing.T, d *Docker) paas.Size {
	t.Helper()
	host, err := d.HostSize(t.Context())
	if err != nil || host.Memory == 0 || host.CPU == 0 {
		t.Fatalf("%+v, %v", host, err)
	}
	return host
}
