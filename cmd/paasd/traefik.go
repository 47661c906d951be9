package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"paas/router"
	"paas/router/certs"
	"paas/router/proxy"
	"paas/router/traefik"
	"paas/runtime"
)

// traefikOptions are for --router traefik only.
type traefikOptions struct {
	image string
	args  []string
	env   []string
}

// defaultTraefik is the one that the tests run with.
const defaultTraefik = "traefik:v3.7.13"

func (o *traefikOptions) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.image, "traefik-image", defaultTraefik, "with --router traefik: the image, pulled where it is not there")
	flags.StringArrayVar(&o.args, "traefik-arg", nil, "with --router traefik: a further argument of it, such as a certificate resolver's; repeatable")
	flags.StringArrayVar(&o.env, "traefik-env", nil, "with --router traefik: NAME=value of its environment; repeatable")
}

// traefikDir is shared with Traefik's container.
func (s settings) traefikDir() string { return s.path("router", "traefik") }

// openTraefik makes the target, and listens for the pages that Traefik fetches here.
func (p *platform) openTraefik() (router.Target, error) {
	dir := p.traefikDir()
	ports, pages, err := takePorts(filepath.Join(dir, "ports.json"))
	if err != nil {
		return nil, err
	}
	p.pages = pages
	static := traefik.Static{
		Dir: dir, HTTPAddr: p.httpAddr, HTTPSAddr: p.httpsAddr, API: ports.API, Trusted: p.proxies, Extra: p.traefik.args,
		ACME: traefik.ACME{Email: p.acme.email, Directory: p.acme.directory, CA: p.acme.authority},
	}
	target := traefik.New(traefik.Options{
		Dir: dir, API: ports.API, Reopen: func(ctx context.Context) error { return p.docker.SignalService(ctx, "traefik", "USR1") },
		Layout: traefik.Layout{
			Pages: ports.Pages, HTTPS: p.httpsAddr != "", HTTPSPort: portOf(p.httpsAddr), Resolver: traefik.Resolver,
			Private: p.acme.directory != certs.DefaultDirectory, Wildcards: static.OwnResolver(), Files: p.path("router", "files"),
		}, Log: p.log,
	})
	p.spec = runtime.ServiceSpec{Name: "traefik", Image: p.traefik.image, Dirs: []string{dir}, Env: p.traefik.env, Args: static.Args()}
	if p.httpsAddr != "" {
		p.spec.Dirs = append(p.spec.Dirs, p.path("router", "files"))
		if err := os.MkdirAll(p.path("router", "files"), 0o700); err != nil {
			return nil, err
		}
	}
	if p.acme.authority != "" {
		p.spec.Dirs = append(p.spec.Dirs, p.path("certs"))
	}
	if err := target.Prepare(); err != nil {
		return nil, err
	}
	return target, p.checkPort(func(ctx context.Context) ([]string, error) {
		return []string{p.httpAddr, p.httpsAddr}, target.Healthy(ctx)
	})
}

// ports are where paasd and Traefik find each other, on the loopback interface, chosen once.
type ports struct {
	API   netip.AddrPort `json:"api"`   // Traefik's
	Pages netip.AddrPort `json:"pages"` // paasd's, for hosts and apps that nothing else answers for
}

// takePorts reads the ports kept in file and opens that of the pages; one that somebody else has, or that was never
// chosen, is chosen anew.
func takePorts(file string) (p ports, pages net.Listener, err error) {
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, nil, fmt.Errorf("read %s: %w", file, err)
	}
	kept := p
	if pages, p.Pages, err = listenLoopback(p.Pages); err != nil {
		return p, nil, err
	}
	if !p.API.IsValid() {
		api, addr, err := listenLoopback(netip.AddrPort{})
		if err != nil {
			return p, nil, errors.Join(err, pages.Close())
		}
		p.API = addr
		if err := api.Close(); err != nil {
			return p, nil, errors.Join(err, pages.Close())
		}
	}
	if p != kept {
		if err := writePorts(file, p); err != nil {
			return p, nil, errors.Join(err, pages.Close())
		}
	}
	return p, pages, nil
}

func writePorts(file string, p ports) error {
	data, err := json.Marshal(p)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = os.WriteFile(file+".tmp", data, 0o600)
	}
	if err == nil {
		err = os.Rename(file+".tmp", file)
	}
	if err != nil {
		return fmt.Errorf("keep the ports of Traefik: %w", err)
	}
	return nil
}

// listenLoopback listens at addr, or at a free port where that is none or somebody else's.
func listenLoopback(addr netip.AddrPort) (net.Listener, netip.AddrPort, error) {
	if addr.IsValid() {
		if l, err := net.Listen("tcp", addr.String()); err == nil {
			return l, addr, nil
		}
	}
	var err error
	for range 100 {
		addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(firstPort+rand.IntN(morePorts)))
		var l net.Listener
		if l, err = net.Listen("tcp", addr.String()); err == nil {
			return l, addr, nil
		}
	}
	return nil, addr, fmt.Errorf("listen on the loopback interface: %w", err)
}

// Ports are chosen below those that the system gives to connections: one of these could be in use just when it is to be
// listened on again.
const (
	firstPort = 10240
	morePorts = 10000
)

// servePages answers what Traefik sends here: requests that no instance can answer.
func (p *platform) servePages(ctx context.Context) error {
	server := &http.Server{Handler: proxy.Pages(router.FilesIn(p.path("router"))), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(p.pages) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the router's pages: %w", err)
	case <-ctx.Done():
		err := server.Close()
		if served := <-served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}
}
