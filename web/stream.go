package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"paas/web/client"
)

// writeTimeout is how long a client may leave what we send it unread before it is given up.
const writeTimeout = 30 * time.Second

// operation is work that reports its progress and may take long.
type operation func(ctx context.Context, progress io.Writer) (any, error)

// long answers with the result of an operation that goes on when its client leaves.
func (s *Server) long(c echo.Context, op operation) error { return s.stream(lasting(c), c, op) }

// stream answers with an operation's result, and with its progress before where the client asked for that. An error
// before any progress is an answer with its own status.
func (s *Server) stream(ctx context.Context, c echo.Context, op operation) error {
	if !wantsNDJSON(c.Request()) {
		result, err := op(ctx, io.Discard)
		return answer(c, http.StatusOK, result, err)
	}
	progress := newLines()
	var result any
	var err error
	go func() {
		defer progress.close()
		defer recovered(&err)
		result, err = op(ctx, progress)
	}()
	out := &events{c: c}
	for line, ok := progress.next(); ok; line, ok = progress.next() {
		out.send(client.Event{Progress: &line})
	}
	// The queue has been closed: the operation is over, and result and err are ours to read.
	if err != nil && !c.Response().Committed {
		return err
	}
	return s.conclude(out, result, err)
}

// conclude sends the last event.
func (s *Server) conclude(out *events, result any, err error) error {
	if err != nil {
		fault := s.fault(out.c, err)
		out.send(client.Event{Error: &fault})
		return nil
	}
	data, err := json.Marshal(result)
	if err != nil {
		return err
	}
	out.send(client.Event{Result: data})
	return nil
}

// wantsNDJSON says whether the client asks for a stream of events.
func wantsNDJSON(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(accept, ",") {
			if t, _, err := mime.ParseMediaType(kind); err == nil && t == client.MediaNDJSON {
				return true
			}
		}
	}
	return false
}

// events writes NDJSON. After the client has gone it does nothing.
type events struct {
	c    echo.Context
	gone error
}

func (e *events) send(v any) {
	if e.gone != nil {
		return
	}
	w := e.c.Response()
	if !w.Committed {
		w.Header().Set(echo.HeaderContentType, client.MediaNDJSON)
		w.WriteHeader(http.StatusOK)
	}
	conn := http.NewResponseController(w)
	e.gone = errors.Join(inTime(conn), encode(w, v))
	if e.gone == nil {
		e.gone = conn.Flush()
	}
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// inTime is the write deadline of what is written now. It holds until it is set again, at the latest by timeLimits with
// the connection's next request.
func inTime(conn *http.ResponseController) error {
	return deadline(conn.SetWriteDeadline, time.Now().Add(writeTimeout))
}

// deadline sets a deadline where there is a connection that can have one.
func deadline(set func(time.Time) error, t time.Time) error {
	if err := set(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
