package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"paas"
)

// Apps lists all apps by name.
func (e *Engine) Apps(ctx context.Context) ([]paas.AppInfo, error) {
	apps, err := e.Store.Apps()
	if err != nil {
		return nil, err
	}
	all, err := e.Runtime.Instances(ctx, "")
	if err != nil {
		return nil, err
	}
	byApp := map[string][]paas.Instance{}
	for _, i := range all {
		byApp[i.App] = append(byApp[i.App], i)
	}
	infos := make([]paas.AppInfo, 0, len(apps))
	for _, app := range apps {
		info, err := e.info(app, byApp[app.ID])
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// App returns one app.
func (e *Engine) App(ctx context.Context, app string) (paas.AppInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.AppInfo{}, err
	}
	return e.appInfo(ctx, record)
}

func (e *Engine) appInfo(ctx context.Context, app paas.App) (paas.AppInfo, error) {
	var observed []paas.Instance
	if app.Current != 0 {
		var err error
		if observed, err = e.Runtime.Instances(ctx, app.ID); err != nil {
			return paas.AppInfo{}, err
		}
	}
	return e.info(app, observed)
}

func (e *Engine) info(app paas.App, observed []paas.Instance) (paas.AppInfo, error) {
	var rel paas.Release
	if app.Current != 0 {
		var err error
		if rel, err = e.Store.Release(app.ID, app.Current); err != nil {
			return paas.AppInfo{}, err
		}
	}
	return paas.AppInfo{
		Name: app.Name, URL: e.AppURL(e.defaultHost(app.Name)), GitURL: e.GitURL(app.Name), Release: app.Current,
		State: e.state(app, rel, observed),
	}, nil
}

// createRoute is how long a new app waits for its first route, which says only that nothing is deployed.
const createRoute = 3 * time.Second

// CreateApp makes an app with an empty repository, and a route that says that nothing is deployed yet.
func (e *Engine) CreateApp(ctx context.Context, app string) (paas.AppInfo, error) {
	if err := paas.ValidateAppName(app); err != nil {
		return paas.AppInfo{}, err
	}
	if err := e.Room(); err != nil {
		return paas.AppInfo{}, err
	}
	record, err := e.Store.CreateApp(app, e.defaultHost(app))
	if err != nil {
		return paas.AppInfo{}, err
	}
	if err := e.Repos.Create(ctx, record.ID); err != nil {
		return paas.AppInfo{}, errors.Join(fmt.Errorf("create the repository of %s: %w", app, err), e.Store.DeleteApp(record.ID))
	}
	e.event(paas.Event{App: record.ID, Kind: paas.EventAppCreated, User: paas.UserOf(ctx), Text: "Created by " + paas.UserOf(ctx)})
	routeCtx, cancel := context.WithTimeout(ctx, createRoute)
	defer cancel()
	if err := e.route(routeCtx, record, paas.Release{}, nil); err != nil {
		e.Log.Warn("the route of a new app is not confirmed yet", "app", app, "error", err)
		e.mark(record.ID)
	}
	return e.appInfo(ctx, record)
}

// RenameApp gives app another name, and with it another host. Its instances are replaced, since they carry the name.
func (e *Engine) RenameApp(ctx context.Context, app, to string, progress Progress) (paas.AppInfo, error) {
	if err := paas.ValidateAppName(to); err != nil {
		return paas.AppInfo{}, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil || app == to {
		return paas.AppInfo{}, errOr(err, paas.Errorf(paas.Conflict, "the app is named %s already", to).WithHint("choose another name"))
	}
	if _, err := e.Store.AppByName(to); err == nil {
		return paas.AppInfo{}, paas.Errorf(paas.Conflict, "there is an app %s already", to).WithHint("choose another name, or look at it: paas apps:info -a %s", to)
	}
	err = e.lanes.do(ctx, record.ID, "rename by "+paas.UserOf(ctx), progress, func() error {
		record, err = e.rename(ctx, record.ID, to, progress)
		return err
	})
	if err != nil {
		return paas.AppInfo{}, err
	}
	return e.appInfo(ctx, record)
}

func (e *Engine) rename(ctx context.Context, id, to string, progress Progress) (paas.App, error) {
	app, err := e.Store.App(id)
	if err != nil {
		return app, err
	}
	commit := func() (paas.App, error) { return e.Store.RenameApp(id, to, e.defaultHost(to)) }
	renamed := paas.Event{
		App: id, Kind: paas.EventAppRenamed, User: paas.UserOf(ctx), Text: fmt.Sprintf("Renamed from %s to %s by %s", app.Name, to, paas.UserOf(ctx)),
	}
	if app.Current == 0 {
		next, err := commit()
		if err != nil {
			return next, err
		}
		e.event(renamed)
		return next, e.route(ctx, next, paas.Release{}, nil)
	}
	rel, config, err := e.current(app)
	if err != nil {
		return app, err
	}
	want := app
	want.Name = to
	m := &move{
		engine: e, app: app, want: want, release: rel, config: config, progress: progress, what: "rename", commit: commit, atomic: true,
	}
	if err := m.run(ctx); err != nil {
		return m.app, m.explain(err)
	}
	e.event(renamed)
	return m.app, nil
}

// DestroyApp ends everything that runs for app and removes every record, its repository, network, images and logs.
func (e *Engine) DestroyApp(ctx context.Context, app string, progress Progress) error {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return err
	}
	if err := e.Builds.EndBuilds(ctx, record.ID); err != nil {
		return fmt.Errorf("end the pushes of %s: %w", app, err)
	}
	return e.lanes.do(ctx, record.ID, "destruction by "+paas.UserOf(ctx), progress, func() error {
		return e.destroy(ctx, record, progress)
	})
}

// destroy deletes the record first: from then on whatever is left is a leftover, which this, or a later sweep, removes.
func (e *Engine) destroy(ctx context.Context, app paas.App, progress Progress) error {
	instances, err := e.Runtime.Instances(ctx, app.ID)
	if err != nil {
		return err
	}
	ends := e.endings(app.ID, instances)
	if err := e.Router.Remove(ctx, app.ID); err != nil {
		return fmt.Errorf("take %s out of the router: %w", app.Name, err)
	}
	if err := e.Store.DeleteApp(app.ID); err != nil {
		return err
	}
	if len(instances) > 0 {
		fmt.Fprintf(progress, "Stopping %d instances\n", len(instances))
	}
	e.clear(app, ends)
	return nil
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
