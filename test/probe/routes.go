package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// routes lists what web serves. Errors of a request (a bad duration, a missing file) are a 400 with the reason.
func (p probe) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"/":            p.serveName,    // instance and release in one line
		"GET /env":     p.serveEnv,     // ?key=K: one value, byte for byte; else all as JSON
		"GET /who":     p.serveWho,     // as `probe who`
		"GET /read":    p.serveRead,    // ?path=F: the file
		"POST /write":  p.serveWrite,   // ?path=F: the body becomes the file
		"GET /sleep":   p.serveSleep,   // ?for=1s: answers after that time
		"GET /stream":  p.serveStream,  // ?for=60s&every=100ms: a line "n unix-milliseconds" each time, flushed
		"POST /upload": p.serveUpload,  // size and SHA-256 of the body as JSON
		"/headers":     p.serveHeaders, // the request as it arrived, as JSON
		"GET /status":  p.serveStatus,  // ?code=503: answers with it
		"/crash":       p.serveCrash,   // ?code=1: the process exits at once, without an answer
		"GET /ws":      p.serveEcho,    // a websocket that sends back what it gets
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
			}
		})
	}
	return mux
}

func (p probe) serveName(w http.ResponseWriter, _ *http.Request) error {
	_, err := fmt.Fprintf(w, "%s v%s\n", p.env("PAAS_INSTANCE"), p.env("PAAS_RELEASE"))
	return err
}

func (p probe) serveEnv(w http.ResponseWriter, r *http.Request) error {
	if key := r.FormValue("key"); key != "" {
		_, err := io.WriteString(w, p.env(key))
		return err
	}
	return writeJSON(w, environment(os.Environ()))
}

func (p probe) serveWho(w http.ResponseWriter, _ *http.Request) error {
	who, err := p.who()
	if err != nil {
		return err
	}
	return writeJSON(w, who)
}

func (p probe) serveRead(w http.ResponseWriter, r *http.Request) error {
	content, err := os.ReadFile(r.FormValue("path"))
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}

func (p probe) serveWrite(w http.ResponseWriter, r *http.Request) error {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.URL.Query().Get("path"), content, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "wrote %d bytes\n", len(content))
	return err
}

func (p probe) serveSleep(w http.ResponseWriter, r *http.Request) error {
	length, err := time.ParseDuration(cmp.Or(r.FormValue("for"), "1s"))
	if err != nil {
		return err
	}
	if err := pause(r.Context(), length); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s v%s slept %s\n", p.env("PAAS_INSTANCE"), p.env("PAAS_RELEASE"), length)
	return err
}

func (p probe) serveStream(w http.ResponseWriter, r *http.Request) error {
	length, err := time.ParseDuration(cmp.Or(r.FormValue("for"), "60s"))
	if err != nil {
		return err
	}
	every, err := time.ParseDuration(cmp.Or(r.FormValue("every"), "100ms"))
	if err != nil {
		return err
	}
	out := http.NewResponseController(w)
	for n, end := 1, time.Now().Add(length); time.Now().Before(end); n++ {
		fmt.Fprintf(w, "%d %d\n", n, time.Now().UnixMilli())
		if err := out.Flush(); err != nil {
			return err
		}
		if err := pause(r.Context(), every); err != nil {
			return err
		}
	}
	return nil
}

func (p probe) serveUpload(w http.ResponseWriter, r *http.Request) error {
	sum := sha256.New()
	size, err := io.Copy(sum, r.Body)
	if err != nil {
		return err
	}
	return writeJSON(w, map[string]any{"bytes": size, "sha256": hex.EncodeToString(sum.Sum(nil))})
}

func (p probe) serveHeaders(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, map[string]any{
		"method": r.Method, "uri": r.RequestURI, "proto": r.Proto, "host": r.Host, "remote": r.RemoteAddr, "header": r.Header,
	})
}

func (p probe) serveStatus(w http.ResponseWriter, r *http.Request) error {
	code, err := strconv.Atoi(cmp.Or(r.FormValue("code"), "200"))
	if err != nil || code < 200 || code > 599 {
		return fmt.Errorf("%q is not a status", r.FormValue("code"))
	}
	w.WriteHeader(code)
	_, err = fmt.Fprintln(w, http.StatusText(code))
	return err
}

func (p probe) serveCrash(_ http.ResponseWriter, r *http.Request) error {
	code, err := strconv.Atoi(cmp.Or(r.FormValue("code"), "1"))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "crashing with exit code %d\n", code)
	os.Exit(code)
	return nil
}

func writeJSON(w io.Writer, v any) error {
	if response, ok := w.(http.ResponseWriter); ok {
		response.Header().Set("Content-Type", "application/json")
	}
	return json.NewEncoder(w).Encode(v)
}
