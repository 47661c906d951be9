package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"paas"
	"paas/web/client"
)

// cat is a process that copies its input to its output.
func cat(_ context.Context, stdio paas.Stdio) (int, error) {
	_, err := io.Copy(stdio.Stdout, stdio.Stdin)
	return 0, err
}

func TestAnAttachedRunHasBothStreamsAndTheExitCode(t *testing.T) {
	b := start(t)
	b.onAttach = func(ctx context.Context, stdio paas.Stdio) (int, error) {
		in, err := io.ReadAll(stdio.Stdin)
		fmt.Fprintf(stdio.Stdout, "%s got %s", paas.UserOf(ctx), in)
		fmt.Fprint(stdio.Stderr, "warning")
		return 7, err
	}
	var out, errs bytes.Buffer
	code, err := b.local(t).AttachRun(within(t), "hello", 17, paas.Stdio{Stdin: strings.NewReader("a\x00\xffb"), Stdout: &out, Stderr: &errs})
	if code != 7 || err != nil || out.String() != "root got a\x00\xffb" || errs.String() != "warning" {
		t.Errorf("exit %d, %v, %q, %q", code, err, out.String(), errs.String())
	}
}

func TestARunWithoutStdinHasAnEmptyOne(t *testing.T) {
	b := start(t)
	b.onAttach = cat
	if code, err := b.local(t).AttachRun(within(t), "hello", 17, paas.Stdio{}); code != 0 || err != nil {
		t.Error(code, err)
	}
}

func TestARunThatCannotStartSaysWhy(t *testing.T) {
	b := start(t)
	b.onAttach = func(context.Context, paas.Stdio) (int, error) {
		return 0, paas.Errorf(paas.Conflict, "run.17 has ended").WithHint("paas run")
	}
	_, err := b.local(t).AttachRun(within(t), "hello", 17, paas.Stdio{})
	if e, ok := errors.AsType[*paas.Error](err); !ok || e.Code != paas.Conflict || e.Hint != "paas run" {
		t.Error(err)
	}
}

func TestResizesAndSignalsArrive(t *testing.T) {
	b := start(t)
	got := make(chan string, 8)
	b.onAttach = func(ctx context.Context, stdio paas.Stdio) (int, error) {
		for range 2 {
			select {
			case size := <-stdio.Resize:
				got <- fmt.Sprintf("%dx%d", size.Cols, size.Rows)
			case name := <-stdio.Signals:
				got <- name
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		return 130, nil
	}
	resize, signals := make(chan paas.TerminalSize), make(chan string)
	done := make(chan int, 1)
	c := b.local(t)
	go func() {
		code, err := c.AttachRun(within(t), "hello", 17, paas.Stdio{Resize: resize, Signals: signals})
		if err != nil {
			t.Error(err)
		}
		done <- code
	}()
	resize <- paas.TerminalSize{Cols: 132, Rows: 43}
	if s := await(t, "the size", got); s != "132x43" {
		t.Error(s)
	}
	signals <- "INT"
	if s := await(t, "the signal", got); s != "INT" {
		t.Error(s)
	}
	if code := await(t, "the exit", done); code != 130 {
		t.Error(code)
	}
}

// zeros is n bytes of input.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { return len(p), nil }

func TestLargeInputComesBackUnchanged(t *testing.T) {
	b := start(t)
	b.onAttach = cat
	const size = 24<<20 + 8
	sent, back := sha256.New(), sha256.New()
	n := &count{w: back}
	in := io.TeeReader(io.LimitReader(&pattern{}, size), sent)
	code, err := b.local(t).AttachRun(within(t), "hello", 17, paas.Stdio{Stdin: in, Stdout: n})
	if code != 0 || err != nil || n.n != size || !bytes.Equal(sent.Sum(nil), back.Sum(nil)) {
		t.Errorf("exit %d, %v: %d of %d bytes", code, err, n.n, size)
	}
}

// pattern is input in which nothing can get lost or swapped unnoticed.
type pattern struct{ at uint64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := 0; i+8 <= len(b); i += 8 {
		binary.BigEndian.PutUint64(b[i:], p.at)
		p.at++
	}
	return len(b) / 8 * 8, nil
}

type count struct {
	w io.Writer
	n int64
}

func (c *count) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.w.Write(p)
}

func TestAProcessThatDoesNotReadHoldsUpNeitherSignalsNorHangUp(t *testing.T) {
	b := start(t)
	signaled, ended := make(chan string, 1), make(chan error, 1)
	b.onAttach = func(ctx context.Context, stdio paas.Stdio) (int, error) {
		select {
		case name := <-stdio.Signals:
			signaled <- name
		case <-ctx.Done():
		}
		<-ctx.Done()
		ended <- ctx.Err()
		return 0, ctx.Err()
	}
	ctx, hangUp := context.WithCancel(within(t))
	signals := make(chan string, 1)
	full := make(chan struct{})
	in := &notice{r: zeros(1 << 40), after: client.AttachWindow, reached: full}
	done := make(chan error, 1)
	c := b.local(t)
	go func() {
		_, err := c.AttachRun(ctx, "hello", 17, paas.Stdio{Stdin: in, Signals: signals})
		done <- err
	}()
	await(t, "a full window", full)
	signals <- "TERM"
	if name := await(t, "the signal", signaled); name != "TERM" {
		t.Error(name)
	}
	hangUp()
	await(t, "the end of the run", ended)
	if err := await(t, "the client", done); paas.CodeOf(err) != paas.Canceled {
		t.Error(err)
	}
}

// notice closes reached when so many bytes have been read.
type notice struct {
	r       io.Reader
	after   int
	reached chan struct{}
}

func (n *notice) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	if n.after > 0 && n.after-k <= 0 {
		close(n.reached)
	}
	n.after -= k
	return k, err
}

func TestARunEndsWhenItsOutputCannotBeWritten(t *testing.T) {
	b := start(t)
	b.onAttach = func(ctx context.Context, stdio paas.Stdio) (int, error) {
		fmt.Fprint(stdio.Stdout, "x")
		<-ctx.Done()
		return 0, ctx.Err()
	}
	r, w := io.Pipe()
	r.Close()
	if _, err := b.local(t).AttachRun(within(t), "hello", 17, paas.Stdio{Stdout: w}); paas.CodeOf(err) != paas.Canceled {
		t.Error(err)
	}
	if err := b.server.Wait(within(t)); err != nil {
		t.Errorf("the run goes on: %v", err)
	}
}

func TestAPanicInAnAttachedRunLeavesNothingBehind(t *testing.T) {
	b := start(t)
	b.onAttach = func(context.Context, paas.Stdio) (int, error) { panic("out of order") }
	if _, err := b.local(t).AttachRun(within(t), "hello", 17, paas.Stdio{}); err == nil {
		t.Error("no error")
	}
	if err := b.server.Wait(within(t)); err != nil {
		t.Error(err)
	}
}

func TestAttachingRefusesWhatIsNoAttachment(t *testing.T) {
	b := start(t)
	b.onAttach = func(ctx context.Context, _ paas.Stdio) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	raw := b.raw(t)
	if resp, body := do(t, raw, "GET", "/v1/apps/hello/runs/17/attach", "", nil); resp.StatusCode != 400 {
		t.Errorf("no websocket: %s %s", resp.Status, body)
	}
	opts := &websocket.DialOptions{HTTPClient: raw, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}}
	if _, resp, err := websocket.Dial(within(t), "http://paas/v1/apps/hello/runs/17/attach", opts); err == nil || resp.StatusCode != 403 {
		t.Errorf("another site's page: %v", err)
	}
	overrun := append([]byte{byte(client.ChannelStdin)}, make([]byte, client.AttachChunk)...)
	for name, messages := range map[string][][]byte{
		"unknown channel": {{99}},
		"no channel":      {{}},
		"bad size":        {append([]byte{byte(client.ChannelResize)}, "wide"...)},
		"from the server": {{byte(client.ChannelStdout), 'x'}},
		"too long":        {make([]byte, 1<<20)},
		"after the end":   {{byte(client.ChannelStdinClose)}, {byte(client.ChannelStdin), 'x'}},
		"past the window": repeat(overrun, client.AttachWindow/client.AttachChunk+1),
	} {
		ws, _, err := websocket.Dial(within(t), "http://paas/v1/apps/hello/runs/17/attach", &websocket.DialOptions{HTTPClient: raw})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			_ = ws.Write(within(t), websocket.MessageBinary, m)
		}
		for err == nil { // the server tells how the run ended, or hangs up
			_, _, err = ws.Read(within(t))
		}
		if within(t).Err() != nil {
			t.Errorf("%s: the run goes on", name)
		}
		_ = ws.CloseNow()
	}
	if err := b.server.Wait(within(t)); err != nil {
		t.Error(err)
	}
}

func repeat(m []byte, n int) [][]byte {
	var all [][]byte
	for range n {
		all = append(all, m)
	}
	return all
}

func TestAttachOverSSH(t *testing.T) {
	b := startSSH(t)
	b.onAttach = cat
	c := connect(t, client.Options{URL: "ssh://" + b.addr, SSHCommand: b.user(t, "ada")})
	n := &count{w: io.Discard}
	code, err := c.AttachRun(within(t), "hello", 17, paas.Stdio{Stdin: zeros(8 << 20), Stdout: n})
	if code != 0 || err != nil || n.n != 8<<20 {
		t.Errorf("exit %d, %v: %d bytes", code, err, n.n)
	}
}
