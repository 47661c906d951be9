package release

import (
	"context"
	"maps"

	"paas"
)

// Resize changes what the instances of process types may take of the machine; the zero size is the platform's default. It
// replaces the instances of these types, as a restart does, and records the sizes once all new ones are up.
func (e *Engine) Resize(ctx context.Context, app string, change paas.Sizes, progress Progress) (paas.Processes, error) {
	for _, size := range change {
		if err := e.fits(ctx, size); err != nil {
			return paas.Processes{}, err
		}
	}
	return e.reshape(ctx, app, "resize", progress, func(want *paas.App, rel paas.Release) error {
		if err := change.Validate(rel.Types); err != nil {
			return err
		}
		before := want.Sizes
		want.Sizes = cloneOrMake(want.Sizes)
		maps.Copy(want.Sizes, change)
		e.memory.pardon(want.ID, resized(*want, rel, before)...)
		return nil
	})
}

// resized are the slots whose instances have another size than before. Why they crashed may be their size.
func resized(app paas.App, rel paas.Release, before paas.Sizes) []string {
	var slots []string
	for _, typ := range rel.Types.Names() {
		if app.Sizes[typ] == before[typ] {
			continue
		}
		for n := range app.Formation.Quantity(typ) {
			slots = append(slots, paas.InstanceName(typ, n+1))
		}
	}
	return slots
}

// fits checks that the host has what an instance of the size may take.
func (e *Engine) fits(ctx context.Context, size paas.Size) error {
	if size == (paas.Size{}) {
		return nil
	}
	host, err := e.Runtime.HostSize(ctx)
	if err != nil {
		return err
	}
	return size.Within(host)
}
