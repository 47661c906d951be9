package client

import (
	"context"
	"io"
	"net/http"

	"paas"
)

// PreReceive is the pre-receive hook's call back into paasd: push names the push it runs for, updates is the hook's
// standard input, env its GIT_* variables, options those of the push. Progress is what the pusher reads. An error rejects the push. paasd takes
// it on its unix socket only, and gives up the push when ctx ends.
func (c *Client) PreReceive(ctx context.Context, push, updates string, env map[string]string, options []string, progress io.Writer) error {
	r := request{method: http.MethodPost, path: "/hook/pre-receive", body: PushBody{Updates: updates, Env: env, Options: options}, header: http.Header{}}
	r.header.Set(HeaderPush, push)
	_, err := long[struct{}](ctx, c, r, progress)
	if paas.CodeOf(err) == paas.Unavailable {
		return paas.Errorf(paas.Unavailable, "paasd went away during the push: %w", err).WithHint("push again")
	}
	return err
}
