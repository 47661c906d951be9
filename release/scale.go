package release

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"paas"
)

// Scale changes the quantities of process types. It touches only the instances that it adds or removes, and records the
// new formation once all that it adds are up.
func (e *Engine) Scale(ctx context.Context, app string, change paas.Formation, progress Progress) (paas.Processes, error) {
	return e.reshape(ctx, app, "scale", progress, func(want *paas.App, rel paas.Release) error {
		if err := change.Validate(rel.Types); err != nil {
			return err
		}
		want.Formation = maps.Clone(want.Formation)
		if want.Formation == nil {
			want.Formation = paas.Formation{}
		}
		maps.Copy(want.Formation, change)
		maps.DeleteFunc(want.Stopped, func(slot string, _ bool) bool {
			typ, _, _ := paas.ParseInstanceName(slot)
			_, scaled := change[typ]
			return scaled
		})
		return nil
	})
}

// Restart replaces the instances of target by fresh ones: a type, an instance, or "" for all. What was stopped starts.
func (e *Engine) Restart(ctx context.Context, app, target string, progress Progress) (paas.Processes, error) {
	return e.reshape(ctx, app, "restart", progress, func(want *paas.App, rel paas.Release) error {
		slots, err := e.targets(*want, rel, target)
		for _, slot := range slots {
			want.Restarted[slot]++
			delete(want.Stopped, slot)
		}
		e.memory.pardon(want.ID, slots...)
		return err
	})
}

// Stop takes the instances of target down until they are restarted, scaled or replaced by a new release.
func (e *Engine) Stop(ctx context.Context, app, target string, progress Progress) (paas.Processes, error) {
	return e.reshape(ctx, app, "stop", progress, func(want *paas.App, rel paas.Release) error {
		slots, err := e.targets(*want, rel, target)
		for _, slot := range slots {
			want.Stopped[slot] = true
		}
		return err
	})
}

// targets are the slots of the formation that a user means by target.
func (e *Engine) targets(app paas.App, rel paas.Release, target string) ([]string, error) {
	var slots, types []string
	for _, slot := range desire(app, rel, e.memory.retryAt(app.ID)).Slots {
		if target == "" || target == slot.Name || target == slot.Type {
			slots = append(slots, slot.Name)
		}
		if !slices.Contains(types, slot.Type) {
			types = append(types, slot.Type)
		}
	}
	if len(slots) == 0 && target != "" && !slices.Contains(rel.Types.Names(), target) {
		return nil, paas.Errorf(paas.NotFound, "there is no process %s in the formation", paas.Quote(target)).
			WithHint("%s has: %s", app.Name, strings.Join(types, ", "))
	}
	return slots, nil
}

// reshape moves app's current release to another formation or generation, which change makes.
func (e *Engine) reshape(
	ctx context.Context, app, what string, progress Progress, change func(want *paas.App, rel paas.Release) error,
) (paas.Processes, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.Processes{}, err
	}
	err = e.lanes.do(ctx, record.ID, what+" by "+paas.UserOf(ctx), progress, func() error {
		if record, err = e.Store.App(record.ID); err != nil {
			return err
		}
		m, err := e.reshaping(record, what, progress, change)
		if err != nil {
			return err
		}
		if err := m.run(ctx); err != nil {
			return m.explain(err)
		}
		e.event(paas.Event{
			App: record.ID, Kind: paas.Move(what, paas.MoveDone), User: paas.UserOf(ctx), Release: m.release.Version,
			Text: fmt.Sprintf("%s by %s: %s", title(what), paas.UserOf(ctx), formationText(m.want, m.release)),
		})
		return nil
	})
	if err != nil {
		return paas.Processes{}, err
	}
	return e.Processes(ctx, record.Name)
}

func (e *Engine) reshaping(
	app paas.App, what string, progress Progress, change func(want *paas.App, rel paas.Release) error,
) (*move, error) {
	rel, config, err := e.current(app)
	if err != nil {
		return nil, err
	}
	want := app
	want.Restarted, want.Stopped = cloneOrMake(app.Restarted), cloneOrMake(app.Stopped)
	if err := change(&want, rel); err != nil {
		return nil, err
	}
	commit := func() (paas.App, error) {
		return e.Store.UpdateApp(app.ID, func(a *paas.App) error {
			a.Formation, a.Sizes, a.Restarted, a.Stopped = want.Formation, want.Sizes, want.Restarted, want.Stopped
			return nil
		})
	}
	return &move{
		engine: e, app: app, want: want, release: rel, config: config, progress: progress, what: what, commit: commit, atomic: true,
	}, nil
}

// explain is what the user reads when a move that is no release did not work.
func (m *move) explain(err error) error {
	boot, ok := asBoot(err)
	if !ok {
		return err
	}
	fmt.Fprint(m.progress, m.config.Mask(boot.Report()))
	return paas.Errorf(paas.Failed, "the %s did not work and changed nothing: %s", m.what, m.config.Mask(boot.Error())).
		WithHint("paas logs -a %s --process %s", m.app.Name, boot.Instance.Name).Because(err)
}

// current is the release that serves, with its config; an error where there is none.
func (e *Engine) current(app paas.App) (paas.Release, paas.Config, error) {
	if app.Current == 0 {
		return paas.Release{}, nil, paas.Errorf(paas.Conflict, "nothing is released on %s yet", app.Name).WithHint("git push paas main")
	}
	return e.entry(app, app.Current)
}

// formationText is web=2 worker=1, and where there are sizes web=2 at 512mb, worker=1.
func formationText(app paas.App, rel paas.Release) string {
	var parts []string
	separator := " "
	for _, typ := range rel.Types.Names() {
		part := fmt.Sprintf("%s=%d", typ, app.Formation.Quantity(typ))
		if size := app.Sizes[typ]; size != (paas.Size{}) {
			part += " at " + size.String()
			separator = ", "
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, separator)
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func cloneOrMake[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}
