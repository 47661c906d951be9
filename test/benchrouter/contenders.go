package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"paas"
	"paas/router"
	"paas/router/proxy"
)

// contender is one of those compared.
type contender struct {
	name string
	read bool // somebody reads its request log
	// command writes what configuration it needs into dir and returns its command line.
	command func(b *bench, dir string, port int, upstreams []string) ([]string, error)
}

func contenders() []contender {
	return []contender{
		{"upstream alone", false, func(b *bench, dir string, port int, _ []string) ([]string, error) {
			return b.nginx(dir, b.static([]int{port}))
		}},
		{"paas", false, ours},
		{"paas, request log read", true, ours},
		{"nginx", false, nginxProxy},
		{"HAProxy", false, haproxy},
		{"Caddy", false, caddy},
		{"Traefik", false, func(b *bench, dir string, port int, upstreams []string) ([]string, error) {
			return b.traefikProxy(dir, port, upstreams)
		}},
		{"Traefik, fastProxy", false, func(b *bench, dir string, port int, upstreams []string) ([]string, error) {
			args, err := b.traefikProxy(dir, port, upstreams)
			return append(args, "--experimental.fastProxy=true"), err
		}},
		{"httputil.ReverseProxy", false, func(b *bench, _ string, port int, upstreams []string) ([]string, error) {
			return append([]string{b.self, "reverseproxy", addr(port), b.tlsDir()}, upstreams...), nil
		}},
	}
}

func addr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// appHost is the host of an app of the row in hand.
func (b *bench) appHost(i int) string {
	if i == 0 {
		return b.row.host()
	}
	return fmt.Sprintf("app%d.bench.localhost", i)
}

// tlsDir is where the certificate is; empty without TLS.
func (b *bench) tlsDir() string {
	if b.row.tls {
		return b.dir
	}
	return ""
}

func ours(b *bench, dir string, port int, upstreams []string) ([]string, error) {
	var certificates []string
	if b.row.tls {
		text, err := os.ReadFile(filepath.Join(b.dir, bothFile))
		if err != nil {
			return nil, err
		}
		name, err := router.FilesIn(dir).Put(text)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, name)
	}
	t := router.Table{Version: 1}
	for i := range b.row.apps {
		r := paas.Route{App: fmt.Sprint("app", i), Hosts: []string{b.appHost(i)}, Certificates: certificates}
		for j, up := range upstreams {
			r.Backends = append(r.Backends, paas.Backend{Instance: fmt.Sprint("web.", j+1), Addr: netip.MustParseAddrPort(up)})
		}
		t.Routes = append(t.Routes, r)
	}
	if err := writeJSON(filepath.Join(dir, "table.json"), t); err != nil {
		return nil, err
	}
	if b.row.tls {
		return []string{b.self, "paas", dir, "127.0.0.1:0", addr(port)}, nil
	}
	return []string{b.self, "paas", dir, addr(port)}, nil
}

func nginxProxy(b *bench, dir string, port int, upstreams []string) ([]string, error) {
	var conf strings.Builder
	fmt.Fprint(&conf, "server_names_hash_max_size 65536; server_names_hash_bucket_size 128;\nupstream u {\n")
	for _, up := range upstreams {
		fmt.Fprintf(&conf, "server %s;\n", up)
	}
	fmt.Fprint(&conf, "keepalive 512; keepalive_requests 1000000000; }\n")
	for i := range b.row.apps {
		fmt.Fprintf(&conf, "server { listen %s%s; server_name %s;\n%slocation / { proxy_pass http://u; proxy_http_version 1.1;\n"+
			"proxy_set_header Connection \"\"; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;\n"+
			"proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Port %d; proxy_set_header X-Request-Id $request_id;\n"+
			"proxy_set_header X-Request-Start $msec; } }\n", addr(port), b.nginxTLS(), b.appHost(i), b.nginxCertificate(), port)
	}
	return b.nginx(dir, conf.String())
}

func haproxy(b *bench, dir string, port int, upstreams []string) ([]string, error) {
	var conf strings.Builder
	tls := ""
	if b.row.tls {
		tls = " ssl crt " + filepath.Join(b.dir, bothFile)
	}
	fmt.Fprintf(&conf, "global\n nbthread 1\n no strict-limits\n maxconn 15000\ndefaults\n mode http\n timeout client 60s\n timeout server 60s\n timeout connect 5s\n"+
		"frontend f\n bind %s%s\n option forwardfor\n http-request set-header X-Forwarded-Proto http\n http-request set-header X-Forwarded-Port %d\n"+
		" http-request set-header X-Request-Id %%[uuid]\n use_backend b if { hdr(host),field(1,:) -i %s }\nbackend b\n balance leastconn\n http-reuse always\n",
		addr(port), tls, port, b.row.host())
	for i, up := range upstreams {
		fmt.Fprintf(&conf, " server s%d %s\n", i, up)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	return []string{"haproxy", "-q", "-db", "-f", file}, os.WriteFile(file, []byte(conf.String()), 0o644)
}

func caddy(b *bench, dir string, port int, upstreams []string) ([]string, error) {
	scheme, tls := "http", ""
	if b.row.tls {
		scheme, tls = "https", fmt.Sprintf(" tls %s %s\n", filepath.Join(b.dir, certFile), filepath.Join(b.dir, keyFile))
	}
	conf := fmt.Sprintf("{\n admin off\n auto_https off\n log {\n  output discard\n }\n}\n%s://%s:%d {\n bind 127.0.0.1\n%s reverse_proxy %s {\n"+
		"  lb_policy least_conn\n  transport http {\n   keepalive_idle_conns_per_host 512\n  }\n }\n}\n", scheme, b.row.host(), port, tls, strings.Join(upstreams, " "))
	file := filepath.Join(dir, "Caddyfile")
	return []string{"caddy", "run", "--config", file, "--adapter", "caddyfile"}, os.WriteFile(file, []byte(conf), 0o644)
}

// runOurs is the router as `paasd router` runs it.
func runOurs(ctx context.Context, args []string) error {
	opts := proxy.Options{Dir: args[0], HTTPAddr: args[1]}
	if len(args) > 2 {
		opts.HTTPSAddr, opts.Certs.Dir = args[2], filepath.Join(args[0], "certs")
	}
	s, err := proxy.New(opts)
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

// runController does what paasd does to a router: it reads the request log, or changes the table every so often.
func runController(ctx context.Context, args []string) error {
	target := router.NewEmbedded(args[0])
	if args[1] == "read" {
		return target.Log(ctx, func(router.LogEvent) error { return nil })
	}
	every, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	swap(ctx, target, args[0], every)
	return nil
}

func swap(ctx context.Context, target *router.Embedded, dir string, every time.Duration) {
	t, _, err := router.Load(dir)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for err == nil && len(t.Routes) > 1 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		t.Version++
		t.Routes[len(t.Routes)-1].Backends[0].Release++
		_, err = target.Put(ctx, t)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "swap:", err)
	}
}

// runReverseProxy is what Go's standard library has, with as many kept connections as there are clients.
func runReverseProxy(ctx context.Context, args []string) error {
	var urls []*url.URL
	for _, up := range args[2:] {
		urls = append(urls, &url.URL{Scheme: "http", Host: up})
	}
	var n atomic.Uint64
	rp := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(urls[int(n.Add(1))%len(urls)])
			r.SetXForwarded()
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 512},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // wrk ends its rounds with requests in flight
	}
	srv := &http.Server{Addr: args[0], Handler: rp, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	serve := srv.ListenAndServe
	if dir := args[1]; dir != "" {
		serve = func() error { return srv.ListenAndServeTLS(filepath.Join(dir, certFile), filepath.Join(dir, keyFile)) }
	}
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// freePorts are some that nobody listens on.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		tcp, _ := l.Addr().(*net.TCPAddr)
		ports = append(ports, tcp.Port)
	}
	return ports, nil
}
