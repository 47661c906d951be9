package runtime

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"paas"
)

// inspectors bounds how many inspections of one snapshot are under way at once.
const inspectors = 6

// Instances returns what the engine has of an app, or of the whole installation for app "": running, exited and
// never started, runs included. One that vanishes meanwhile is left out.
//
// It lists them, and inspects those of which it does not know how they are. While Events is connected that is few, and
// nothing that Events has told is missing. What this process waited for, by Wait, Stop or Run, is seen in any case.
func (d *Docker) Instances(ctx context.Context, app string) ([]paas.Instance, error) {
	listed, err := d.look(ctx, app)
	if err != nil {
		return nil, err
	}
	found := make([]paas.Instance, len(listed))
	errs := make([]error, len(listed))
	var wg sync.WaitGroup
	slots := make(chan struct{}, inspectors)
	for i, s := range listed {
		var known bool
		if found[i], known = d.mirror.find(s); known {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			found[i], errs[i] = d.Instance(ctx, s.instance.ID)
		})
	}
	wg.Wait()

	instances := make([]paas.Instance, 0, len(listed))
	for i := range listed {
		switch {
		case errs[i] == nil:
			instances = append(instances, found[i])
		case paas.CodeOf(errs[i]) != paas.NotFound:
			return nil, errs[i]
		}
	}
	return instances, nil
}

// Instance returns one instance as it is now; paas.NotFound when the engine does not have it.
func (d *Docker) Instance(ctx context.Context, id string) (paas.Instance, error) {
	asked := d.mirror.now()
	c, err := d.inspect(ctx, id)
	if err != nil {
		return paas.Instance{}, err
	}
	i := observed(c)
	d.mirror.keep(id, asked, details{i, c.State.Status})
	return i, nil
}

func (d *Docker) inspect(ctx context.Context, id string) (container.InspectResponse, error) {
	var found container.InspectResponse
	err := d.call(ctx, readLimit, "inspect instance "+short(id), func(ctx context.Context) error {
		result, err := d.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		found = result.Container
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return found, gone(id).Because(err)
	}
	if err == nil && (found.Config == nil || found.State == nil) {
		return found, gone(id) // the engine is just removing it
	}
	return found, err
}

// observed reads an inspection.
func observed(c container.InspectResponse) paas.Instance {
	i := labelled(c.ID, c.Config.Labels)
	i.Addr = address(c.NetworkSettings)
	i.Limits = limits(c.HostConfig)
	i.CreatedAt = engineTime(c.Created)
	i.StartedAt = engineTime(c.State.StartedAt)
	i.FinishedAt = engineTime(c.State.FinishedAt)
	// The engine sets Running while it waits to restart, too.
	i.Running = c.State.Running && !c.State.Restarting
	i.Restarted = c.RestartCount > 0 || c.State.Restarting || i.Running && !i.FinishedAt.IsZero()
	// A start that failed leaves an exit code on a container that never ran: that is no exit.
	i.Exited = !i.Running && !i.StartedAt.IsZero()
	i.Unhealthy = i.Running && c.State.Health != nil && c.State.Health.Status == container.Unhealthy
	if i.Exited {
		i.ExitCode = c.State.ExitCode
		i.OOMKilled = c.State.OOMKilled
	}
	return i
}

// address is the one that was asked for, which holds for an exited instance too, else the one the engine gave.
func address(s *container.NetworkSettings) netip.Addr {
	if s == nil {
		return netip.Addr{}
	}
	return endpointAddress(s.Networks)
}

func endpointAddress(networks map[string]*network.EndpointSettings) netip.Addr {
	for _, e := range networks {
		if e == nil {
			continue
		}
		if e.IPAMConfig != nil && e.IPAMConfig.IPv4Address.IsValid() {
			return e.IPAMConfig.IPv4Address
		}
		if e.IPAddress.IsValid() {
			return e.IPAddress
		}
	}
	return netip.Addr{}
}

// engineTime reads a time of the engine, which writes year 1 for never.
func engineTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || strings.HasPrefix(s, "0001-") {
		return time.Time{}
	}
	return t
}
