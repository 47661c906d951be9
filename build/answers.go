package build

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// answers is a git cat-file that answers questions about objects until it is closed.
type answers struct {
	ctx  context.Context
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	last objectID // that the last answer was about
}

func ask(ctx context.Context, o objects, batch string) (*answers, error) {
	cmd := o.repos.command(ctx, o.env, "--git-dir="+o.path, "cat-file", batch)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	return &answers{ctx: ctx, cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// head asks for an object and reads the first line of the answer: id, type, size.
func (a *answers) head(object string) (kind string, size int64, err error) {
	if _, err := io.WriteString(a.in, object+"\n"); err != nil {
		return "", 0, a.failed(err)
	}
	line, err := a.out.ReadString('\n')
	if err != nil {
		return "", 0, a.failed(err)
	}
	words := strings.Fields(line)
	if len(words) != 3 {
		return "", 0, fmt.Errorf("git cat-file: %s", strings.TrimSpace(line)) // "… missing"
	}
	a.last = objectID(words[0])
	size, err = strconv.ParseInt(words[2], 10, 64)
	return words[1], size, err
}

// body asks for an object's content, of which the caller knows that it is not too much.
func (a *answers) body(object string) ([]byte, error) {
	_, size, err := a.head(object)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size+1) // and a newline
	if _, err := io.ReadFull(a.out, data); err != nil {
		return nil, a.failed(err)
	}
	return data[:size], nil
}

// failed prefers why the process was ended to how that looked.
func (a *answers) failed(err error) error {
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	return fmt.Errorf("git cat-file: %w", err)
}

func (a *answers) close() error {
	err := a.in.Close()
	code, waitErr := wait(a.ctx, a.cmd)
	switch {
	case a.ctx.Err() != nil:
		return nil // ended on purpose
	case waitErr != nil:
		return waitErr
	case code != 0:
		return fmt.Errorf("git cat-file: exit code %d", code)
	}
	return err
}
