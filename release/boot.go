package release

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"paas"
)

// The pace of probes: quick at first, since most processes listen within milliseconds, then growing to one a second.
const (
	firstProbe = 10 * time.Millisecond
	maxProbe   = time.Second
)

// bootError is why an instance did not come up, made of facts.
type bootError struct {
	Instance  paas.Instance
	Exited    bool
	Waited    time.Duration
	Path      string           // that was probed; "" for none
	LastProbe trouble          // of an instance that did not exit
	Listening []netip.AddrPort // what it listens on instead
	Lines     []string         // the last it logged
}

func (b *bootError) Error() string {
	name := b.Instance.Name
	switch {
	case b.Exited && b.Instance.OOMKilled:
		return name + " was killed at boot: out of memory"
	case b.Exited:
		return fmt.Sprintf("%s exited with status %d at boot", name, b.Instance.ExitCode)
	}
	if b.LastProbe.listens {
		return fmt.Sprintf("%s did not answer GET %s on port %d ($PORT) with 2xx within %s: %s", name, b.Path, b.Instance.Port, b.Waited, b.LastProbe)
	}
	text := fmt.Sprintf("%s did not listen on port %d ($PORT) within %s: %s", name, b.Instance.Port, b.Waited, b.LastProbe)
	if len(b.Listening) > 0 {
		text += "; it listens on " + joinAddrs(b.Listening)
		if onlyLoopback(b.Listening) {
			text += " only: bind to 0.0.0.0:$PORT"
		}
	}
	return text
}

// Report is the error and the last log lines, for the pusher's eyes.
func (b *bootError) Report() string {
	text := b.Error() + "\n"
	if len(b.Lines) > 0 {
		text += fmt.Sprintf("The last of %s's log:\n", b.Instance.Name)
		for _, l := range b.Lines {
			text += "    " + l + "\n"
		}
	}
	return text
}

func joinAddrs(addrs []netip.AddrPort) string {
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

func onlyLoopback(addrs []netip.AddrPort) bool {
	for _, a := range addrs {
		if !a.Addr().IsLoopback() {
			return false
		}
	}
	return true
}

// await returns nil once the instance is healthy by c: its port answers, or, without a port, it has run for a while. An
// exit ends the wait at once. The error is a *bootError unless ctx ended or the engine went away.
func (e *Engine) await(ctx context.Context, i paas.Instance, c paas.Checks) error {
	began := time.Now()
	limit := c.Timeout.Duration()
	if i.Port == 0 {
		limit = c.Grace.Duration() + maxProbe // the exit is all that there is to wait for
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	exited := make(chan error, 1)
	last := i
	go func() {
		var err error
		last, err = e.Runtime.Wait(ctx, i.ID)
		exited <- err
	}()
	probe, err := e.listens(ctx, i, c, exited)
	cancel()
	waitErr := <-exited
	switch {
	case err == nil:
		return nil
	case waitErr == nil: // it exited, now or in the same moment
		return &bootError{Instance: last, Exited: true, Lines: e.lastLines(i)}
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("wait for %s: %w", i.Name, err)
	}
	boot := &bootError{
		Instance: i, Waited: time.Since(began).Round(time.Second), Path: c.Path, LastProbe: probe, Lines: e.lastLines(i),
	}
	if !probe.listens {
		boot.Listening = e.listening(i)
	}
	return boot
}

// awaitAgain is await for an instance that was there before: one without a port that has run for its grace already is up at
// once, as most are when paasd starts.
func (e *Engine) awaitAgain(ctx context.Context, i paas.Instance, c paas.Checks) error {
	if i.Port == 0 && e.Now().Sub(i.StartedAt) >= c.Grace.Duration() {
		return nil
	}
	return e.await(ctx, i, c)
}

var errExited = errors.New("exited")

// listens probes until success (nil), an exit or ctx's end, and returns the last probe's result.
func (e *Engine) listens(ctx context.Context, i paas.Instance, c paas.Checks, exited chan error) (last trouble, err error) {
	pause := firstProbe
	if i.Port == 0 {
		pause = c.Grace.Duration()
	}
	for {
		if i.Port != 0 {
			found := e.probe(ctx, e.target(i, c))
			if found.none() {
				return found, nil
			}
			if last.none() || ctx.Err() == nil { // the one that the deadline cut short says nothing
				last = found
			}
		}
		select {
		case err := <-exited:
			exited <- err
			return last, errOr(err, errExited)
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(pause):
		}
		if i.Port == 0 {
			return last, nil
		}
		pause = min(pause*3/2, maxProbe)
	}
}

// reportTimeout bounds the gathering of facts about a failure.
const reportTimeout = 5 * time.Second

// maxReportLines is how much of a failed instance's log goes into the report.
const maxReportLines = 20

func (e *Engine) lastLines(i paas.Instance) []string {
	ctx, cancel := context.WithTimeout(e.life, reportTimeout)
	defer cancel()
	lines, err := e.Runtime.Tail(ctx, i.ID, maxReportLines)
	if err != nil {
		return []string{"(its log cannot be read: " + err.Error() + ")"}
	}
	return lines
}

func (e *Engine) listening(i paas.Instance) []netip.AddrPort {
	ctx, cancel := context.WithTimeout(e.life, reportTimeout)
	defer cancel()
	addrs, err := e.Runtime.Listening(ctx, i.ID)
	if err != nil {
		e.Log.Warn("listeners cannot be read", "instance", i.Name, "error", err)
	}
	return addrs
}

func asBoot(err error) (*bootError, bool) { return errors.AsType[*bootError](err) }
