package runtime

import (
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"paas"
)

func TestConcurrentStartsGetAddressesOfTheirOwn(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "wait")
	started := make([]paas.Instance, 12)
	var wg sync.WaitGroup
	for n := range started {
		s := spec
		s.Name = paas.InstanceName("web", n+1)
		wg.Go(func() { started[n], _ = d.Start(t.Context(), s) })
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, i := range started {
		if !i.Running || seen[i.Addr.String()] {
			t.Errorf("instance %+v", i)
		}
		seen[i.Addr.String()] = true
	}
	// A stopped one keeps its address, and one that is free again is not given out at once: not by another process
	// of the platform either, which knows nothing.
	if _, err := d.Stop(t.Context(), started[0].ID, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), started[1].ID); err != nil {
		t.Fatal(err)
	}
	again, err := New(Options{Installation: d.installation})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, who := range []*Docker{d, again} {
		i, err := who.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if seen[i.Addr.String()] {
			t.Errorf("address %s was used a moment ago", i.Addr)
		}
		seen[i.Addr.String()] = true
	}
}

func TestAnAddressThatSomebodyElseTookIsPassedOver(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "wait")
	first := start(t, d, spec)
	stray, err := New(Options{Installation: d.installation})
	if err != nil {
		t.Fatal(err)
	}
	defer stray.Close()
	// It knows of the first only, and so takes the address that ours will try next.
	taken := start(t, stray, spec)
	i := start(t, d, spec)
	if i.Addr == taken.Addr || i.Addr == first.Addr {
		t.Errorf("addresses %s, %s, %s", first.Addr, taken.Addr, i.Addr)
	}
}

func TestASubnetThatTheHostUsesIsAConflict(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	a := newSpec("web", "wait")
	start(t, d, a)
	b := newSpec("web", "wait")
	b.Subnet = a.Subnet
	_, err := d.Start(t.Context(), b)
	wantCode(t, err, paas.Conflict)
	wantCode(t, d.RemoveNetwork(t.Context(), b.App), "")
	wantCode(t, d.RemoveNetwork(t.Context(), a.App), paas.Conflict)

	// With another subnet it works.
	b.Subnet = newSubnet()
	start(t, d, b)
}

func TestANetworkThatWasRemovedIsMadeAgain(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := newSpec("web", "wait")
	i := start(t, d, spec)
	if err := d.Remove(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.RemoveNetwork(t.Context(), spec.App); err != nil {
			t.Fatal(err)
		}
	}
	start(t, d, spec)
}

func disconnect(t *testing.T, d *Docker, app, id string) {
	t.Helper()
	if _, err := d.client.NetworkDisconnect(t.Context(), d.networkName(app), client.NetworkDisconnectOptions{Container: id}); err != nil {
		t.Fatal(err)
	}
}
