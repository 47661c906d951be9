package build

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestCappedOutputKeepsItsBeginning(t *testing.T) {
	c := &capped{max: 10}
	if n, err := io.Copy(c, strings.NewReader(strings.Repeat("0123456789", 10_000))); n != 100_000 || err != nil {
		t.Errorf("took %d bytes, %v", n, err)
	}
	if c.text() != "0123456789" || !c.over {
		t.Errorf("kept %q, over: %v", c.text(), c.over)
	}
}

func TestGitThatSaysNoTellsWhy(t *testing.T) {
	r := openRepos(t)
	_, err := r.output(t.Context(), nil, "--git-dir=/nonexistent", "cat-file", "-t", idA)
	e, ok := errors.AsType[*gitError](err)
	if !ok || e.command != "cat-file" || e.code != 128 || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("got %v", err)
	}
}

func TestGitEndsWithItsContext(t *testing.T) {
	r := openRepos(t)
	if err := r.Create(t.Context(), "abc"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stdin, client := io.Pipe()
	defer client.Close()
	defer stdin.Close()
	advertised := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := r.serve(ctx, nil, []string{"receive-pack", r.Path("abc")}, stdin, &once{done: advertised}, io.Discard)
		done <- err
	}()
	receive(t, "git speaks", advertised)
	began := time.Now()
	cancel()
	if err := receive(t, "git ends", done); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > gitGrace {
		t.Errorf("it took %s", took)
	}
}

// once closes done at its first write.
type once struct {
	done chan struct{}
	seen bool
}

func (o *once) Write(p []byte) (int, error) {
	if !o.seen {
		o.seen = true
		close(o.done)
	}
	return len(p), nil
}
