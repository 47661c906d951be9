package main

import (
	"context"

	"paas"
	"paas/runtime"
	"paas/store"
)

// registries keeps the logins of image registries; the engine tries them.
type registries struct {
	store  *store.DB
	docker *runtime.Docker
}

// Registries are the logins without their passwords, by host.
func (r registries) Registries() ([]paas.Registry, error) {
	logins, err := r.store.RegistryLogins()
	all := make([]paas.Registry, 0, len(logins))
	for _, l := range logins {
		all = append(all, l.Registry)
	}
	return all, err
}

// AddRegistry keeps a login; where verify is set, once its registry has taken it.
func (r registries) AddRegistry(ctx context.Context, login paas.RegistryLogin, verify bool) (paas.Registry, error) {
	if verify {
		if err := r.docker.CheckLogin(ctx, login); err != nil {
			return paas.Registry{}, err
		}
	}
	return r.store.PutRegistryLogin(login)
}

// RemoveRegistry forgets a login.
func (r registries) RemoveRegistry(host string) (paas.Registry, error) {
	return r.store.RemoveRegistryLogin(host)
}
