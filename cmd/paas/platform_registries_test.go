package main

import (
	"context"
	"slices"

	"paas"
)

type registryRing struct{ p *platform }

func (r registryRing) Registries() ([]paas.Registry, error) {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	return slices.Clone(r.p.registries), nil
}

// AddRegistry takes no password but "right" when it is asked to try.
func (r registryRing) AddRegistry(_ context.Context, l paas.RegistryLogin, verify bool) (paas.Registry, error) {
	if verify && l.Password != "right" {
		return paas.Registry{}, paas.Errorf(paas.Invalid, "registry %s does not take this user and password", l.Host)
	}
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	l.CreatedAt = clock
	r.p.registries = append(r.p.registries, l.Registry)
	return l.Registry, nil
}

func (r registryRing) RemoveRegistry(host string) (paas.Registry, error) {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	i := slices.IndexFunc(r.p.registries, func(x paas.Registry) bool { return x.Host == host })
	if i < 0 {
		return paas.Registry{}, paas.Errorf(paas.NotFound, "there is no login of registry %q", host).WithHint("paas registries")
	}
	x := r.p.registries[i]
	r.p.registries = slices.Delete(r.p.registries, i, i+1)
	return x, nil
}
