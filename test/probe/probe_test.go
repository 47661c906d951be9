package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// start runs a probe with that environment and returns its lines of stdout and, once it has ended, its error.
func start(ctx context.Context, t *testing.T, env map[string]string, args ...string) (lines <-chan string, ended <-chan error) {
	t.Helper()
	out := make(lineWriter, 100)
	p := probe{env: func(key string) string { return env[key] }, stdin: strings.NewReader(""), stdout: out, stderr: out}
	done := make(chan error, 1)
	go func() { done <- p.run(ctx, args) }()
	return out, done
}

// lineWriter takes one line a write, as the probe writes.
type lineWriter chan string

func (w lineWriter) Write(b []byte) (int, error) {
	w <- strings.TrimSuffix(string(b), "\n")
	return len(b), nil
}

// after reads lines up to the one with that prefix and returns the rest of it.
func after(t *testing.T, lines <-chan string, prefix string) string {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case line := <-lines:
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				return rest
			}
		case <-timeout:
			t.Fatalf("no line begins with %q", prefix)
		}
	}
}

// local makes an address like [::]:5000 one to dial.
func local(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", port)
}

func TestWebFinishesARequestInFlightWhenToldToStop(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	lines, ended := start(ctx, t, map[string]string{"PORT": "0", "PAAS_INSTANCE": "web.1", "PAAS_RELEASE": "3"}, "web")
	addr := local(t, after(t, lines, "listening on "))

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/stream?for=500ms&every=10ms", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body := bufio.NewReader(response.Body)
	if _, err := body.ReadString('\n'); err != nil { // it is in flight
		t.Fatal(err)
	}
	stop()
	after(t, lines, "got SIGTERM")
	if rest, err := io.ReadAll(body); err != nil || !bytes.Contains(rest, []byte("\n5 ")) {
		t.Errorf("the stream ended with %v after: %s", err, rest)
	}
	if err := <-ended; err != nil {
		t.Errorf("web ended with %v", err)
	}
}

func TestWorkerPutsBackTheJobInHandWhenToldToStop(t *testing.T) {
	counterLines, _ := start(t.Context(), t, map[string]string{"PORT": "0"}, "counter")
	env := map[string]string{"COUNTER_URL": "tcp://" + local(t, after(t, counterLines, "counting on ")), "PROBE_WORK": "1h"}
	client, err := probe{env: func(key string) string { return env[key] }}.dialCounter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.ask("push jobs 17"); err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	lines, ended := start(ctx, t, env, "worker")
	after(t, lines, "took job 17")
	stop()
	if err := <-ended; err != nil {
		t.Fatalf("worker ended with %v", err)
	}
	for line, want := range map[string]string{"pop jobs": "17", "get done-17": "0"} {
		if got, err := client.ask(line); err != nil || got != want {
			t.Errorf("%s answered %q, %v; want %q", line, got, err, want)
		}
	}
}

func TestCounterAnswersEachLine(t *testing.T) {
	c := newCounter()
	for _, step := range []struct{ line, want string }{
		{"get hits", "0"},
		{"incr hits", "1"},
		{"incr hits", "2"},
		{"get hits", "2"},
		{"pop jobs", ""},
		{"push jobs a b", "1"},
		{"push jobs c", "2"},
		{"pop jobs", "a b"},
		{"pop jobs", "c"},
		{"pop jobs", ""},
		{"drop jobs", `error: no verb "drop"`},
	} {
		if got := c.answer(step.line); got != step.want {
			t.Errorf("%s: got %q, want %q", step.line, got, step.want)
		}
	}
}

func TestPrintAlternatesBetweenTheStreams(t *testing.T) {
	var out, errs bytes.Buffer
	if err := (probe{stdout: &out, stderr: &errs}).run(t.Context(), []string{"print", "3", "15"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("line 1 of 3....\nline 3 of 3....\n|line 2 of 3....\n", out.String()+"|"+errs.String()); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentKeepsEveryByteOfAValue(t *testing.T) {
	got := environment([]string{"A=1", "EMPTY=", "URL=a=b c\n\"$x\"", "A=2"})
	if diff := cmp.Diff(map[string]string{"A": "2", "EMPTY": "", "URL": "a=b c\n\"$x\""}, got); diff != "" {
		t.Error(diff)
	}
}

func TestMountPointsAreReadWithTheirEscapes(t *testing.T) {
	got, err := mountPoints(strings.NewReader("overlay / overlay rw 0 0\n/dev/vda /my\\040dir\\134x ext4 rw 0 0\n\nbroken\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/", `/my dir\x`}, got); diff != "" {
		t.Error(diff)
	}
}

func TestExitCodes(t *testing.T) {
	p := probe{stdout: io.Discard, stderr: io.Discard}
	if err := p.run(t.Context(), []string{"exit", "7"}); !errors.Is(err, exitCode(7)) {
		t.Errorf("exit 7 returned %v", err)
	}
	if err := p.run(t.Context(), []string{"exit", "0"}); err != nil {
		t.Errorf("exit 0 returned %v", err)
	}
	if err := p.run(t.Context(), []string{"nonsense"}); err == nil {
		t.Error("an unknown command is no error")
	}
}
