package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"

	"paas"
	"paas/build"
	"paas/release"
	"paas/router"
	"paas/runtime"
	"paas/runtime/logs"
	"paas/store"
	"paas/web"
)

// platform is every part of the control plane, wired.
type platform struct {
	settings
	log    *slog.Logger
	store  *store.DB
	logs   *logs.Store
	docker *runtime.Docker
	disk   *disk
	routes *router.Controller
	builds *build.Service
	engine *release.Engine
	api    *web.Server
	ssh    *web.SSH
	binary string

	spec  runtime.ServiceSpec // of the router's container
	pages net.Listener        // for Traefik
}

// open makes the parts in the order of their dependence; nothing works yet.
func open(s settings, log *slog.Logger) (p *platform, err error) {
	p = &platform{settings: s, log: log}
	defer func() {
		if err != nil {
			p.close()
			p = nil
		}
	}()
	if p.binary, err = executable(); err != nil {
		return p, err
	}
	if p.store, err = store.Open(s.dataDir, store.Options{SubnetPool: s.pool}); err != nil {
		return p, err
	}
	if p.logs, err = logs.Open(s.path("logs"), logs.Options{}); err != nil {
		return p, err
	}
	if p.docker, err = runtime.New(runtime.Options{
		Installation: p.store.Installation(), Host: s.docker, Logins: p.store.RegistryLogins, Registry: s.builds.registry,
		DefaultSize: s.size, Log: log,
	}); err != nil {
		return p, err
	}
	p.disk = &disk{dataDir: s.dataDir, engineRoot: p.docker.RootDir, look: look, log: log}
	if p.routes, err = p.openRouter(); err != nil {
		return p, err
	}
	repos, err := build.OpenRepos(s.path("repos"), build.RepoOptions{Hook: p.binary, Socket: s.socket(), Limits: s.push.limits, Submodules: build.Submodules{Hosts: s.push.hosts}})
	if err != nil {
		return p, err
	}
	p.engine = release.New(release.Deps{
		Store: p.store, Runtime: p.docker, Router: p.routes, Repos: repos, Logs: p.logs,
	}, release.Options{
		Domain: s.domain, DefaultSize: s.size, AppURL: s.appURL, GitURL: s.gitURL, CheckHost: router.ValidateDomain, KeepRoutes: []string{selfApp}, NoHold: s.router != "embedded",
		Room: p.disk.ToWrite, BuildCache: s.builds.cache, Missing: p.disk.Missing, Log: log, Reached: s.reached,
	})
	p.disk.collect = func(ctx context.Context, progress io.Writer) error {
		_, err := p.engine.Collect(ctx, false, progress)
		return err
	}
	static, err := p.docker.StaticImage(p.binary)
	if err != nil {
		return p, err
	}
	p.builds = build.NewService(build.Deps{
		Repos: repos, Records: p.store, Images: p.docker, Deployer: p.engine, Logs: p.logs, Room: p.disk,
	}, build.Options{
		Dir: s.path("builds"), MaxBuilds: s.builds.max, Timeout: s.builds.timeout, Images: s.builds.images,
		Static: static, MakeStatic: func(ctx context.Context) error { return p.docker.MakeStaticImage(ctx, static, p.binary) },
		Network: s.builds.defaultNetwork(), Limits: s.builds.limits, Log: log, Reached: s.reached,
	})
	p.engine.Builds = p.builds
	return p, p.openDoors()
}

func (p *platform) openDoors() (err error) {
	p.api = web.NewServer(web.Services{
		Apps: p.engine, Configs: p.engine, Checks: p.engine, Releases: p.engine, Events: p.engine, Processes: p.engine, Runs: p.engine,
		Domains: p.engine, Certs: p.engine, Routing: p.engine, Routes: routes{p.store, p.routes}, Pages: p.engine,
		Metrics: newMetrics(p.routes.Metrics, p.log), Builds: p.builds, BuildSettings: p.engine, Git: p.builds, Garbage: p.engine, Logs: streams{p.store, p.logs},
		Keys: p.store, Registries: registries{p.store, p.docker}, Tokens: p.store,
	}, web.Options{Version: paas.Version(), Log: p.log, Grace: shutdownTime})
	p.ssh, err = web.NewSSH(p.api, web.SSHOptions{HostKeyPath: p.path("ssh_host_ed25519_key"), Log: p.log, Silence: p.push.limits.PushStall})
	return err
}

func (p *platform) openRouter() (*router.Controller, error) {
	dir := p.path("router")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := p.keepAuthority(); err != nil {
		return nil, err
	}
	target, err := p.target(dir)
	if err != nil {
		return nil, err
	}
	return router.NewController(dir, target, router.Options{
		Log: p.log, Sink: p.logs.Append, File: p.routeFile,
		Problem: func(problem router.Problem, gone bool) { p.engine.RouteProblem(problem.App, problem.Text, gone) },
	})
}

// recover ends what an earlier paasd left in the middle, before the doors open.
func (p *platform) recover(ctx context.Context) error {
	return errors.Join(p.builds.Recover(ctx), p.engine.Recover(ctx))
}

// applySelf makes paas.<domain> lead here, once the router answers.
func (p *platform) applySelf(ctx context.Context, route paas.Route) error {
	if err := p.routes.Apply(ctx, route); err != nil && ctx.Err() == nil {
		p.log.Error("paasd's own host is not routed", "error", err)
	}
	return nil
}

// close ends the parts in reverse order, the store last.
func (p *platform) close() {
	if p.builds != nil {
		p.builds.Close()
	}
	if p.engine != nil {
		p.engine.Close()
	}
	if p.pages != nil {
		_ = p.pages.Close() // again, mostly: serving closed it
	}
	if p.docker != nil {
		p.closed("docker client", p.docker.Close())
	}
	if p.logs != nil {
		p.closed("logs", p.logs.Close())
	}
	if p.store != nil {
		p.closed("store", p.store.Close())
	}
}

func (p *platform) closed(what string, err error) {
	if err != nil {
		p.log.Error("not closed cleanly", "what", what, "error", err)
	}
}

// routes finds an app's part of the routing table by the app's name.
type routes struct {
	store  *store.DB
	router *router.Controller
}

// Routes is the routing table as the router has it, or, unless app is empty, the app's part of it.
func (r routes) Routes(ctx context.Context, app string) (paas.RouteTable, error) {
	if app == "" {
		return r.router.Routes(ctx, "")
	}
	record, err := r.store.AppByName(app)
	if err != nil {
		return paas.RouteTable{}, err
	}
	return r.router.Routes(ctx, record.ID)
}

// streams finds an app's log stream by the app's name.
type streams struct {
	store *store.DB
	logs  *logs.Store
}

// Logs hands fn the lines of app that q selects.
func (s streams) Logs(ctx context.Context, app string, q paas.LogQuery, fn func(paas.LogLine) error) error {
	record, err := s.store.AppByName(app)
	if err != nil {
		return err
	}
	return s.logs.Read(ctx, record.ID, q, fn)
}
