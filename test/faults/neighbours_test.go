package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
	"paas/test/report"
)

func TestZ5ADeployTouchesNoOtherApp(t *testing.T) {
	suite.Both(t, "Z-5", "app A is deployed, scaled and restarted while B holds websockets and streams: B's stay open", true, func(p *report.Proof) {
		a, b := p.Deployed(platform.Fixture{}), p.Deployed(platform.Fixture{})
		b.Do("paas", "scale", "web=2")
		before := b.Slots()
		load := b.Load("/", steady)
		held := hold(p, b, 4)
		for range 2 {
			a.Commit("Again")
			a.Push()
		}
		a.Do("paas", "config:set", "A=1")
		a.Do("paas", "scale", "web=3")
		a.Do("paas", "restart")
		a.Do("paas", "rollback")
		worst := held.release()
		clean(p, load)
		p.Figure("%d websockets and %d streams, longest echo %d ms", held.each, held.each, worst.Milliseconds())
		if diff := cmp.Diff(before, b.Slots()); diff != "" {
			p.Errorf("B was touched: %s", diff)
		}
	})
}

// connections are held open to an app.
type connections struct {
	proof *report.Proof
	each  int // of both kinds
	stop  context.CancelFunc
	done  sync.WaitGroup
	worst atomic.Int64 // of the echoes, in nanoseconds
}

// hold opens websockets and streams, and uses them until release.
func hold(p *report.Proof, a *platform.App, each int) *connections {
	p.Helper()
	ctx, stop := context.WithCancel(p.Context())
	c := &connections{proof: p, each: each, stop: stop}
	for range each {
		conn, _, err := websocket.Dial(ctx, strings.Replace(a.URL("/ws"), "http", "ws", 1), &websocket.DialOptions{HTTPClient: p.Client()})
		p.OK(err)
		c.done.Go(func() {
			defer func() { _ = conn.CloseNow() }()
			if err := c.echo(ctx, conn); ctx.Err() == nil {
				p.Errorf("a websocket ended: %v", err)
			}
		})
		first := make(chan struct{})
		c.done.Go(func() {
			s := platform.Follow(ctx, p.Client().Transport, a.URL("/stream?for=10m&every=100ms"), func(n int) {
				if n == 1 {
					close(first)
				}
			})
			if ctx.Err() == nil {
				p.Errorf("a stream ended after %d lines: %v", s.Lines, s.Err)
			}
		})
		<-first
	}
	return c
}

// echo sends a message every 100 ms and wants it back.
func (c *connections) echo(ctx context.Context, conn *websocket.Conn) error {
	for n := 1; ; n++ {
		text, sent := fmt.Sprintf("message %d", n), time.Now()
		if err := conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			return err
		}
		_, back, err := conn.Read(ctx)
		if err != nil || string(back) != text {
			return fmt.Errorf("%q came back as %q: %w", text, back, err)
		}
		for took, was := int64(time.Since(sent)), c.worst.Load(); took > was && !c.worst.CompareAndSwap(was, took); was = c.worst.Load() {
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// release lets go of all, which were to last until now, and returns the longest echo.
func (c *connections) release() time.Duration {
	c.stop()
	c.done.Wait()
	return time.Duration(c.worst.Load())
}

func TestZ6AppsDoNotWaitForEachOther(t *testing.T) {
	p := suite.Prove(t, "Z-6", "two apps, one with a build that goes on and on: the other is pushed and changed meanwhile")
	slow, quick := p.Deployed(platform.Fixture{}), p.Deployed(platform.Fixture{})
	load := quick.Load("/", steady)
	push := building(p, slow)
	began := time.Now()
	quick.Commit("Quick")
	quick.Push()
	p.Figure("push beside it: %.1f s", time.Since(began).Seconds())
	quick.Do("paas", "config:set", "A=1")
	slow.Do("paas", "config:set", "A=1") // a build is no deploy yet
	if state := slow.Builds()[0].Status; state != "building" {
		p.Errorf("the slow build is %s by now", state)
	}
	slow.Do("paas", "builds:cancel")
	<-push
	clean(p, load)
	quick.Get("/").Must(p, 200, "web.1 v3")
	slow.Get("/").Must(p, 200, "web.1 v2")
}

// buildMark is an argument of the build of building, which no other test has.
func buildMark(p *report.Proof, a *platform.App) string { return p.Installation() + "-" + a.Name }

// building pushes what builds until it is stopped, and returns once it does; the channel is closed when the push has
// ended.
func building(p *report.Proof, a *platform.App) (ended <-chan struct{}) {
	p.Helper()
	a.Write("Dockerfile", "FROM scratch\nCOPY probe /probe\nRUN [\"/probe\", \"worker\", \""+buildMark(p, a)+"\"]\n")
	a.Commit("Builds for ever")
	push := p.Command(p.Context(), platform.Cmd{Dir: a.Dir, Args: []string{"git", "push", "paas", "main"}})
	push.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // git and its ssh
	p.OK(push.Start())
	done := make(chan struct{})
	go func() {
		_ = push.Wait() // as the test will have it
		close(done)
	}()
	p.Cleanup(func() {
		_ = syscall.Kill(-push.Process.Pid, syscall.SIGKILL) // gone, mostly
		<-done
	})
	platform.WaitFor(p, platform.Patience, "the build to run", func() error {
		var list []platform.BuildRecord
		if err := a.Peek("builds", &list); err != nil {
			return err
		}
		if list[0].Status != "building" || len(processes(buildMark(p, a))) == 0 {
			return errors.New(list[0].Status + " " + list[0].Error)
		}
		return nil
	})
	return done
}
