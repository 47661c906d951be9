package release

import (
	"context"
	"errors"
	"fmt"

	"paas"
)

// observe takes one snapshot of app's instances. desired is the release that should run, for the counting of crashes.
func (e *Engine) observe(ctx context.Context, app paas.App, desired int) ([]Seen, error) {
	leaving := e.memory.leaving()
	instances, err := e.Runtime.Instances(ctx, app.ID)
	if err != nil {
		return nil, fmt.Errorf("observe %s: %w", app.Name, err)
	}
	return e.memory.see(app.ID, desired, instances, e.routed(app.ID), leaving), nil
}

// maxMoves is how many subnets may turn out to be taken before somebody should look.
const maxMoves = 32

// startInstance starts one in the background of its client.
func (e *Engine) startInstance(ctx context.Context, sp paas.InstanceSpec) (i paas.Instance, err error) {
	err = e.moving(sp, func(sp paas.InstanceSpec) error {
		i, err = e.Runtime.Start(ctx, sp)
		return err
	})
	return i, err
}

// runInstance runs one to its end, with its client attached.
func (e *Engine) runInstance(ctx context.Context, sp paas.InstanceSpec, stdio paas.Stdio, started func(paas.Instance)) (code int, err error) {
	err = e.moving(sp, func(sp paas.InstanceSpec) error {
		code, err = e.Runtime.Run(ctx, sp, stdio, started)
		return err
	})
	return code, err
}

// moving starts an instance in the subnet that its app has now, which may be another than when what it is was decided. It moves
// the app to another one where start finds that the host uses the present one.
func (e *Engine) moving(sp paas.InstanceSpec, start func(paas.InstanceSpec) error) error {
	app, err := e.Store.App(sp.App)
	if err != nil {
		return err
	}
	sp.Subnet = app.Subnet
	for tries := 0; ; tries++ {
		err := start(sp)
		if !errors.Is(err, paas.ErrSubnetTaken) || tries == maxMoves {
			return err
		}
		app, moveErr := e.moveSubnet(sp)
		if moveErr != nil {
			return errors.Join(err, moveErr)
		}
		e.Log.Warn("subnet is in use on this host, took another", "app", app.Name, "subnet", sp.Subnet, "next", app.Subnet)
		sp.Subnet = app.Subnet
	}
}

// moveSubnet replaces the subnet that sp could not use, once for all instances that find out together.
func (e *Engine) moveSubnet(sp paas.InstanceSpec) (paas.App, error) {
	e.subnets.Lock()
	defer e.subnets.Unlock()
	app, err := e.Store.App(sp.App)
	if err != nil || app.Subnet != sp.Subnet {
		return app, err
	}
	return e.Store.MoveSubnet(sp.App)
}
