package client

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/coder/websocket"

	"paas"
)

// AttachRun starts a run that was created without Detach, connects it to stdio and returns its exit code. When ctx
// ends, the connection does, and paasd stops the run. A read of stdio.Stdin that blocks is left behind.
func (c *Client) AttachRun(ctx context.Context, app string, id int, stdio paas.Stdio) (int, error) {
	a, err := c.attach(ctx, stdio, app, "runs", strconv.Itoa(id), "attach")
	if err != nil {
		return 0, err
	}
	code, err := a.run(ctx)
	if err != nil {
		name := paas.InstanceName(paas.RunType, id)
		return 0, detached(ctx, err, name, name+" is being stopped", "paas run:list -a "+app)
	}
	return code, nil
}

// attach opens the websocket of a process.
func (c *Client) attach(ctx context.Context, stdio paas.Stdio, app string, rest ...string) (*attachment, error) {
	path, err := appPath(app, rest...)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	c.authorize(header)
	ws, resp, err := websocket.Dial(ctx, c.base+path, &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: header}) //nolint:bodyclose // failure closes it; else it is the connection
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, c.failure(resp)
		}
		return nil, c.lost(ctx, err)
	}
	ws.SetReadLimit(AttachChunk + 1024)
	return &attachment{ws: ws, stdio: stdio, window: newWindow(AttachWindow)}, nil
}

// detached says how the attachment to a process broke, and what becomes of it when the caller has left.
func detached(ctx context.Context, err error, name, left, hint string) error {
	if known, ok := errors.AsType[*paas.Error](err); ok {
		return known
	}
	if ctx.Err() != nil {
		return paas.Errorf(paas.Canceled, "canceled: %s", left).Because(ctx.Err())
	}
	return paas.Errorf(paas.Unavailable, "the connection to %s was lost: %w", name, err).WithHint("%s", hint)
}

// attachment is one attached process, seen from the client.
type attachment struct {
	ws     *websocket.Conn
	stdio  paas.Stdio
	window *window
}

func (a *attachment) run(ctx context.Context) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	var senders sync.WaitGroup
	senders.Go(func() { a.sendControls(ctx) })
	go a.sendStdin(ctx) // may block in a read for as long as the program lives: nobody can wait for it
	exit, err := a.receive(ctx)
	cancel()
	senders.Wait()
	if err != nil {
		_ = a.ws.CloseNow() // the connection is of no use any more; its state is err
		return 0, err
	}
	_ = a.ws.Close(websocket.StatusNormalClosure, "") // the exit has come: a farewell that fails changes nothing
	return exit.result()
}

func (a *attachment) send(ctx context.Context, ch Channel, payload []byte) error {
	return a.ws.Write(ctx, websocket.MessageBinary, append([]byte{byte(ch)}, payload...))
}

// sendControls relays resizes and signals until ctx ends. What cannot be sent has been noticed by receive too.
func (a *attachment) sendControls(ctx context.Context) {
	resize, signals := a.stdio.Resize, a.stdio.Signals
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case size, ok := <-resize:
			if !ok {
				resize = nil
				continue
			}
			var data []byte
			if data, err = json.Marshal(size); err == nil {
				err = a.send(ctx, ChannelResize, data)
			}
		case name, ok := <-signals:
			if !ok {
				signals = nil
				continue
			}
			err = a.send(ctx, ChannelSignal, []byte(name))
		}
		if err != nil {
			return
		}
	}
}

// sendStdin copies stdin as fast as the process consumes it, and then closes it there.
func (a *attachment) sendStdin(ctx context.Context) {
	buf := make([]byte, 1+AttachChunk)
	for a.stdio.Stdin != nil {
		n, err := a.stdio.Stdin.Read(buf[1:])
		if a.sendBytes(ctx, buf[:1+n]) != nil {
			return
		}
		if err != nil {
			break // an input that broke is over for the process, as with a pipe
		}
	}
	_ = a.send(ctx, ChannelStdinClose, nil) // a broken connection is receive's to report
}

// sendBytes sends buf[1:] as stdin in one or more messages; it uses the byte before each for the channel.
func (a *attachment) sendBytes(ctx context.Context, buf []byte) error {
	for len(buf) > 1 {
		n, err := a.window.take(ctx, len(buf)-1)
		if err != nil {
			return err
		}
		buf[0] = byte(ChannelStdin)
		if err := a.ws.Write(ctx, websocket.MessageBinary, buf[:1+n]); err != nil {
			return err
		}
		buf = buf[n:]
	}
	return nil
}

// receive hands out what comes until the exit.
func (a *attachment) receive(ctx context.Context) (Exit, error) {
	buf := make([]byte, 1+AttachChunk+1024)
	for {
		msg, err := ReadMessage(ctx, a.ws, buf)
		if err != nil {
			return Exit{}, err
		}
		switch ch, payload := Channel(msg[0]), msg[1:]; ch {
		case ChannelStdout:
			err = deliver(a.stdio.Stdout, payload)
		case ChannelStderr:
			err = deliver(a.stdio.Stderr, payload)
		case ChannelWindow:
			if len(payload) == 4 {
				a.window.give(int(binary.BigEndian.Uint32(payload)))
			}
		case ChannelExit:
			var exit Exit
			err := json.Unmarshal(payload, &exit)
			return exit, err
		}
		if err != nil {
			return Exit{}, err
		}
	}
}

func deliver(w io.Writer, p []byte) error {
	if w == nil {
		return nil
	}
	_, err := w.Write(p)
	if err != nil {
		return paas.Errorf(paas.Canceled, "the output cannot be written: %w", err)
	}
	return nil
}

// ReadMessage reads one message of an attached process into buf; it has at least the channel byte.
func ReadMessage(ctx context.Context, ws *websocket.Conn, buf []byte) ([]byte, error) {
	typ, r, err := ws.Reader(ctx)
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(r, buf)
	switch {
	case err == nil:
		return nil, fmt.Errorf("a message of more than %d bytes", len(buf)-1)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	case typ != websocket.MessageBinary || n == 0:
		return nil, errors.New("a message without a channel")
	}
	return buf[:n], nil
}
