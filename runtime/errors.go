package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
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
// answer, or has no room, is paas.Unavailable, everything else keeps its chain.
func explain(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	case unreachable(err):
		return paas.Errorf(paas.Unavailable, "the Docker engine does not answer").
			WithHint("systemctl status docker").Because(fmt.Errorf("%s: %w", doing, err))
	case full(err):
		return paas.Errorf(paas.Unavailable, "no space left on the disk of the Docker engine").
			WithHint("on the host: df -h; docker system df").Because(fmt.Errorf("%s: %w", doing, err))
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

// full says whether the engine could not write. It has no status for that, only the kernel's words.
func full(err error) bool { return strings.Contains(err.Error(), syscall.ENOSPC.Error()) }

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
