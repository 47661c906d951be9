package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// drain is how long requests in flight may take once the process was told to stop: shorter than the platform's grace.
const drain = 25 * time.Second

// web serves on $PORT until ctx ends, then finishes the requests in flight.
func web(ctx context.Context, env func(string) string, stdout io.Writer) error {
	server := &http.Server{
		Addr:              ":" + cmp.Or(env("PORT"), "5000"),
		Handler:           routes(env, stdout),
		ReadHeaderTimeout: 10 * time.Second,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	fmt.Fprintf(stdout, "web: listening on %s\n", server.Addr)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(stdout, "web: told to stop, finishing the requests in flight")
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	return server.Shutdown(patience)
}

func routes(env func(string) string, stdout io.Writer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(stdout, "web: %s %s from %s\n", r.Method, r.URL.Path, r.Header.Get("X-Forwarded-For"))
		fmt.Fprintf(w, "Hello from %s, v%s: %s\n", env("PAAS_INSTANCE"), env("PAAS_RELEASE"), cmp.Or(env("GREETING"), "hello"))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return mux
}
