package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench is a run of it all.
type bench struct {
	settings
	self string
	dir  string

	row row // in hand
}

func newBench(s settings) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "benchrouter")
	if err != nil {
		return nil, err
	}
	for name, size := range map[string]int{"1k": 1 << 10, "100k": 100 << 10} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("x", size)), 0o644); err != nil {
			return nil, err
		}
	}
	return &bench{settings: s, self: self, dir: dir}, errors.Join(writeCertificate(dir), os.Chmod(dir, 0o755), moreFiles(uint64(s.idle+2000)))
}

func (b *bench) close() {
	if err := os.RemoveAll(b.dir); err != nil {
		fmt.Fprintln(os.Stderr, "benchrouter:", err)
	}
}

// moreFiles raises the limit of open files, which children inherit.
func moreFiles(n uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Cur >= n {
		return nil
	}
	l.Cur, l.Max = n, max(n, l.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("allow %d open files: %w", n, err)
	}
	return nil
}

// process is one that was started, with its children.
type process struct {
	cmd  *exec.Cmd
	port int
	with []*process // end with it
}

// The contender has the first processor to itself; everything else shares the others.
const (
	front = "0"
	rest  = "1-1023"
)

func (b *bench) start(ctx context.Context, cpus, dir string, args []string, port int) (*process, error) {
	p, err := b.spawn(ctx, cpus, dir, args)
	if err != nil {
		return nil, err
	}
	p.port = port
	for range 500 {
		if c, err := net.Dial("tcp", addr(port)); err == nil {
			return p, c.Close()
		}
		<-time.After(10 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "stderr")) // empty where there is none
	p.stop()
	return nil, fmt.Errorf("%s does not listen: %s", args[0], log)
}

// spawn starts a process whose errors go into a file in dir.
func (b *bench) spawn(ctx context.Context, cpus, dir string, args []string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, "stderr"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", cpus}, args...)...)
	cmd.Dir, cmd.Stderr = dir, log
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd}, nil
}

func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	_ = p.cmd.Wait() // killed
	for _, other := range p.with {
		other.stop()
	}
}

// pids are the process and its children.
func (p *process) pids() []string {
	pid := strconv.Itoa(p.cmd.Process.Pid)
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return []string{pid}
	}
	return append(strings.Fields(string(children)), pid)
}

// cpu is the processor time that they have used.
func (p *process) cpu() (total time.Duration) {
	const tick = 10 * time.Millisecond
	for _, pid := range p.pids() {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		for _, f := range strings.Fields(after)[11:13] {
			n, _ := strconv.Atoi(f)
			total += time.Duration(n) * tick
		}
	}
	return total
}

// rss is their memory in KB.
func (p *process) rss() (total int) {
	for _, pid := range p.pids() {
		f, err := os.Open("/proc/" + pid + "/status")
		if err != nil {
			continue
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if n, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
				kb, _ := strconv.Atoi(strings.Fields(n)[0])
				total += kb
			}
		}
	}
	return total
}

// nginx runs one worker with what conf says of http.
func (b *bench) nginx(dir, conf string) ([]string, error) {
	text := "worker_processes 1; daemon off; user root; pid " + dir + "/pid; error_log stderr crit;\n" +
		"events { worker_connections 40000; }\nhttp { access_log off; keepalive_timeout 600s; keepalive_requests 1000000000; sendfile on;\n"
	for _, temp := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += temp + "_temp_path " + dir + "/" + temp + ";\n"
	}
	file := filepath.Join(dir, "nginx.conf")
	return []string{"nginx", "-e", "stderr", "-c", file}, os.WriteFile(file, []byte(text+conf+"}\n"), 0o644)
}

// static serves the bodies.
func (b *bench) static(ports []int) string {
	conf := "open_file_cache max=10; server { root " + b.dir + ";\n"
	for _, p := range ports {
		conf += fmt.Sprintf("listen %s%s;\n", addr(p), b.nginxTLS())
	}
	return conf + b.nginxCertificate() + "}\n"
}

func (b *bench) nginxTLS() string {
	if b.row.tls {
		return " ssl"
	}
	return ""
}

func (b *bench) nginxCertificate() string {
	if b.row.tls {
		return fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s;\n", filepath.Join(b.dir, certFile), filepath.Join(b.dir, keyFile))
	}
	return ""
}

func writeJSON(file string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// sample is a round's outcome.
type sample struct {
	rate float64       // requests/s
	cpu  time.Duration // of the contender, per request
	p99  time.Duration
}

// load runs wrk for a round.
func (b *bench) load(ctx context.Context, p *process, path string, conns int) (s sample, err error) {
	args := []string{"-c", rest, "wrk", "-t1", "-c", strconv.Itoa(conns), "-d", fmt.Sprint(int(b.length.Seconds())) + "s", "--latency", "-H", "Host: " + b.row.host()}
	if b.row.single {
		args = append(args, "-H", "Connection: close")
	}
	before := p.cpu()
	out, err := exec.CommandContext(ctx, "taskset", append(args, b.row.url(p.port)+path)...).Output()
	if err != nil {
		return s, fmt.Errorf("wrk: %w", err)
	}
	requests := 0.0
	for _, line := range strings.Split(string(out), "\n") {
		f := strings.Fields(line)
		switch {
		case strings.Contains(line, "Non-2xx"), strings.Contains(line, "Socket errors"):
			return s, fmt.Errorf("wrk: %s", strings.TrimSpace(line))
		case len(f) > 1 && f[0] == "Requests/sec:":
			s.rate, err = strconv.ParseFloat(f[1], 64)
		case len(f) > 1 && f[0] == "99%":
			s.p99, err = time.ParseDuration(f[1])
		case strings.Contains(line, " requests in "):
			requests, err = strconv.ParseFloat(f[0], 64)
		}
		if err != nil {
			return s, fmt.Errorf("wrk said %q: %w", line, err)
		}
	}
	if requests == 0 {
		return s, errors.New("wrk: no request was answered")
	}
	s.cpu = time.Duration(float64(p.cpu()-before) / requests)
	return s, nil
}

func median[T float64 | time.Duration](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}
