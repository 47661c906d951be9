package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"paas"
)

// call makes one request to the engine within a time limit of its own. What the error says was being done is doing.
func (d *Docker) call(ctx context.Context, limit time.Duration, doing string, request func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return explain(ctx, doing, request(bounded))
}

// explain turns a client's error into ours: the caller's own end of ctx stays what it is, an engine that does not
// answer is paas.Unavailable, one whose disk is full is paas.NoSpace, everything else keeps its chain.
func explain(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	case unreachable(err):
		return paas.Errorf(paas.Unavailable, "the Docker engine does not answer").
			WithHint("systemctl status docker").Because(fmt.Errorf("%s: %w", doing, err))
	case paas.CodeOf(err) == paas.Internal && full(err.Error()):
		return noSpace(fmt.Errorf("%s: %w", doing, err))
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// unreachable says whether no answer came, as opposed to a bad one.
func unreachable(err error) bool {
	if client.IsErrConnectionFailed(err) || cerrdefs.IsUnavailable(err) {
		return true
	}
	// The caller's own context has not ended, so these are our limits.
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	_, broken := errors.AsType[*net.OpError](err)
	return broken
}

// full says whether a text of the engine, or of its builder, is that of a full disk. There is no code for that: what
// reaches us are the operating system's words.
func full(text string) bool {
	return strings.Contains(text, "no space left on device") || strings.Contains(text, "disk quota exceeded")
}

func noSpace(cause error) *paas.Error { return paas.NoSpace(cause, "on the Docker engine's disk") }

// gone is the error for an instance that the engine does not have.
func gone(id string) *paas.Error {
	return paas.Errorf(paas.NotFound, "instance %s is no longer on this host", short(id)).WithHint("paas ps")
}

// notUp is the error for an instance that would have to run.
func notUp(id string) *paas.Error {
	return paas.Errorf(paas.Conflict, "instance %s is not running", short(id)).WithHint("paas ps")
}

// imageGone is the error for an image that the engine does not have.
func imageGone(id string) *paas.Error {
	return paas.Errorf(paas.NotFound, "image %s is no longer on this host", id).
		WithHint("push the commit again, or: paas rollback")
}

// short is an id as people read it.
func short(id string) string { return id[:min(12, len(id))] }

// engineMessage is what the engine itself answered, without the client's words around it.
func engineMessage(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
