package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// row is one setting in which contenders are compared.
type row struct {
	name   string
	path   string
	conns  int
	ups    int
	apps   int
	swap   time.Duration
	leaves []string // out: what they cannot do, or what says nothing about them
	tls    bool     // between client and contender
	single bool     // each request on a connection of its own
}

// host is what requests are for. With TLS it has to be a name that wrk can look up.
func (r row) host() string {
	if r.tls {
		return "localhost"
	}
	return "app0.bench.localhost"
}

func (r row) url(port int) string {
	if r.tls {
		return fmt.Sprintf("https://localhost:%d/", port)
	}
	return "http://" + addr(port) + "/"
}

var (
	others  = []string{"HAProxy", "Caddy", "httputil.ReverseProxy"}
	traefik = []string{"Traefik", "Traefik, fastProxy"}
)

func rows() []row {
	return []row{
		{name: "1 KB, 1 connection", path: "1k", conns: 1, ups: 1, apps: 1},
		{name: "1 KB, 32 connections", path: "1k", conns: 32, ups: 1, apps: 1},
		{name: "1 KB, 256 connections", path: "1k", conns: 256, ups: 1, apps: 1},
		{name: "100 KB, 1 connection", path: "100k", conns: 1, ups: 1, apps: 1},
		{name: "100 KB, 32 connections", path: "100k", conns: 32, ups: 1, apps: 1},
		{name: "100 KB, 256 connections", path: "100k", conns: 256, ups: 1, apps: 1},
		{name: "1 KB, 32 connections, ten backends", path: "1k", conns: 32, ups: 10, apps: 1},
		{name: "1 KB, 32 connections, 1,000 apps in the table", path: "1k", conns: 32, ups: 1, apps: 1000, leaves: others},
		{
			name: "1 KB, 32 connections, a new table of 1,000 apps every 100 ms", path: "1k", conns: 32, ups: 1, apps: 1000,
			swap: 100 * time.Millisecond, leaves: slices.Concat([]string{"nginx"}, others, traefik),
		},
		{name: "1 KB, 32 connections, TLS", path: "1k", conns: 32, ups: 1, apps: 1, tls: true},
		{name: "100 KB, 32 connections, TLS", path: "100k", conns: 32, ups: 1, apps: 1, tls: true},
		{name: "1 KB, 32 clients, TLS, each request on a connection of its own", path: "1k", conns: 32, ups: 1, apps: 1, tls: true, single: true},
	}
}

func (b *bench) run(ctx context.Context) (string, error) {
	doc, err := b.heading(ctx)
	if err != nil {
		return "", err
	}
	ports, err := freePorts(10)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.dir, "upstream")
	args, err := b.nginxIn(dir, b.static(ports))
	if err != nil {
		return "", err
	}
	up, err := b.start(ctx, rest, dir, args, ports[0])
	if err != nil {
		return "", err
	}
	defer up.stop()
	var upstreams []string
	for _, p := range ports {
		upstreams = append(upstreams, addr(p))
	}
	for _, r := range rows() {
		if !strings.Contains(r.name, b.only) {
			continue
		}
		fmt.Fprintln(os.Stderr, "benchrouter:", r.name)
		table, err := b.compare(ctx, r, upstreams[:r.ups])
		if err != nil {
			return "", fmt.Errorf("%s: %w", r.name, err)
		}
		doc += "\n## " + r.name + "\n\n" + table
	}
	if !strings.Contains(memoryRow, b.only) {
		return doc, nil
	}
	memory, err := b.memory(ctx, upstreams[:1])
	return doc + memory, err
}

func (b *bench) nginxIn(dir, conf string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return b.nginx(dir, conf)
}

// startAll starts the contenders of a row.
func (b *bench) startAll(ctx context.Context, r row, upstreams []string) (names []string, all []*process, err error) {
	b.row = r
	for i, c := range contenders() {
		if slices.Contains(r.leaves, c.name) || b.traefik == "" && slices.Contains(traefik, c.name) {
			continue
		}
		ports, err := freePorts(1)
		if err != nil {
			return names, all, err
		}
		dir := filepath.Join(b.dir, fmt.Sprintf("%d-%d", ports[0], i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return names, all, err
		}
		args, err := c.command(b, dir, ports[0], upstreams)
		if err != nil {
			return names, all, err
		}
		p, err := b.start(ctx, front, dir, args, ports[0])
		if err != nil {
			return names, all, err
		}
		names, all = append(names, c.name), append(all, p)
		if p.with, err = b.controllers(ctx, c, r, dir); err != nil {
			return names, all, err
		}
	}
	return names, all, nil
}

// controllers are what paasd would be to a contender that is the router.
func (b *bench) controllers(ctx context.Context, c contender, r row, dir string) (with []*process, err error) {
	var tasks []string
	if c.read {
		tasks = append(tasks, "read")
	}
	if r.swap > 0 && strings.HasPrefix(c.name, "paas") {
		tasks = append(tasks, r.swap.String())
	}
	for _, task := range tasks {
		p, err := b.spawn(ctx, rest, dir, []string{b.self, "controller", dir, task})
		if err != nil {
			return with, err
		}
		with = append(with, p)
	}
	return with, nil
}

func (b *bench) compare(ctx context.Context, r row, upstreams []string) (string, error) {
	names, all, err := b.startAll(ctx, r, upstreams)
	defer func() {
		for _, p := range all {
			p.stop()
		}
	}()
	if err != nil {
		return "", err
	}
	rates, p99s, cpus := make([][]float64, len(all)), make([][]time.Duration, len(all)), make([][]time.Duration, len(all))
	for round := range b.rounds + 1 {
		alone := 0.0
		for i, p := range all {
			s, err := b.load(ctx, p, r.path, r.conns)
			if err != nil {
				return "", fmt.Errorf("%s: %w", names[i], err)
			}
			if i == 0 {
				alone = s.rate
			}
			if round == 0 {
				continue // connections are made, buffers grow
			}
			rates[i] = append(rates[i], s.rate/alone)
			p99s[i], cpus[i] = append(p99s[i], s.p99), append(cpus[i], s.cpu)
		}
	}
	text := "| | requests/s, of the upstream alone | of nginx | processor time a request, of nginx | p99, of the upstream alone |\n|---|---|---|---|---|\n"
	nginx := slices.Index(names, "nginx")
	for i, name := range names {
		ofNginx, cpu := "", ""
		if nginx >= 0 {
			ofNginx = fmt.Sprintf("%.2f", paired(rates[i], rates[nginx]))
			cpu = fmt.Sprintf("%.2f", paired(cpus[i], cpus[nginx]))
		}
		text += fmt.Sprintf("| %s | %.2f | %s | %s | %.1f |\n", name, median(slices.Clone(rates[i])), ofNginx, cpu, paired(p99s[i], p99s[0]))
	}
	return text, nil
}

// paired is the median of the rounds' own ratios.
func paired[T float64 | time.Duration](of, to []T) float64 {
	ratios := make([]float64, len(of))
	for i := range of {
		ratios[i] = float64(of[i]) / float64(to[i])
	}
	return median(ratios)
}

const memoryRow = "Memory with %d idle connections"

// memory measures each contender with connections that had one request and wait for the next.
func (b *bench) memory(ctx context.Context, upstreams []string) (string, error) {
	text := fmt.Sprintf("\n## "+memoryRow+"\n\n| | RSS before | with them | a connection |\n|---|---|---|---|\n", b.idle)
	names, all, err := b.startAll(ctx, row{apps: 1}, upstreams)
	defer func() {
		for _, p := range all {
			p.stop()
		}
	}()
	if err != nil {
		return "", err
	}
	for i, p := range all {
		if _, err := b.load(ctx, p, "1k", 32); err != nil { // warm
			return "", fmt.Errorf("%s: %w", names[i], err)
		}
		before := p.rss()
		conns, err := open(p.port, b.idle)
		if err == nil {
			<-time.After(5 * time.Second) // for what is given back late
			after := p.rss()
			text += fmt.Sprintf("| %s | %d MB | %d MB | %.1f KB |\n", names[i], before>>10, after>>10, float64(after-before)/float64(b.idle))
		}
		for _, c := range conns {
			_ = c.Close() // was only read from
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", names[i], err)
		}
	}
	return text, nil
}

// open makes connections, each from an address of loopback that has ports left, with one request on each.
func open(port, n int) (conns []net.Conn, err error) {
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i/5000))}, Timeout: 5 * time.Second}
		c, err := d.Dial("tcp", addr(port))
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
		if _, err = fmt.Fprintf(c, "GET /1k HTTP/1.1\r\nHost: %s\r\n\r\n", row{}.host()); err != nil {
			return conns, err
		}
		if err = answered(c); err != nil {
			return conns, err
		}
	}
	return conns, nil
}

func answered(c net.Conn) error {
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 2048), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err = io.Copy(io.Discard, resp.Body); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("got %s", resp.Status)
	}
	return err
}

func (b *bench) heading(ctx context.Context) (string, error) {
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "", err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "", err
	}
	versions := []string{runtime.Version()}
	programs := [][]string{{"nginx", "-v"}, {"haproxy", "-v"}, {"caddy", "version"}, {"wrk", "-v"}}
	if b.traefik != "" {
		programs = append(programs, []string{b.traefik, "version"})
	}
	for _, args := range programs {
		out, _ := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput() // wrk -v exits with 1
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if name := filepath.Base(args[0]); !strings.Contains(strings.ToLower(line), name) {
			line = name + " " + line
		}
		versions = append(versions, line)
	}
	return fmt.Sprintf(heading, time.Now().Format(time.DateOnly), runtime.NumCPU(), strings.TrimSpace(string(kernel)), strings.Join(versions, "; "),
		b.rounds, b.length, strings.Fields(string(load))[0]), nil
}

const heading = "# Benchmarks of the router\n\n" +
	"Written by `make bench-router` (test/benchrouter): the router beside other proxies on one machine, over loopback, without TLS but where it says so. " +
	"Every contender runs alone on the first processor; the load (`wrk -t1`) and the upstream (nginx, static files) share the " +
	"others. In \"upstream alone\" a second one of the same kind stands in the contender's place. Each is told to send the same " +
	"kind of headers (X-Forwarded-*, X-Request-Id) and to log nothing, but for \"request log read\", where a reader takes the router's " +
	"line of each request, as paasd does. Rounds are interleaved; ratios are of the same round, and the median of all. " +
	"Processor time is that of the contender's processes.\n\n" +
	"%s, %d processors, Linux %s; %s. %d rounds of %s each. Load average before: %s. Where that is not near zero, the machine was " +
	"busy with other work: requests/s and p99 then tell how the scheduler shared the processor, of which a process with several " +
	"threads gets more, and only the processor time is to go by.\n"
