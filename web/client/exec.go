package client

import (
	"context"
	"encoding/json"
	"fmt"

	"paas"
)

// Exec runs a command inside a running instance, web.1 or run.17, connects it to stdio and returns its exit code. When
// ctx ends, the connection does, and paasd hangs up on the command. Stdio is used as by AttachRun.
func (c *Client) Exec(ctx context.Context, app, instance string, req paas.ExecRequest, stdio paas.Stdio) (int, error) {
	if err := checkText(req.Command, req.Env); err != nil {
		return 0, err
	}
	data, err := json.Marshal(req)
	if err != nil {
		return 0, fmt.Errorf("encode the request: %w", err)
	}
	if len(data) > AttachChunk {
		return 0, paas.Errorf(paas.Invalid, "the command is longer than %d KB", AttachChunk>>10).WithHint("pass such input on the standard input")
	}
	if _, _, ok := paas.ParseInstanceName(instance); !ok { // so that none can be read as another path
		return 0, paas.Errorf(paas.Invalid, "%s is not an instance", paas.Quote(instance)).WithHint("name one like web.1: paas ps")
	}
	a, err := c.attach(ctx, stdio, app, "instances", instance, "exec")
	if err != nil {
		return 0, err
	}
	code, err := a.exec(ctx, data)
	if err != nil {
		return 0, detached(ctx, err, "the command in "+instance, "the command in "+instance+" is being ended", "paas ps -a "+app)
	}
	return code, nil
}

// exec says which command before all else.
func (a *attachment) exec(ctx context.Context, request []byte) (int, error) {
	if err := a.send(ctx, ChannelExec, request); err != nil {
		_ = a.ws.CloseNow() // of no use any more
		return 0, err
	}
	return a.run(ctx)
}
