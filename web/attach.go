package web

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

// exitTimeout is how long a client may take to be told how its process ended.
const exitTimeout = 10 * time.Second

// attachRun connects a run to a websocket. It ends with its client, and with it the run does.
func (s *Server) attachRun(c echo.Context) error {
	id, err := number(c, "id", "run")
	if err != nil {
		return err
	}
	app := c.Param("app")
	if _, err := s.Runs.Run(c.Request().Context(), app, id); err != nil {
		return err
	}
	return s.attach(c, "paas run", func(a *attached) (int, error) { return s.Runs.AttachRun(a.ctx, app, id, a.stdio()) })
}

// attach connects a process to a websocket: run is given the client and returns when the process has ended. command is
// what attaches like that, for the hint.
func (s *Server) attach(c echo.Context, command string, run func(a *attached) (exitCode int, err error)) error {
	if !strings.EqualFold(c.Request().Header.Get("Upgrade"), "websocket") {
		return paas.Errorf(paas.Invalid, "attaching needs a websocket").WithHint("%s does it", command)
	}
	ws, err := websocket.Accept(c.Response(), c.Request(), nil) // refuses other origins, and has answered if it fails
	if err != nil {
		s.log.Debug("websocket refused", "request_id", requestIDOf(c), "error", err)
		return nil
	}
	a := newAttached(c.Request().Context(), ws)
	defer a.close()
	code, err := run(a)
	exit := client.Exit{Code: &code}
	if err != nil {
		fault := s.fault(c, err)
		exit = client.Exit{Error: &fault}
	}
	return a.finish(exit)
}

// attached is one attached process, seen from the server. Its goroutine, which stdio starts, reads the websocket until
// the client is gone.
type attached struct {
	ctx     context.Context // ends when the client is gone
	cancel  context.CancelFunc
	ws      *websocket.Conn
	stdin   *inbox
	resize  chan paas.TerminalSize
	signals chan string
	reading sync.WaitGroup
}

func newAttached(ctx context.Context, ws *websocket.Conn) *attached {
	ws.SetReadLimit(client.AttachChunk + 1024)
	a := &attached{ws: ws, resize: make(chan paas.TerminalSize, 1), signals: make(chan string, 16)}
	a.ctx, a.cancel = context.WithCancel(ctx)
	a.stdin = newInbox(a.ctx, client.AttachWindow, a.consumed)
	return a
}

// stdio is the client's streams. It is called once, after what the client sends before them has been read.
func (a *attached) stdio() paas.Stdio {
	a.reading.Go(func() {
		defer a.cancel()
		a.receive()
	})
	return paas.Stdio{
		Stdin: a.stdin, Resize: a.resize, Signals: a.signals,
		Stdout: &frames{a: a, channel: client.ChannelStdout}, Stderr: &frames{a: a, channel: client.ChannelStderr},
	}
}

// finish tells the client how the process ended, unless it has gone.
func (a *attached) finish(exit client.Exit) error {
	data, err := json.Marshal(exit)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), exitTimeout)
	defer cancel()
	if a.send(ctx, client.ChannelExit, data) == nil {
		_ = a.ws.Close(websocket.StatusNormalClosure, "") // it knows all there is; how it hangs up does not matter
	}
	return nil
}

func (a *attached) close() {
	a.cancel()
	_ = a.ws.CloseNow() // over either way
	a.reading.Wait()
}

func (a *attached) send(ctx context.Context, ch client.Channel, payload []byte) error {
	return a.ws.Write(ctx, websocket.MessageBinary, append([]byte{byte(ch)}, payload...))
}

// consumed lets the client send n more bytes of stdin.
func (a *attached) consumed(n int) {
	_ = a.send(a.ctx, client.ChannelWindow, binary.BigEndian.AppendUint32(nil, uint32(n))) // a broken connection ends receive
}

// receive never waits for the process, so that it always sees the client leave.
func (a *attached) receive() {
	buf := make([]byte, 1+client.AttachChunk+1024)
	for {
		msg, err := client.ReadMessage(a.ctx, a.ws, buf)
		if err != nil || a.dispatch(client.Channel(msg[0]), msg[1:]) != nil {
			return
		}
	}
}

var errProtocol = errors.New("not a message of an attached process")

func (a *attached) dispatch(ch client.Channel, payload []byte) error {
	switch ch {
	case client.ChannelStdin:
		return a.stdin.put(payload)
	case client.ChannelStdinClose:
		a.stdin.end()
	case client.ChannelResize:
		var size paas.TerminalSize
		if json.Unmarshal(payload, &size) != nil {
			return errProtocol
		}
		a.resized(size)
	case client.ChannelSignal:
		select {
		case a.signals <- string(payload):
		default: // nobody takes them: one more would change nothing
		}
	default:
		return errProtocol
	}
	return nil
}

// resized leaves the newest size in the channel. receive is the only sender.
func (a *attached) resized(size paas.TerminalSize) {
	select {
	case <-a.resize:
	default:
	}
	a.resize <- size
}

// frames writes to one channel of the client.
type frames struct {
	a       *attached
	channel client.Channel
	mu      sync.Mutex
	buf     []byte
}

// Write blocks while the client is slow: the process that writes it waits too, as with a pipe.
func (f *frames) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for sent := 0; sent < len(p); {
		n := min(len(p)-sent, client.AttachChunk)
		f.buf = append(append(f.buf[:0], byte(f.channel)), p[sent:sent+n]...)
		if err := f.a.ws.Write(f.a.ctx, websocket.MessageBinary, f.buf); err != nil {
			return sent, errors.Join(io.ErrClosedPipe, err)
		}
		sent += n
	}
	return len(p), nil
}
