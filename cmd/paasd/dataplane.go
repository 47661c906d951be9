package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"paas/router"
	"paas/router/traefik"
	"paas/runtime"
)

// target is the data plane that was chosen; spec becomes what runs it.
func (p *platform) target(dir string) (router.Target, error) {
	switch p.router {
	case "embedded":
		return p.openEmbedded(dir)
	case "traefik":
		return p.openTraefik()
	}
	return router.None{}, nil
}

func (p *platform) openEmbedded(dir string) (router.Target, error) {
	embedded := router.NewEmbedded(dir)
	p.spec = runtime.ServiceSpec{
		Name: "router", Binary: "/proc/self/exe", Dirs: []string{dir}, // the file at our path may be a newer one
		Args: []string{"router", "--dir", dir, "--http-addr", p.httpAddr},
		Serving: func(ctx context.Context) (string, error) {
			health, err := embedded.Health(ctx)
			return health.Name, err
		},
	}
	if p.httpsAddr != "" {
		p.spec.Dirs = append(p.spec.Dirs, p.path("certs"))
		p.spec.Args = append(p.spec.Args, p.tlsArgs()...)
	}
	if len(p.proxies) > 0 {
		p.spec.Args = append(p.spec.Args, "--trusted-proxies", strings.Join(p.proxies, ","))
	}
	return embedded, p.checkPort(func(ctx context.Context) ([]string, error) {
		health, err := embedded.Health(ctx)
		return health.Listeners, err
	})
}

// portWait is how long a router that the engine is just starting again may take to answer.
const portWait = 5 * time.Second

// checkPort says at once when something else has one of the router's ports: in the router's container nobody would see it.
// A router of the other kind that paasd ran before is to be replaced, so its ports are as good as free.
func (p *platform) checkPort(own func(context.Context) (listeners []string, err error)) error {
	ctx, cancel := context.WithTimeout(context.Background(), portWait)
	defer cancel()
	for {
		taken := []string(nil)
		listeners, err := own(ctx)
		if err == nil { // what our own router has is no matter
			taken = append(listeners, p.httpAddr)
		}
		if err = p.tryPorts(taken); err == nil || p.otherRouter(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tryPorts listens for a moment where the router is to, but for the addresses taken.
func (p *platform) tryPorts(taken []string) error {
	for _, at := range []struct{ addr, flag string }{{p.httpAddr, "--http-addr"}, {p.httpsAddr, "--https-addr"}} {
		if at.addr == "" || slices.Contains(taken, at.addr) {
			continue
		}
		l, err := listenTCP(at.addr, at.flag)
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

// routerServices are the containers of all kinds of router.
var routerServices = []string{"router", "traefik"}

// otherRouter says whether a router of another kind than the one chosen is left from before.
func (p *platform) otherRouter(ctx context.Context) bool {
	for _, name := range routerServices {
		if there, err := p.docker.HasService(ctx, name); err == nil && there && name != p.spec.Name {
			return true
		}
	}
	return false
}

// ensureRouter starts the router; one of another kind has to go first, since it has the ports.
func (p *platform) ensureRouter(ctx context.Context) error {
	for _, name := range routerServices {
		there, err := p.docker.HasService(ctx, name)
		if err != nil {
			return err
		}
		if !there || name == p.spec.Name {
			continue
		}
		if err := p.docker.PrepareService(ctx, p.spec); err != nil { // until then, that one serves
			return err
		}
		if err := p.docker.RemoveService(ctx, name); err != nil {
			return err
		}
	}
	if p.spec.Name != "traefik" {
		if err := traefik.Remove(p.traefikDir()); err != nil {
			return err
		}
	}
	return p.docker.EnsureService(ctx, p.spec)
}

// How often the router's container is looked at, and how soon again when that came to nothing.
const (
	routerCheck = 10 * time.Second
	routerRetry = time.Second
)

// keepRouter sees to it that the router's container is there and runs what it should.
func (p *platform) keepRouter(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(routerCheck)
		err := p.ensureRouter(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			p.log.Error("the router does not run", "error", err)
			said = err.Error()
		}
		if err == nil {
			said = ""
			continue
		}
		timer.Reset(routerRetry)
	}
}
