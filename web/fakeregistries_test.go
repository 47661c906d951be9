package web

import (
	"context"

	"paas"
)

func (f *fake) Registries() ([]paas.Registry, error) { return nil, nil }

func (f *fake) AddRegistry(ctx context.Context, l paas.RegistryLogin, verify bool) (paas.Registry, error) {
	return l.Registry, f.note(ctx, "AddRegistry", l, verify)
}

func (f *fake) RemoveRegistry(host string) (paas.Registry, error) {
	return paas.Registry{Host: host}, f.note(context.Background(), "RemoveRegistry", host)
}
