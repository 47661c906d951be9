package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// cuttable relays connections to the server at url until cut, which breaks them all.
func cuttable(t *testing.T, url string) (relayed string, cut func()) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "relay")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var relays sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	relays.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			relays.Go(func() { relayUntil(ctx, conn, strings.TrimPrefix(url, "unix://")) })
		}
	})
	cut = sync.OnceFunc(func() {
		cancel()
		_ = l.Close()
		relays.Wait()
	})
	t.Cleanup(cut)
	return "unix://" + socket, cut
}

func relayUntil(ctx context.Context, conn net.Conn, socket string) {
	server, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		_ = conn.Close()
		return
	}
	var copies sync.WaitGroup
	copies.Go(func() { _, _ = io.Copy(server, conn) })
	copies.Go(func() { _, _ = io.Copy(conn, server) })
	<-ctx.Done()
	_ = conn.Close()
	_ = server.Close()
	copies.Wait()
}

// stalled is a server that takes what it is told and never answers; told gets a value for each connection.
func stalled(t *testing.T) (url string, told <-chan struct{}) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan struct{}, 1)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepting.Go(func() {
				if n, _ := conn.Read(make([]byte, 1024)); n > 0 {
					got <- struct{}{}
				}
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		accepting.Wait()
	})
	return "unix://" + socket, got
}

func TestCtrlCEndsACommandWith130(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"apps"}, "Error: interrupted\n"},
		{[]string{"config:set", "A=1"}, "Error: interrupted; what the server has begun goes on there\n  try: paas ps\n"},
	} {
		url, told := stalled(t)
		ended := make(chan result, 1)
		go func() { ended <- runWith(t, url, nil, c.args...) }()
		receive(t, "the request", told)
		if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, "the end", ended); got != (result{130, "", c.want}) {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
}

func TestAFullDiskIsSaid(t *testing.T) {
	url := platformURL(t, newPlatform())
	for _, args := range [][]string{{"apps"}, {"apps", "--json"}, {"config", "--shell"}, {"config:get", "GREETING"}, {"logs"}, {"open"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		h := &host{out: full, err: &stderr, env: []string{"PAAS_URL=" + url, "PAAS_APP=hello"}, now: now}
		if code := runOn(t.Context(), h, args); code != 1 || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%s: exit code %d, %q", args, code, stderr.String())
		}
		_ = full.Close()
	}
}
