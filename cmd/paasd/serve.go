package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"paas"
	"paas/web"
)

func serveCommand(getenv func(string) string) *cobra.Command {
	var opts options
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the control plane, and the router as a container", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnv(cmd, getenv); err != nil {
				return err
			}
			s, err := opts.check()
			if err != nil {
				return err
			}
			if s.reached, err = faultPoint(getenv); err != nil {
				return err
			}
			return serve(cmd.Context(), s, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	opts.bind(cmd.Flags())
	return cmd
}

// shutdownTime is what operations under way get to finish once paasd is told to stop. What is not done by then is
// marked as failed at the next start; apps go on serving all the while.
const shutdownTime = 30 * time.Second

// serve runs the control plane until ctx ends. The doors close first, the store last.
func serve(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	level := slog.LevelInfo
	if s.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	p, err := open(s, log)
	if err != nil {
		return err
	}
	defer p.close()
	doors, err := listen(s)
	if err != nil {
		return err
	}
	defer doors.close()

	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	work, inner := errgroup.WithContext(inner)
	work.Go(func() error { return p.routes.Run(inner) })
	work.Go(func() error { return p.docker.Collect(inner, p.logs) })
	if s.router != "none" {
		work.Go(func() error { return p.keepRouter(inner) })
	}
	if p.pages != nil {
		work.Go(func() error { return p.servePages(inner) })
	}
	if err := p.recover(inner); err != nil {
		stop()
		return errors.Join(err, work.Wait()) // before the store is closed under them
	}
	work.Go(func() error { return p.engine.Work(inner) })
	work.Go(func() error { return p.builds.Work(inner) })
	if route, ok := selfRoute(s, doors.api); ok {
		work.Go(func() error { return p.applySelf(inner, route) })
	}
	announce(stdout, s, doors, p)

	outer, closeDoors := context.WithCancel(ctx)
	defer closeDoors()
	context.AfterFunc(inner, closeDoors) // a part that broke ends the whole
	err = doors.serve(outer, p, log)
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if waitErr := p.api.Wait(finish); waitErr != nil {
		log.Warn("operations under way are cut off; the next start marks them as failed")
	}
	p.builds.Close()
	p.engine.Close()
	stop()
	if workErr := work.Wait(); workErr != nil && ctx.Err() == nil {
		return workErr
	}
	return err
}

// doors are the listeners, open before anything is served.
type doors struct {
	unix, api, ssh net.Listener
}

func listen(s settings) (d doors, err error) {
	if d.unix, err = web.ListenUnix(s.socket()); err != nil {
		return d, fmt.Errorf("listen on %s: %w", s.socket(), err)
	}
	if d.api, err = listenTCP(s.apiAddr, "--api-addr"); err == nil {
		d.ssh, err = listenTCP(s.sshAddr, "--ssh-addr")
	}
	if err != nil {
		d.close()
	}
	return d, err
}

func listenTCP(addr, flag string) (net.Listener, error) {
	if addr == "" {
		return nil, nil //nolint:nilnil // no listener was asked for
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, paas.Errorf(paas.Conflict, "cannot listen on %s: %w", addr, err).WithHint("stop what uses the port, or choose another with %s", flag)
	}
	return l, nil
}

func (d doors) close() {
	for _, l := range []net.Listener{d.unix, d.api, d.ssh} {
		if l != nil {
			_ = l.Close() // again, mostly: serving closed it
		}
	}
}

func (d doors) serve(ctx context.Context, p *platform, log *slog.Logger) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.api.ServeUnix(ctx, d.unix) })
	if d.api != nil {
		g.Go(func() error { return p.api.ServeTCP(ctx, d.api) })
	}
	if d.ssh != nil {
		g.Go(func() error { return p.ssh.Serve(ctx, d.ssh) })
	}
	return g.Wait()
}

// announce tells the operator that paasd is ready, and where everything is.
func announce(w io.Writer, s settings, d doors, p *platform) {
	fmt.Fprintf(w, "paasd %s is ready\n", paas.Version())
	fmt.Fprintf(w, "  data      %s (installation %s)\n", s.dataDir, p.store.Installation())
	if d.ssh != nil {
		fmt.Fprintf(w, "  ssh       %s (git and the paas command; host key %s)\n", d.ssh.Addr(), p.ssh.HostKey())
	}
	if d.api != nil {
		fmt.Fprintf(w, "  api       http://%s\n", d.api.Addr())
	}
	if s.router != "none" {
		fmt.Fprintf(w, "  apps      %s\n", strings.Replace(s.appURL("app."+s.domain), "//app.", "//<app>.", 1))
	}
	if keys, err := p.store.Keys(); err == nil && len(keys) == 0 {
		fmt.Fprintf(w, "Nobody may come in yet. Enrol a key:\n  paasd key add NAME FILE --data-dir %s\n", s.dataDir)
		fmt.Fprintf(w, "Then, in a git repository on any machine that reaches this one:\n  PAAS_URL=%s paas create APP\n", s.serverURL())
	}
}

// selfRoute makes paas.<domain> lead to the HTTP API.
func selfRoute(s settings, api net.Listener) (paas.Route, bool) {
	if api == nil {
		return paas.Route{}, false
	}
	addr, err := netip.ParseAddrPort(api.Addr().String())
	if err != nil {
		return paas.Route{}, false
	}
	if addr.Addr().IsUnspecified() {
		addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), addr.Port())
	}
	return paas.Route{App: selfApp, Name: selfApp, Hosts: []string{"paas." + s.domain}, Backends: []paas.Backend{{Instance: "api", Addr: addr}}}, true
}

// selfApp stands for paasd itself in the routing table; no app can have the name, nor such an id.
const selfApp = "paas"

func executable() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find paasd's own binary: %w", err)
	}
	return path, nil
}
