package web

import (
	"context"
	"io"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A real ssh that is stopped, as a machine that sleeps or a network that is gone: the connection stays, and nobody answers.
func TestStoppedClientIsNoticed(t *testing.T) {
	b := startSilentSSH(t, 500*time.Millisecond)
	began, over := make(chan struct{}), make(chan error, 1)
	b.onReceive = func(ctx context.Context, _ string, _ io.Reader, _, _ io.Writer) (int, error) {
		close(began)
		<-ctx.Done()
		over <- ctx.Err()
		return 1, ctx.Err()
	}
	ssh := b.at(b.user(t, "ada"), "git-receive-pack '/hello'")
	cmd := exec.CommandContext(t.Context(), ssh[0], ssh[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-over:
	case <-time.After(5 * time.Second):
		t.Error("nobody notices within 5 s")
	}
	_ = cmd.Process.Kill() // it has not ended
	_ = cmd.Wait()         // and says so
}

// A client may close its side and go on to read, as git does once it has sent everything.
func TestHalfClosedClientGetsItsAnswer(t *testing.T) {
	b := startSSH(t)
	b.onReceive = func(_ context.Context, _ string, stdin io.Reader, stdout, _ io.Writer) (int, error) {
		sent, err := io.ReadAll(stdin)
		if err != nil {
			return 1, err
		}
		_, err = stdout.Write(append([]byte("got "), sent...))
		return 0, err
	}
	ssh := b.at(b.user(t, "ada"), "git-receive-pack '/hello'")
	cmd := exec.CommandContext(t.Context(), ssh[0], ssh[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "all"); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.Output(); err != nil || string(out) != "got all" {
		t.Errorf("%q, %v", out, err)
	}
}
