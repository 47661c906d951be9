package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/web/client"
)

func TestProgressComesLineByLineAndThenTheResult(t *testing.T) {
	b := start(t)
	b.onScale = func(_ context.Context, progress io.Writer) (paas.Processes, error) {
		fmt.Fprint(progress, "starting web.2\nweb.2 is")
		fmt.Fprint(progress, " up <&>\r\nlast")
		return paas.Processes{Formation: []paas.ProcessStatus{{Type: "web", Quantity: 2}}}, nil
	}
	var said bytes.Buffer
	ps, err := b.local(t).Scale(within(t), "hello", paas.Formation{"web": 2}, &said)
	if err != nil || ps.Formation[0].Quantity != 2 || ps.Instances == nil {
		t.Errorf("%+v, %v", ps, err)
	}
	if said.String() != "starting web.2\nweb.2 is up <&>\nlast\n" {
		t.Errorf("progress %q", said.String())
	}
	header := http.Header{"Accept": {client.MediaNDJSON}}
	_, body := do(t, b.raw(t), "PATCH", "/v1/apps/hello/formation", `{"web":2}`, header)
	want := `{"progress":"starting web.2"}
{"progress":"web.2 is up <&>"}
{"progress":"last"}
{"result":{"formation":[{"type":"web","quantity":2,"size":"","command":""}],"instances":[],"queue":[]}}
`
	if diff := cmp.Diff(want, body); diff != "" {
		t.Error(diff)
	}
}

func TestAnErrorAfterProgressEndsTheStream(t *testing.T) {
	b := start(t)
	b.onScale = func(_ context.Context, progress io.Writer) (paas.Processes, error) {
		fmt.Fprintln(progress, "starting")
		return paas.Processes{}, paas.Errorf(paas.Failed, "web.2 exited with 1").WithHint("paas logs")
	}
	_, err := b.local(t).Scale(within(t), "hello", paas.Formation{"web": 2}, nil)
	e, ok := errors.AsType[*paas.Error](err)
	if !ok || e.Code != paas.Failed || e.Message != "web.2 exited with 1" || e.Hint != "paas logs" {
		t.Errorf("%v", err)
	}
}

func TestASlowReaderNeverHoldsUpAnOperation(t *testing.T) {
	b := start(t)
	finished := make(chan struct{})
	b.onScale = func(_ context.Context, progress io.Writer) (paas.Processes, error) {
		defer close(finished)
		for range 20_000 {
			fmt.Fprintln(progress, strings.Repeat("x", 200))
		}
		return paas.Processes{}, nil
	}
	req, err := http.NewRequestWithContext(within(t), "PATCH", "http://paas/v1/apps/hello/formation", strings.NewReader(`{"web":2}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", client.MediaNDJSON)
	resp, err := b.raw(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	await(t, "an operation whose reader does not read", finished)
	lines, dropped, last := 0, false, ""
	for s := bufio.NewScanner(resp.Body); s.Scan(); lines++ {
		last = s.Text()
		dropped = dropped || strings.Contains(last, "lines are missing here")
	}
	if !dropped || lines > 15_000 || !strings.HasPrefix(last, `{"result"`) {
		t.Errorf("%d lines, marker %v, last %s", lines, dropped, last)
	}
}

func TestAnOperationGoesOnWhenItsClientLeaves(t *testing.T) {
	for _, accept := range []string{"application/json", client.MediaNDJSON} {
		b := start(t)
		begun, goOn, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		b.onScale = func(ctx context.Context, progress io.Writer) (paas.Processes, error) {
			fmt.Fprintln(progress, "begun")
			close(begun)
			<-goOn
			fmt.Fprintln(progress, "nobody reads this")
			result <- ctx.Err()
			return paas.Processes{}, nil
		}
		ctx, leave := context.WithCancel(within(t))
		defer leave()
		req, err := http.NewRequestWithContext(ctx, "PATCH", "http://paas/v1/apps/hello/formation", strings.NewReader(`{"web":2}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", accept)
		raw := b.raw(t)
		left := make(chan error, 1)
		go func() {
			resp, err := raw.Do(req)
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			left <- err
		}()
		await(t, "the operation", begun)
		leave()
		if err := await(t, "the client", left); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		over, cancel := context.WithCancel(within(t))
		cancel()
		if err := b.server.Wait(over); err == nil {
			t.Error("Wait does not see the operation")
		}
		close(goOn)
		if err := await(t, "the end of the operation", result); err != nil {
			t.Errorf("%s: the operation was canceled: %v", accept, err)
		}
		if err := b.server.Wait(within(t)); err != nil {
			t.Error(err)
		}
	}
}

func TestAPushEndsWithItsClient(t *testing.T) {
	b := start(t)
	begun, ended := make(chan struct{}), make(chan struct{})
	b.onPush = func(ctx context.Context, token, updates string, env map[string]string, _ []string, _ io.Writer) error {
		if token != "push1" || updates != "0 1 refs/heads/main\n" || env["GIT_QUARANTINE_PATH"] != "/q" {
			t.Errorf("%q %q %v", token, updates, env)
		}
		close(begun)
		<-ctx.Done()
		close(ended)
		return ctx.Err()
	}
	ctx, leave := context.WithCancel(within(t))
	left := make(chan error, 1)
	c := b.local(t)
	go func() {
		left <- c.PreReceive(ctx, "push1", "0 1 refs/heads/main\n", map[string]string{"GIT_QUARANTINE_PATH": "/q"}, nil, nil)
	}()
	await(t, "the hook", begun)
	leave()
	await(t, "its end", ended)
	if err := await(t, "the client", left); paas.CodeOf(err) != paas.Canceled {
		t.Error(err)
	}
}

func TestLogsFollowUntilTheClientLeaves(t *testing.T) {
	b := start(t)
	ended := make(chan struct{})
	line := paas.LogLine{Source: paas.LogApp, Process: "web.1", Text: "hello <b> & \u2028"}
	b.onLogs = func(ctx context.Context, q paas.LogQuery, fn func(paas.LogLine) error) error {
		defer close(ended)
		if q != (paas.LogQuery{Lines: 5, Source: paas.LogApp, Process: "web", Follow: true}) {
			t.Errorf("query %+v", q)
		}
		if err := fn(line); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}
	enough := errors.New("enough")
	err := b.local(t).Logs(within(t), "hello", paas.LogQuery{Lines: 5, Source: paas.LogApp, Process: "web", Follow: true}, func(l paas.LogLine) error {
		if diff := cmp.Diff(line, l); diff != "" {
			t.Error(diff)
		}
		return enough
	})
	if !errors.Is(err, enough) {
		t.Error(err)
	}
	await(t, "the end of the stream", ended)
}

func TestLogsAsText(t *testing.T) {
	b := start(t)
	line := paas.LogLine{Source: paas.LogApp, Process: "web.1", Text: "hello"}
	b.onLogs = func(_ context.Context, _ paas.LogQuery, fn func(paas.LogLine) error) error { return fn(line) }
	resp, body := do(t, b.raw(t), "GET", "/v1/apps/hello/logs", "", nil)
	if body != line.String()+"\n" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("%s: %q", resp.Header.Get("Content-Type"), body)
	}
}

func TestAStreamThatBreaksIsNotTakenForComplete(t *testing.T) {
	b := start(t)
	torn := errors.New("segment 3 is torn")
	b.onLogs = func(_ context.Context, _ paas.LogQuery, fn func(paas.LogLine) error) error {
		return errors.Join(fn(paas.LogLine{Text: "one"}), torn)
	}
	b.onLog = func(_ context.Context, w io.Writer) error {
		fmt.Fprintln(w, "step 1")
		return torn
	}
	c := b.local(t)
	n := 0
	err := c.Logs(within(t), "hello", paas.LogQuery{}, func(paas.LogLine) error { n++; return nil })
	if n != 1 || paas.CodeOf(err) != paas.Internal {
		t.Errorf("%d lines, %v", n, err)
	}
	var out bytes.Buffer
	if err := c.BuildLog(within(t), "hello", 1, false, &out); paas.CodeOf(err) != paas.Unavailable || out.String() != "step 1\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if !strings.Contains(b.log.String(), torn.Error()) {
		t.Error("the log does not say why")
	}
}

func TestStoppingEndsStreamsAndLetsOperationsFinish(t *testing.T) {
	f := newFake()
	f.onLogs = func(ctx context.Context, _ paas.LogQuery, fn func(paas.LogLine) error) error {
		err := fn(paas.LogLine{Text: "first"})
		<-ctx.Done()
		return err
	}
	begun, goOn := make(chan struct{}), make(chan struct{})
	f.onScale = func(_ context.Context, progress io.Writer) (paas.Processes, error) {
		close(begun)
		<-goOn
		return paas.Processes{Formation: []paas.ProcessStatus{{Type: "web", Quantity: 3}}}, nil
	}
	s := NewServer(f.services(), Options{Grace: patience})
	path := t.TempDir() + "/s"
	l, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	stop := serve(t, func(ctx context.Context) error { return s.ServeUnix(ctx, l) })
	c := connect(t, client.Options{URL: "unix://" + path})
	following, tailed := make(chan struct{}), make(chan error, 1)
	go func() {
		tailed <- c.Logs(within(t), "hello", paas.LogQuery{Follow: true}, func(paas.LogLine) error { close(following); return nil })
	}()
	scaled := make(chan error, 1)
	go func() {
		ps, err := c.Scale(within(t), "hello", paas.Formation{"web": 3}, nil)
		if err == nil && ps.Formation[0].Quantity != 3 {
			err = errors.New("not the result")
		}
		scaled <- err
	}()
	await(t, "the tail", following)
	await(t, "the operation", begun)
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	if err := await(t, "the end of the tail", tailed); err != nil {
		t.Errorf("the tail ended with %v", err)
	}
	close(goOn)
	if err := await(t, "the operation's result", scaled); err != nil {
		t.Error(err)
	}
	await(t, "the server", stopped)
}

func TestAConnectionOutlivesTheDeadlinesOfItsAnswers(t *testing.T) {
	a, conn := net.Pipe()
	defer a.Close()
	b := start(t)
	slow := &deadlines{Conn: conn}
	done := make(chan error, 1)
	go func() { done <- b.server.ServeConn(within(t), slow, "ada", "192.0.2.7") }()
	answers := bufio.NewReader(a)
	for _, accept := range []string{"application/json", client.MediaNDJSON, "application/json"} {
		fmt.Fprintf(a, "DELETE /v1/apps/hello HTTP/1.1\r\nHost: paas\r\nAccept: %s\r\n\r\n", accept)
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	a.Close()
	if err := await(t, "the end of the connection", done); err != nil {
		t.Error(err)
	}
	if slow.set < 3 || slow.cleared < 3 {
		t.Errorf("deadlines set %d times, cleared %d times", slow.set, slow.cleared)
	}
}

// deadlines counts how a connection's write deadline is set.
type deadlines struct {
	net.Conn
	set, cleared int
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		d.cleared++
	} else {
		d.set++
	}
	return d.Conn.SetWriteDeadline(t)
}
