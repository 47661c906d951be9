package runtime

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"paas"
)

// networks makes concurrent wishes for one app's network into one.
type networks struct {
	mu     sync.Mutex
	making map[string]*making
}

type making struct {
	done chan struct{}
	err  error
}

func (d *Docker) networkName(app string) string { return "paas-" + d.installation + "-" + app }

// ensureNetwork makes the app's network unless it is there with that subnet. It is called only when the engine has
// missed it, so that starting an instance costs no look.
func (d *Docker) ensureNetwork(ctx context.Context, app, appName string, subnet netip.Prefix) error {
	d.networks.mu.Lock()
	m, others := d.networks.making[app]
	if !others {
		if d.networks.making == nil {
			d.networks.making = map[string]*making{}
		}
		m = &making{done: make(chan struct{})}
		d.networks.making[app] = m
	}
	d.networks.mu.Unlock()
	if others {
		select {
		case <-m.done:
			return m.err
		case <-ctx.Done():
			return explain(ctx, "wait for network "+d.networkName(app), ctx.Err())
		}
	}
	// Others may wait for this, so it does not end with the first one's wish.
	m.err = d.makeNetwork(context.WithoutCancel(ctx), app, appName, subnet)
	d.networks.mu.Lock()
	delete(d.networks.making, app)
	d.networks.mu.Unlock()
	close(m.done)
	return m.err
}

func (d *Docker) makeNetwork(ctx context.Context, app, appName string, subnet netip.Prefix) error {
	name := d.networkName(app)
	same, err := d.reuseNetwork(ctx, name, subnet)
	if err != nil || same {
		return err
	}
	err = d.call(ctx, writeLimit, "create network "+name, func(ctx context.Context) error {
		_, err := d.client.NetworkCreate(ctx, name, client.NetworkCreateOptions{
			Driver: "bridge",
			IPAM:   &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet.Masked(), Gateway: gateway(subnet)}}},
			Labels: map[string]string{labelInstallation: d.installation, labelApp: appName, labelAppID: app},
		})
		return err
	})
	if !cerrdefs.IsPermissionDenied(err) && !cerrdefs.IsConflict(err) {
		return err
	}
	// The subnet, or with newer engines the name, is taken. By the very same network, if somebody else was faster.
	if same, again := d.reuseNetwork(ctx, name, subnet); again != nil || same {
		return again
	}
	return paas.Errorf(paas.Conflict, "subnet %s is in use by another network of this host", subnet).
		WithHint("docker network ls; ip route").Because(errors.Join(paas.ErrSubnetTaken, err))
}

// reuseNetwork says whether the network is there with that subnet. One with another subnet is removed.
func (d *Docker) reuseNetwork(ctx context.Context, name string, subnet netip.Prefix) (bool, error) {
	var found network.Inspect
	err := d.call(ctx, readLimit, "inspect network "+name, func(ctx context.Context) error {
		result, err := d.client.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
		found = result.Network
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, c := range found.IPAM.Config {
		if c.Subnet == subnet.Masked() {
			return true, nil
		}
	}
	return false, d.removeNetwork(ctx, name)
}

// RemoveNetwork removes the app's network. It is fine when there is none; paas.Conflict while instances are on it.
func (d *Docker) RemoveNetwork(ctx context.Context, app string) error {
	d.addresses.forget(app)
	return d.removeNetwork(ctx, d.networkName(app))
}

func (d *Docker) removeNetwork(ctx context.Context, name string) error {
	err := d.call(ctx, writeLimit, "remove network "+name, func(ctx context.Context) error {
		_, err := d.client.NetworkRemove(ctx, name, client.NetworkRemoveOptions{})
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err):
		return nil
	case cerrdefs.IsPermissionDenied(err) || cerrdefs.IsConflict(err):
		return paas.Errorf(paas.Conflict, "network %s is still in use", name).
			WithHint("docker network inspect %s", name).Because(err)
	}
	return err
}
