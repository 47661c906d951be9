package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// defaultSocket is where paasd listens on its own machine, for local root.
const defaultSocket = "/var/lib/paas/paasd.sock"

// host is the world around a command: streams, environment, clock and other programs.
type host struct {
	in     io.Reader
	out    io.Writer // data
	err    io.Writer // progress and notes
	env    []string
	now    func() time.Time
	socket string // paasd's own, tried when nothing names a server
	// lent: the terminal is another program's, and with it the Ctrl-C that it sends to both.
	lent atomic.Bool
}

// getenv returns the last value of a variable, "" when it is not set.
func (h *host) getenv(key string) string {
	value := ""
	for _, kv := range h.env {
		if v, ok := strings.CutPrefix(kv, key+"="); ok {
			value = v
		}
	}
	return value
}

// note tells the user something that is not data. Nobody can be told when that fails.
func (h *host) note(format string, args ...any) {
	_, _ = fmt.Fprintf(h.err, format+"\n", args...)
}

// program prepares another program with this environment; no shell is involved.
func (h *host) program(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = h.env
	return cmd
}

// colours says whether a stream is a terminal that is to show colours.
func (h *host) colours(stream any) bool { return terminal(stream) != nil && h.getenv("NO_COLOR") == "" }

// terminal returns the file behind a stream when it is a terminal, else nil.
func terminal(stream any) *os.File {
	if f, ok := stream.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return f
	}
	return nil
}
