package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"paas/web"
)

// clock is the time in all tests.
var clock = time.Date(2026, 11, 23, 6, 36, 1, 0, time.UTC)

func now() time.Time { return clock }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"paas":    paasCommand,
		"fakessh": fakeSSH,
	})
}

// paasCommand is main with the tests' clock and without the machine's own paasd.
func paasCommand() {
	h := &host{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Environ(), now: now, socket: os.Getenv("TEST_DEFAULT_SOCKET")}
	os.Exit(runOn(context.Background(), h, os.Args[1:]))
}

// fakeSSH stands for `ssh -T -p 2222 paas@host api`: it notes how it was called and connects to the test's server.
func fakeSSH() {
	if err := connect(os.Getenv("TEST_SOCKET"), os.Getenv("TEST_SSH_LOG")); err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
		os.Exit(255)
	}
}

func connect(socket, log string) error {
	f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, arg := range os.Args[1:] {
		if _, err := io.WriteString(f, arg+"\n"); err != nil {
			return err
		}
	}
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "unix", socket)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(conn, os.Stdin)
		_ = conn.(*net.UnixConn).CloseWrite()
	}()
	_, err = io.Copy(os.Stdout, conn)
	return err
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			socket, err := filepath.Abs(filepath.Join(env.WorkDir, "s"))
			if err != nil {
				return err
			}
			stop, err := serve(newPlatform(), socket)
			if err != nil {
				return err
			}
			env.Defer(stop)
			if err := writeCertificates(filepath.Join(env.WorkDir, "tls")); err != nil {
				return err
			}
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second longer under -race
			env.Setenv("TEST_SOCKET", socket)
			env.Setenv("TEST_SSH_LOG", filepath.Join(env.WorkDir, "ssh.log"))
			env.Setenv("PAAS_URL", "unix://"+socket)
			env.Setenv("PAAS_SSH", "fakessh")
			env.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(env.WorkDir, "gitconfig"))
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			env.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(env.WorkDir))
			return nil
		},
	})
}

// serve opens the real API over the fake platform on a unix socket until stop.
func serve(p *platform, socket string) (stop func(), err error) {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	server := web.NewServer(web.Services{
		Apps: p, Configs: p, Checks: p, Releases: p, Events: p, Processes: p, Runs: p, Schedules: p, Builds: p, BuildSettings: p, Domains: p, Certs: p, Routing: p, Routes: p,
		Pages: p, Garbage: p, Logs: p, Keys: keyring{p}, Registries: registryRing{p}, Tokens: tokenring{p}, Git: nil,
	}, web.Options{Version: "v1.2.3", Now: now, Grace: time.Second})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.ServeUnix(ctx, l) }()
	return func() {
		cancel()
		<-done
	}, nil
}
