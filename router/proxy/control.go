package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"paas"
	"paas/router"
)

const (
	maxDrainBytes = 1 << 20
	maxDrain      = 24 * time.Hour
	logBatch      = 256
)

func (s *Server) controlServer() *http.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.getHealth)
	mux.HandleFunc("GET /table", s.getTable)
	mux.HandleFunc("PUT /table", s.putTable)
	mux.HandleFunc("GET /routes", s.getRoutes)
	mux.Handle("GET /metrics", s.metricsHandler())
	mux.HandleFunc("POST /drain", s.postDrain)
	mux.HandleFunc("GET /log", s.getLog)
	mux.HandleFunc("GET /certs", s.getCerts)
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: s.opts.Timeouts.Header,
		ErrorLog:          slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
	}
}

func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, router.Health{
		Name: s.opts.Name, Version: s.live.version(), StartedAt: s.started, Listeners: []string{s.opts.HTTPAddr, s.opts.HTTPSAddr},
	})
}

func (s *Server) getTable(w http.ResponseWriter, _ *http.Request) {
	s.answer(w, s.live.table())
}

func (s *Server) getRoutes(w http.ResponseWriter, r *http.Request) {
	s.answer(w, s.live.status(r.URL.Query().Get("app")))
}

func (s *Server) putTable(w http.ResponseWriter, r *http.Request) {
	t, err := router.DecodeTable(r.Body)
	if err != nil {
		s.refuse(w, err, 0)
		return
	}
	problems, ok := s.live.put(t)
	if m := s.certs.Load(); m != nil {
		m.HostsChanged()
	}
	if !ok {
		live := s.live.version()
		s.refuse(w, paas.Errorf(paas.Conflict, "version %d of the routing table is live, newer than %d", live, t.Version), live)
		return
	}
	if p := s.before.Load(); p != nil {
		if err := p.put(r.Context(), t); err != nil {
			s.refuse(w, paas.Errorf(paas.Unavailable, "the router before this one does not take the table: %w", err), 0)
			return
		}
	}
	s.answer(w, router.PutAnswer{Version: t.Version, Problems: problems})
}

func (s *Server) postDrain(w http.ResponseWriter, r *http.Request) {
	var req router.DrainRequest
	if err := decodeDrain(r.Body, &req); err != nil {
		s.refuse(w, err, 0)
		return
	}
	cut, err := s.drain(r.Context(), req.Addrs, time.Duration(req.DeadlineMS)*time.Millisecond)
	if err != nil {
		s.refuse(w, err, 0)
		return
	}
	s.answer(w, router.DrainAnswer{Cut: cut})
}

// drain is of what is in flight here and at the router before this one.
func (s *Server) drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (cut int, err error) {
	p := s.before.Load()
	if p == nil {
		return s.live.drain(ctx, addrs, deadline)
	}
	var there int
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { cut, err = s.live.drain(gctx, addrs, deadline); return err })
	g.Go(func() (err error) { there, err = p.drain(gctx, addrs, deadline); return err })
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return cut + there, nil
}

func decodeDrain(body io.Reader, req *router.DrainRequest) error {
	dec := json.NewDecoder(io.LimitReader(body, maxDrainBytes))
	dec.DisallowUnknownFields()
	if err := dec.Decode(req); err != nil {
		return paas.Errorf(paas.Invalid, "the request to drain does not decode: %w", err)
	}
	if req.DeadlineMS < 0 || req.DeadlineMS > maxDrain.Milliseconds() {
		return paas.Errorf(paas.Invalid, "the deadline of %d ms is not between 0 and %d", req.DeadlineMS, maxDrain.Milliseconds())
	}
	return nil
}

// getLog streams the request log. There is one reader: a new one takes over from one that may be half dead.
func (s *Server) getLog(w http.ResponseWriter, r *http.Request) {
	ctx, done := s.reader.take(r.Context())
	defer done()
	w.Header().Set("Content-Type", "application/x-ndjson")
	rc := http.NewResponseController(w)
	stop := context.AfterFunc(ctx, func() { _ = rc.SetWriteDeadline(past) }) // unblocks a write to a reader that stalls
	defer stop()
	err := s.writeLog(ctx, w, rc.Flush)
	if err != nil {
		s.opts.Log.Debug("log reader went away", "error", err)
	}
}

// logPause lets lines come together for one write: to wake for each costs as much as to answer a small request.
const logPause = 20 * time.Millisecond

func (s *Server) writeLog(ctx context.Context, w io.Writer, flush func() error) error {
	first := router.LogEvent{Time: time.Now(), Version: s.live.version()}
	if err := errors.Join(json.NewEncoder(w).Encode(first), flush()); err != nil {
		return err
	}
	buf, out := make([]slot, logBatch), []byte(nil)
	pause := time.NewTimer(0)
	defer pause.Stop()
	for ctx.Err() == nil {
		n, more := s.ring.take(buf, time.Now())
		if !more {
			return nil
		}
		out = out[:0]
		for i := range buf[:n] {
			out = buf[i].appendJSON(out)
		}
		if n > 0 {
			if _, err := w.Write(out); err != nil {
				return err
			}
			if err := flush(); err != nil {
				return err
			}
		}
		if n < len(buf) {
			pause.Reset(logPause)
			s.ring.wait(ctx, pause.C)
		}
	}
	return nil
}

func (s *Server) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.opts.Log.Debug("control client went away", "error", err)
	}
}

// refuse answers with err; live is the version to tell a controller whose table is too old.
func (s *Server) refuse(w http.ResponseWriter, err error, live uint64) {
	f := router.Failure{Version: live}
	f.Error.Code, f.Error.Message = paas.CodeOf(err), err.Error()
	status := http.StatusInternalServerError
	switch paas.CodeOf(err) {
	case paas.Invalid:
		status = http.StatusBadRequest
	case paas.Conflict:
		status = http.StatusConflict
	case paas.Unavailable:
		status = http.StatusServiceUnavailable
	}
	if e, ok := errors.AsType[*paas.Error](err); ok {
		f.Error.Hint = e.Hint
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(f); err != nil {
		s.opts.Log.Debug("control client went away", "error", err)
	}
}
