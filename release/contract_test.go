package release

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"

	"paas"
	"paas/runtime/contract"
)

func TestTheFakeRuntimeIsAsTheRealOne(t *testing.T) {
	contract.Test(t, func(t *testing.T) contract.Host {
		f := newFakeRuntime()
		var apps atomic.Int32
		return contract.Host{
			Runtime: f,
			Spec: func(does contract.Behaviour) paas.InstanceSpec {
				n := byte(apps.Add(1))
				spec := paas.InstanceSpec{
					App: fmt.Sprint("app", n), AppName: "hello", Type: "web", Name: "web.1", Image: paas.Image{ID: "img"}, Command: []string{"sleep"},
					Subnet: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 83, n, 0}), 26),
				}
				switch does {
				case contract.Deaf:
					spec.Image.ID = "deaf"
				case contract.Fails:
					spec.Command = []string{"exit"}
				case contract.Missing:
					spec.Image.ID = "missing"
				}
				return spec
			},
			Crash:  func(id string) { f.exit(id, 137) },
			Occupy: f.occupy,
			Away:   func(away bool) { f.engine(!away) },
		}
	})
}
