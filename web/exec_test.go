package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"paas"
	"paas/web/client"
)

func TestACommandInAnInstanceHasBothStreamsAndTheExitCode(t *testing.T) {
	b := start(t)
	b.onAttach = func(ctx context.Context, stdio paas.Stdio) (int, error) {
		in, err := io.ReadAll(stdio.Stdin)
		fmt.Fprintf(stdio.Stdout, "%s got %s", paas.UserOf(ctx), in)
		fmt.Fprint(stdio.Stderr, "warning")
		return 7, err
	}
	var out, errs bytes.Buffer
	req := paas.ExecRequest{Command: []string{"sh", "-c", "x <y>\n"}, Stdin: true}
	code, err := b.local(t).Exec(within(t), "hello", "web.1", req, paas.Stdio{Stdin: strings.NewReader("a\x00\xffb"), Stdout: &out, Stderr: &errs})
	if code != 7 || err != nil || out.String() != "root got a\x00\xffb" || errs.String() != "warning" {
		t.Errorf("exit %d, %v, %q, %q", code, err, out.String(), errs.String())
	}
	if got := b.lastCall(); got != "root: Exec hello web.1 [sh -c x <y>\n] map[] false {0 0}" {
		t.Errorf("called %q", got)
	}
}

func TestACommandInAnInstanceEndsWithItsClient(t *testing.T) {
	b := start(t)
	began, ended := make(chan struct{}), make(chan error, 1)
	b.onAttach = func(ctx context.Context, _ paas.Stdio) (int, error) {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return 0, ctx.Err()
	}
	ctx, hangUp := context.WithCancel(within(t))
	done := make(chan error, 1)
	c := b.local(t)
	go func() {
		_, err := c.Exec(ctx, "hello", "web.1", paas.ExecRequest{Command: []string{"sh"}}, paas.Stdio{})
		done <- err
	}()
	await(t, "the command", began)
	hangUp()
	await(t, "the end of the command", ended)
	if err := await(t, "the client", done); paas.CodeOf(err) != paas.Canceled || !strings.Contains(err.Error(), "the command in web.1 is being ended") {
		t.Error(err)
	}
}

func TestWhatCannotBeACommandIsNotSent(t *testing.T) {
	b := start(t)
	c := b.local(t)
	for name, call := range map[string]func() error{
		"too long":        func() error { return execError(t, c, "web.1", strings.Repeat("x", client.AttachChunk)) },
		"not text":        func() error { return execError(t, c, "web.1", "\xff") },
		"not an instance": func() error { return execError(t, c, "..", "sh") },
	} {
		if err := call(); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if call := b.lastCall(); call != "" {
		t.Errorf("called %s", call)
	}
}

func execError(t *testing.T, c *client.Client, instance string, command ...string) error {
	t.Helper()
	_, err := c.Exec(within(t), "hello", instance, paas.ExecRequest{Command: command}, paas.Stdio{})
	return err
}

func TestExecRefusesWhatDoesNotBeginWithACommand(t *testing.T) {
	b := start(t)
	raw := b.raw(t)
	const path = "/v1/apps/hello/instances/web.1/exec"
	if resp, body := do(t, raw, "GET", path, "", nil); resp.StatusCode != 400 || !strings.Contains(body, "paas ps:exec does it") {
		t.Errorf("no websocket: %s %s", resp.Status, body)
	}
	for name, message := range map[string][]byte{
		"another channel": append([]byte{byte(client.ChannelStdin)}, `{"command":["sh"]}`...),
		"no channel":      {},
		"no JSON":         append([]byte{byte(client.ChannelExec)}, "sh"...),
		"more than JSON":  append([]byte{byte(client.ChannelExec)}, `{"command":["sh"]}{}`...),
		"unknown field":   append([]byte{byte(client.ChannelExec)}, `{"command":["sh"],"privileged":true}`...),
		"too long":        append([]byte{byte(client.ChannelExec)}, make([]byte, 1<<20)...),
	} {
		ws, _, err := websocket.Dial(within(t), "http://paas"+path, &websocket.DialOptions{HTTPClient: raw})
		if err != nil {
			t.Fatal(err)
		}
		_ = ws.Write(within(t), websocket.MessageBinary, message)
		for err == nil { // the server says why, or hangs up
			_, _, err = ws.Read(within(t))
		}
		if within(t).Err() != nil {
			t.Errorf("%s: it goes on", name)
		}
		_ = ws.CloseNow()
	}
	if err := b.server.Wait(within(t)); err != nil {
		t.Error(err)
	}
	if call := b.lastCall(); call != "" {
		t.Errorf("called %s", call)
	}
}
