package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"paas"
)

// asProgram makes this test binary stand in for ssh: see TestMain.
const asProgram = "PAAS_TEST_SSH"

func TestMain(m *testing.M) {
	if how := os.Getenv(asProgram); how != "" {
		os.Exit(pretend(how))
	}
	goleak.VerifyTestMain(m)
}

// pretend is what the stand-in for ssh does.
func pretend(how string) int {
	switch how {
	case "denied":
		io.WriteString(os.Stderr, "Warning: noise\r\npaas@h: Permission denied (publickey).\r\n")
	case "changed":
		io.WriteString(os.Stderr, "Host key verification failed.\r\n")
	case "refused":
		io.WriteString(os.Stderr, "ssh: connect to host h port 22: Connection refused\r\n")
	case "stuck":
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
		select {}                            // a program that does not go by itself
	case "answer":
		buf := make([]byte, 4096)
		if _, err := os.Stdin.Read(buf); err == nil {
			io.WriteString(os.Stdout, "HTTP/1.1 200 OK\r\nContent-Length: "+"17"+"\r\n\r\n"+`{"version":"v9"} `)
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
		return 0
	}
	return 255
}

func newClient(t *testing.T, opts Options) *Client {
	t.Helper()
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestWhatSSHSaysIsInTheError(t *testing.T) {
	tests := []struct {
		how        string
		code       paas.Code
		said, hint string
	}{
		{"denied", paas.Unauthorized, "Permission denied (publickey).", "paasd key add"},
		{"changed", paas.Unavailable, "Host key verification failed.", "compare the fingerprint"},
		{"refused", paas.Unavailable, "Connection refused", "try: ssh ssh://paas@h:22"},
		{"mute", paas.Unavailable, "without a word", "try: ssh"},
	}
	for _, tt := range tests {
		t.Run(tt.how, func(t *testing.T) {
			c := newClient(t, Options{URL: "ssh://paas@h:22", SSHCommand: []string{os.Args[0]}, Env: []string{asProgram + "=" + tt.how}})
			calls := map[string]func() error{
				"read":  func() error { _, err := c.Apps(soon(t)); return err },
				"write": func() error { _, err := c.Scale(soon(t), "hello", paas.Formation{"web": 1}, nil); return err },
				"attach": func() error {
					_, err := c.AttachRun(soon(t), "hello", 1, paas.Stdio{})
					return err
				},
			}
			for name, call := range calls {
				err := call()
				e, ok := errors.AsType[*paas.Error](err)
				if !ok || e.Code != tt.code || !strings.Contains(e.Message, tt.said) || !strings.Contains(e.Hint, tt.hint) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestSSHIsGivenItsArgumentsAndEnvironmentAndReused(t *testing.T) {
	c := newClient(t, Options{URL: "ssh://h", SSHCommand: []string{os.Args[0]}, Env: []string{asProgram + "=answer"}})
	if v, err := c.Version(soon(t)); v != "v9" || err != nil {
		t.Fatal(v, err)
	}
	c.programs.mu.Lock()
	defer c.programs.mu.Unlock()
	if len(c.programs.conns) != 1 {
		t.Errorf("%d processes", len(c.programs.conns))
	}
}

func TestCloseEndsEveryProcess(t *testing.T) {
	c, err := New(Options{URL: "ssh://h", SSHCommand: []string{os.Args[0]}, Env: []string{asProgram + "=stuck"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(soon(t))
	done := make(chan error, 1)
	go func() {
		_, err := c.Apps(ctx)
		done <- err
	}()
	var conn *sshConn
	for conn == nil && ctx.Err() == nil {
		c.programs.mu.Lock()
		for conn = range c.programs.conns {
		}
		c.programs.mu.Unlock()
	}
	cancel()
	if err := <-done; paas.CodeOf(err) != paas.Canceled {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-conn.exited:
	default:
		t.Error("the program is still there")
	}
	if _, err := c.Apps(soon(t)); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

func TestASSHProgramThatIsNotThere(t *testing.T) {
	c := newClient(t, Options{URL: "ssh://h", SSHCommand: []string{"/nowhere/ssh"}})
	if _, err := c.Apps(soon(t)); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), "/nowhere/ssh") {
		t.Error(err)
	}
}

func TestTheSSHCommandComesFromTheEnvironmentAsForGit(t *testing.T) {
	tests := []struct {
		env  []string
		want []string
	}{
		{nil, []string{"ssh"}},
		{[]string{"GIT_SSH=/opt/my ssh"}, []string{"/opt/my ssh"}},
		{[]string{"GIT_SSH=/x", "GIT_SSH_COMMAND=ssh -v"}, []string{"ssh", "-v"}},
		{[]string{"GIT_SSH_COMMAND=ssh -v", "PAAS_SSH=ssh -i ~/k", "HOME=/h"}, []string{"ssh", "-i", "/h/k"}},
	}
	for _, tt := range tests {
		got, err := sshCommand(tt.env)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%v: %v %s", tt.env, err, diff)
		}
	}
}

func TestTheSSHDestination(t *testing.T) {
	for from, want := range map[string]string{
		"ssh://h":                "-T paas@h api",
		"ssh://h:2222":           "-T -p 2222 paas@h api",
		"ssh://ada@h.example:22": "-T -p 22 ada@h.example api",
		"ssh://[::1]:2222/":      "-T -p 2222 paas@::1 api",
	} {
		u, err := url.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sshDestination(u)
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%s: %q, %v", from, got, err)
		}
	}
}

func TestBadAddressesAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "host", "ftp://h", "ssh://", "ssh://-oProxyCommand=id", "ssh://-l@h", "ssh://a:b@h", "ssh://h/app", "ssh://h%20x", "unix://", "unix://x/y",
		"http://", "https://a:b@h", "http://h?x", "ssh://h;id",
	} {
		c, err := New(Options{URL: s, Env: []string{}})
		if paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%q: %+v, %v", s, c, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, where := range []string{gone.URL, "unix://" + filepath.Join(t.TempDir(), "none.sock")} {
		_, err := newClient(t, Options{URL: where}).Apps(soon(t))
		if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), where) {
			t.Error(err)
		}
	}
}

func TestAnswersThatAreNotPaasds(t *testing.T) {
	answers := map[string]struct {
		handler http.HandlerFunc
		code    paas.Code
	}{
		"a proxy's 502": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<h1>bad", http.StatusBadGateway) }, paas.Unavailable},
		"a wall":        {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, paas.Unauthorized},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://evil.example/", http.StatusFound)
		}, paas.Internal},
		"a page": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, paas.Unavailable},
	}
	for name, a := range answers {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(a.handler)
			defer srv.Close()
			c := newClient(t, Options{URL: srv.URL, Token: "paas_x"})
			if _, err := c.Apps(soon(t)); paas.CodeOf(err) != a.code {
				t.Errorf("read: %v (%s)", err, paas.CodeOf(err))
			}
			if _, err := c.Rollback(soon(t), "hello", 0, nil); paas.CodeOf(err) != a.code {
				t.Errorf("write: %v (%s)", err, paas.CodeOf(err))
			}
		})
	}
}

func TestAConnectionThatBreaksInTheMiddleOfAnOperation(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", MediaNDJSON)
		io.WriteString(w, `{"progress":"starting"}`+"\n")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	var said strings.Builder
	_, err := newClient(t, Options{URL: srv.URL}).Rollback(soon(t), "hello", 0, &said)
	if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), "goes on there") || said.String() != "starting\n" {
		t.Errorf("%q, %v", said.String(), err)
	}
}

func TestEachCodeHasOneStatus(t *testing.T) {
	seen := map[int]paas.Code{}
	for code, status := range statuses() {
		if other, twice := seen[status]; twice {
			t.Errorf("%s and %s are both %d", code, other, status)
		}
		seen[status] = code
		if Status(code) != status {
			t.Errorf("%s: %d", code, Status(code))
		}
	}
	if Status("new") != 500 {
		t.Error("what is not in the table")
	}
}

func TestWhatAStrangerAnswersSaysNothingOfApps(t *testing.T) {
	for status, want := range map[int]paas.Code{
		401: paas.Unauthorized, 403: paas.Unauthorized, 404: paas.Unavailable, 409: paas.Invalid, 418: paas.Invalid, 429: paas.RateLimited,
		500: paas.Internal, 502: paas.Unavailable, 503: paas.Unavailable, 504: paas.Unavailable, 599: paas.Internal, 302: paas.Internal,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		_, err := newClient(t, Options{URL: srv.URL}).App(soon(t), "hello")
		if paas.CodeOf(err) != want || !strings.Contains(err.Error(), "not as paasd does") {
			t.Errorf("%d: %s, %v", status, paas.CodeOf(err), err)
		}
		srv.Close()
	}
}
