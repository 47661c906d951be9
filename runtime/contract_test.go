package runtime

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"paas"
	"paas/runtime/contract"
)

func TestContract(t *testing.T) {
	t.Parallel()
	contract.Test(t, func(t *testing.T) contract.Host {
		direct, b := newDocker(t), newBetween(t)
		d, err := New(Options{Installation: direct.installation, Host: "unix://" + b.path})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return contract.Host{
			Runtime: d,
			Spec: func(does contract.Behaviour) paas.InstanceSpec {
				switch does {
				case contract.Deaf:
					return newSpec("web", "deaf")
				case contract.Fails:
					return newSpec("web", "exit", "7")
				case contract.Missing:
					spec := newSpec("web", "wait")
					spec.Image.ID = "sha256:" + strings.Repeat("0", 64)
					return spec
				}
				return newSpec("web", "wait")
			},
			Crash: func(id string) { crash(t, direct, id) },
			Occupy: func(subnet netip.Prefix) {
				if err := newDocker(t).ensureNetwork(t.Context(), newID(), "hello", subnet); err != nil {
					t.Fatal(err)
				}
			},
			Away: func(away bool) {
				if away {
					b.cut()
				} else {
					b.connect(t)
				}
			},
		}
	})
}

// crash is an end that nobody asked the engine for: what the process does to itself, seen from the host.
func crash(t *testing.T, d *Docker, id string) {
	t.Helper()
	p, err := os.FindProcess(inspect(t, d, id).State.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
}
