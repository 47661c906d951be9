package runtime

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"github.com/moby/moby/api/types/container"

	"paas"
)

// addresses hands out the addresses of the apps' networks. We choose them, not the engine: it frees an address when an
// instance stops and gives it to the next one at once, and then a late request, or an instance that the engine starts
// again after a reboot, would meet another instance. Ours go round through the subnet, and an instance holds its own
// until it is removed.
type addresses struct {
	mu    sync.Mutex
	pools map[string]*pool // by App.ID
	held  map[string]lease // by instance
}

// pool is the addresses of one app. An empty holder is an instance that is being created.
type pool struct {
	subnet  netip.Prefix
	last    netip.Addr
	holders map[netip.Addr]string
}

type lease struct {
	app  string
	addr netip.Addr
}

// reserve takes the next free address of the app's subnet. It must be followed by hold or free.
func (d *Docker) reserve(ctx context.Context, app string, subnet netip.Prefix) (netip.Addr, error) {
	if addr, ok := d.addresses.next(app, subnet); ok {
		return addr, nil
	}
	// Nothing known of the app yet, or all taken: the engine may know of removals that we did not make.
	before := d.addresses.snapshot(app)
	listed, err := d.list(ctx, app)
	if err != nil {
		return netip.Addr{}, err
	}
	d.addresses.learn(app, subnet, before, listed)
	if addr, ok := d.addresses.next(app, subnet); ok {
		return addr, nil
	}
	return netip.Addr{}, paas.Errorf(paas.Conflict, "the app's network %s has no free address", subnet).
		WithHint("scale the app down, or remove its stopped instances")
}

// next takes a free address after the last one taken. It fails where nothing is known of the app yet.
func (a *addresses) next(app string, subnet netip.Prefix) (netip.Addr, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.pools[app]
	if p == nil || p.subnet != subnet {
		return netip.Addr{}, false
	}
	addr := p.last
	for range 1 << min(16, subnet.Addr().BitLen()-subnet.Bits()) {
		addr = after(addr, subnet)
		if _, taken := p.holders[addr]; !taken {
			p.last = addr
			p.holders[addr] = ""
			return addr, true
		}
	}
	return netip.Addr{}, false
}

// after is the next usable address of a subnet, going round. The first two are the network's own and the gateway's,
// the last is for broadcast.
func after(addr netip.Addr, subnet netip.Prefix) netip.Addr {
	first := gateway(subnet).Next()
	if !addr.IsValid() || addr.Less(first) {
		return first
	}
	next := addr.Next()
	if !subnet.Contains(next) || !subnet.Contains(next.Next()) {
		return first
	}
	return next
}

func gateway(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }

// hold keeps a reserved address for the instance that was created with it.
func (a *addresses) hold(app string, addr netip.Addr, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.held == nil {
		a.held = map[string]lease{}
	}
	a.held[id] = lease{app, addr}
	if p := a.pools[app]; p != nil {
		p.holders[addr] = id
	}
}

// free gives back a reserved address that came to nothing.
func (a *addresses) free(app string, addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.pools[app]; p != nil && p.holders[addr] == "" {
		delete(p.holders, addr)
	}
}

// release gives back the address of an instance that was removed.
func (a *addresses) release(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, ok := a.held[id]
	if !ok {
		return
	}
	delete(a.held, id)
	if p := a.pools[l.app]; p != nil && p.holders[l.addr] == id {
		delete(p.holders, l.addr)
	}
}

// forget drops all that is known of an app.
func (a *addresses) forget(app string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pools, app)
	maps.DeleteFunc(a.held, func(_ string, l lease) bool { return l.app == app })
}

func (a *addresses) snapshot(app string) map[netip.Addr]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.pools[app]; p != nil {
		return maps.Clone(p.holders)
	}
	return nil
}

// learn corrects what is known of an app by a listing. What was known before the listing began and is not in it has
// been removed; what has been taken since is newer than the listing and stays.
func (a *addresses) learn(app string, subnet netip.Prefix, before map[netip.Addr]string, listed []container.Summary) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pools == nil {
		a.pools, a.held = map[string]*pool{}, map[string]lease{}
	}
	p := a.pools[app]
	if p == nil || p.subnet != subnet {
		p = &pool{subnet: subnet, holders: map[netip.Addr]string{}}
		a.pools[app] = p
	}
	for addr, id := range before {
		if id != "" && p.holders[addr] == id && !slices.ContainsFunc(listed, func(c container.Summary) bool { return c.ID == id }) {
			delete(p.holders, addr)
			delete(a.held, id)
		}
	}
	slices.SortFunc(listed, func(x, y container.Summary) int { return cmp.Compare(x.Created, y.Created) })
	for _, c := range listed {
		if c.NetworkSettings == nil {
			continue
		}
		if addr := endpointAddress(c.NetworkSettings.Networks); subnet.Contains(addr) {
			p.holders[addr] = c.ID
			a.held[c.ID] = lease{app, addr}
			if before == nil {
				p.last = addr // go on where the newest instance was
			}
		}
	}
}
