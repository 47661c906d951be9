package conformance

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

// tail is a `paas logs --tail` that somebody watches.
type tail struct {
	proof *proof
	mu    sync.Mutex
	lines []line
}

// line is one as it came.
type line struct {
	text string
	at   time.Time
}

// tail starts one, ended with the proof.
func (a *app) tail(args ...string) *tail {
	a.proof.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := a.proof.Command(ctx, platform.Cmd{Args: append([]string{"paas", "logs", "--tail"}, args...), Dir: a.Dir})
	out, err := cmd.StdoutPipe()
	a.proof.OK(err)
	a.proof.OK(cmd.Start())
	t := &tail{proof: a.proof}
	var reading sync.WaitGroup
	reading.Go(func() { t.read(bufio.NewScanner(out)) })
	a.proof.Cleanup(func() {
		stop()
		reading.Wait()
		_ = cmd.Wait() // killed
	})
	return t
}

// live returns once the tail shows what happens now.
func (t *tail) live(a *app) *tail {
	t.proof.Helper()
	platform.WaitFor(t.proof, platform.Patience, "a tail that is live", func() error {
		a.Get("/?live")
		if !t.has("/?live") {
			return platform.ErrNotYet
		}
		return nil
	})
	return t
}

func (t *tail) has(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.lines, func(l line) bool { return strings.Contains(l.text, text) })
}

func (t *tail) read(lines *bufio.Scanner) {
	for lines.Scan() {
		t.mu.Lock()
		t.lines = append(t.lines, line{lines.Text(), time.Now()})
		t.mu.Unlock()
	}
}

// want waits for a line with the text.
func (t *tail) want(text string) line {
	t.proof.Helper()
	var found line
	platform.WaitFor(t.proof, platform.Patience, "a line with "+text, func() error {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, l := range t.lines {
			if strings.Contains(l.text, text) {
				found = l
				return nil
			}
		}
		return fmt.Errorf("there are %d lines", len(t.lines))
	})
	return found
}

func TestXI2ALineIsThereWithinASecond(t *testing.T) {
	p := prove(t, "XI-2", "a line is in --tail within 1 s")
	a := p.app(platform.Fixture{Procfile: platform.TwoTypes})
	a.Do("paas", "config:set", "PROBE_INTERVAL=300ms")
	a.Push()
	log := a.tail("-n", "0").live(a)
	a.Do("paas", "scale", "worker=1")
	for n := range 10 {
		l := log.want(fmt.Sprintf("worker tick %d", n+1))
		stamp, _, _ := strings.Cut(l.text, " ")
		written, err := time.Parse("2006-01-02T15:04:05.000000-07:00", stamp)
		p.OK(err)
		if late := l.at.Sub(written); late > time.Second {
			p.Errorf("%q came after %s", l.text, late)
		}
	}
}

func TestXI3ATailGoesOn(t *testing.T) {
	p := prove(t, "XI-3", "a tail goes on across deploy and scale")
	a := p.deployed(platform.Fixture{})
	log := a.tail("-n", "0").live(a)
	a.Commit("Again")
	a.Push()
	log.want("v2 is live")
	a.Do("paas", "scale", "web=2")
	log.want("app[web.2]: listening on")
	log.want("app[web.1]: got SIGTERM") // the last words of what went
	a.Get("/?after")
	log.want("/?after")
	log.mu.Lock()
	defer log.mu.Unlock()
	seen := map[string]bool{}
	for _, l := range log.lines {
		if seen[l.text] {
			p.Errorf("%q came twice", l.text)
		}
		seen[l.text] = true
	}
}

func TestXI6ActionsAndRequestsAreInTheStream(t *testing.T) {
	p := prove(t, "XI-6", "platform actions with their user, and router lines, are in the stream")
	a := p.deployed(platform.Fixture{})
	somebody := p.User(p).Enrol(p)
	a.Exec(platform.Cmd{Args: []string{"paas", "config:set", "A=1"}, User: somebody}).Want(0)
	a.Exec(platform.Cmd{Args: []string{"paas", "scale", "web=2"}, User: somebody}).Want(0)
	a.Exec(platform.Cmd{Args: []string{"paas", "rollback"}, User: somebody}).Want(0)
	a.Get("/status?code=418").Want(418) //nolint:errcheck // the line tells
	a.WantLog("paas[", "v1 by admin", "Deploy")
	a.WantLog("paas[", "Set A config vars", "by "+somebody.Name)
	a.WantLog("paas[", "web=2", "by "+somebody.Name)
	a.WantLog("paas[", "Rollback to v1", "by "+somebody.Name)
	a.WantLog("router[", "method=GET", `path="/status?code=418"`, "status=418", "instance=web.", "request_id=")
	if user := a.Releases()[0].User; user != somebody.Name {
		p.Errorf("the release is by %q", user)
	}
}

// writes collects what a command prints while it runs.
type writes struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (w *writes) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.Write(b)
}

func (w *writes) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}
