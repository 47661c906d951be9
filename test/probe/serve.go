package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// web serves on host (empty: every address) and $PORT until ctx ends, and then until no request is in flight.
func (p probe) web(ctx context.Context, host string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, cmp.Or(p.env("PORT"), "5000")))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p.late(ctx, p.routes()), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(p.stdout, "listening on %s\n", listener.Addr())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	lingered := p.linger(ctx)
	err = server.Shutdown(context.WithoutCancel(ctx))
	fmt.Fprintln(p.stdout, "bye")
	return errors.Join(err, lingered)
}

// late says so when a request comes after SIGTERM.
func (p probe) late(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			fmt.Fprintf(p.stdout, "request after SIGTERM: %s\n", r.URL.Path)
		}
		next.ServeHTTP(w, r)
	})
}

// linger says that ctx has ended and waits for as long as it was told to.
func (p probe) linger(ctx context.Context) error {
	fmt.Fprintln(p.stdout, "got SIGTERM")
	more, err := p.duration("PROBE_STOP", 0)
	if err != nil {
		return err
	}
	return pause(context.WithoutCancel(ctx), more)
}

func (p probe) slowboot(ctx context.Context, _ []string) error {
	boot, err := p.duration("PROBE_BOOT", 90*time.Second)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "booting for %s\n", boot)
	if err := pause(ctx, boot); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "booted at %s\n", time.Now().UTC().Format(time.RFC3339Nano))
	return p.web(ctx, "")
}

// deaf does not end before it is killed.
func (p probe) deaf(ctx context.Context, _ []string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	forever := context.WithoutCancel(ctx)
	if p.env("PORT") != "" {
		return p.web(forever, "")
	}
	return p.tick(forever, func(n int) error {
		_, err := fmt.Fprintf(p.stdout, "deaf tick %d\n", n)
		return err
	})
}

// forker does what a daemon of old did: a child in a session of its own goes on, the parent leaves.
func (p probe) forker(ctx context.Context, _ []string) error {
	child := exec.CommandContext(context.WithoutCancel(ctx), "/proc/self/exe", "deaf")
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return fmt.Errorf("start the child: %w", err)
	}
	fmt.Fprintf(p.stdout, "left child %d in the background\n", child.Process.Pid)
	return nil
}

// tick calls fn with 1, 2, 3 … every PROBE_INTERVAL until ctx ends, which is no error.
func (p probe) tick(ctx context.Context, fn func(n int) error) error {
	interval, err := p.duration("PROBE_INTERVAL", time.Second)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if err := fn(n); err != nil {
			return err
		}
		if pause(ctx, interval) != nil {
			err := p.linger(ctx)
			fmt.Fprintln(p.stdout, "bye")
			return err
		}
	}
}

func (p probe) duration(key string, otherwise time.Duration) (time.Duration, error) {
	value := p.env(key)
	if value == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return d, nil
}

// pause waits for d, or returns ctx's error when that ends sooner.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
