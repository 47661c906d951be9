package e2e

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"paas/test/platform"
)

// A run on a terminal has a terminal of the same size, follows its changes, gets the keys, and ends with its own code.
func onATerminal(t *testing.T, p *platform.Platform) {
	app := p.App(t, platform.Fixture{})
	app.Push()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := p.Command(ctx, platform.Cmd{Dir: app.Dir, Args: []string{"paas", "run", "--", "/probe", "tty", "watch"}})
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 33, Cols: 101})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	lines := bufio.NewReader(terminal)
	await(t, lines, `{"stdin":true,"stdout":true,"cols":101,"rows":33}`)
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 44, Cols: 77}); err != nil {
		t.Fatal(err)
	}
	await(t, lines, `"cols":77,"rows":44`)
	if _, err := terminal.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, lines) // until the other side is closed, which Linux reports as EIO
	if err := cmd.Wait(); err != nil {
		t.Errorf("the run ended by Ctrl-C: %v", err)
	}

	cmd = p.Command(ctx, platform.Cmd{Dir: app.Dir, Args: []string{"paas", "run", "--", "/probe", "exit", "7"}})
	if terminal, err = pty.Start(cmd); err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	_, _ = io.Copy(io.Discard, terminal) // as above
	if exit, ok := errors.AsType[*exec.ExitError](cmd.Wait()); !ok || exit.ExitCode() != 7 {
		t.Errorf("exit 7 on a terminal ends with %v", exit)
	}
}

// await reads until a line has the text.
func await(t *testing.T, lines *bufio.Reader, text string) {
	t.Helper()
	var read strings.Builder
	for {
		line, err := lines.ReadString('\n')
		read.WriteString(line)
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("waited for %s: %v\n%s", text, err, read.String())
		}
	}
}
