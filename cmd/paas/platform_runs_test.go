package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"paas"
)

func (p *platform) CreateRun(_ context.Context, app string, req paas.RunRequest) (paas.RunInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.RunInfo{}, err
	}
	defer p.mu.Unlock()
	if a.info.Release == 0 {
		return paas.RunInfo{}, paas.Errorf(paas.Conflict, "%s has no release to run on", app).WithHint("git push paas main")
	}
	version := req.Release
	if version == 0 {
		version = a.info.Release
	}
	run := paas.RunInfo{
		Name: paas.InstanceName(paas.RunType, len(a.runs)+1), Release: version, Command: req.Command, User: "ada", Status: paas.RunRunning,
		CreatedAt: clock, Seconds: 1.5,
	}
	a.runs = append([]paas.RunInfo{run}, a.runs...)
	a.requests = append([]paas.RunRequest{req}, a.requests...)
	return run, nil
}

func (p *platform) request(app string, id int) (paas.RunRequest, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.RunRequest{}, err
	}
	defer p.mu.Unlock()
	return a.requests[len(a.requests)-id], nil
}

// AttachRun is the process: what it does is its command.
func (p *platform) AttachRun(ctx context.Context, app string, id int, stdio paas.Stdio) (int, error) {
	req, err := p.request(app, id)
	if err != nil {
		return 0, err
	}
	return p.process(ctx, req, stdio)
}

// Exec runs in web.1 what AttachRun would run; what is in the other instance has ended.
func (p *platform) Exec(ctx context.Context, app, instance string, req paas.ExecRequest, stdio paas.Stdio) (int, error) {
	a, err := p.lock(app)
	if err != nil {
		return 0, err
	}
	as := paas.RunRequest{Command: req.Command, Env: req.Env, TTY: req.TTY, Stdin: req.Stdin, Terminal: req.Terminal}
	a.requests = append([]paas.RunRequest{as}, a.requests...)
	p.mu.Unlock()
	if instance != "web.1" {
		return 0, paas.Errorf(paas.Conflict, "%s does not run: exited with status 1", instance).WithHint("paas logs -a %s", app)
	}
	return p.process(ctx, as, stdio)
}

func (p *platform) process(ctx context.Context, req paas.RunRequest, stdio paas.Stdio) (int, error) {
	p.started <- req.Command[0]
	switch req.Command[0] {
	case "cat":
		_, err := io.Copy(stdio.Stdout, stdio.Stdin)
		return 0, err
	case "exit":
		return strconv.Atoi(req.Command[1])
	case "both":
		_, _ = io.WriteString(stdio.Stdout, "to stdout\n")
		_, _ = io.WriteString(stdio.Stderr, "to stderr\n")
		return 0, nil
	case "request":
		return 0, showRequest(stdio.Stdout, req)
	case "sizes":
		return p.sizes(ctx, req, stdio)
	case "signal":
		return trap(ctx, stdio)
	case "refused":
		return 0, paas.Errorf(paas.Unavailable, "the Docker engine does not answer").WithHint("docker version")
	}
	return 127, nil
}

func showRequest(w io.Writer, req paas.RunRequest) error {
	_, err := fmt.Fprintf(w, "command %q tty %v release %d timeout %s\n", req.Command, req.TTY, req.Release, req.Timeout)
	for _, key := range slices.Sorted(maps.Keys(req.Env)) {
		_, _ = fmt.Fprintf(w, "%s=%s\n", key, req.Env[key])
	}
	return err
}

// sizes reports each size that it is told, the first in the request, until its input says so.
func (p *platform) sizes(ctx context.Context, req paas.RunRequest, stdio paas.Stdio) (int, error) {
	p.resized <- req.Terminal
	got := make(chan struct{})
	go func() {
		defer close(got)
		_, _ = stdio.Stdin.Read(make([]byte, 1))
	}()
	for {
		select {
		case <-ctx.Done():
			return 129, nil
		case <-got:
			return 5, nil
		case size := <-stdio.Resize:
			p.resized <- size
		}
	}
}

// trap ends at the first signal and names it.
func trap(ctx context.Context, stdio paas.Stdio) (int, error) {
	select {
	case <-ctx.Done():
		return 129, nil
	case name := <-stdio.Signals:
		_, err := fmt.Fprintln(stdio.Stdout, "got", name)
		return 3, err
	}
}

func (p *platform) Runs(_ context.Context, app string) ([]paas.RunInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return a.runs, nil
}

func (p *platform) Run(_ context.Context, app string, id int) (paas.RunInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.RunInfo{}, err
	}
	defer p.mu.Unlock()
	if id > len(a.runs) {
		return paas.RunInfo{}, paas.Errorf(paas.NotFound, "%s has no run.%d", app, id).WithHint("paas run:list -a %s", app)
	}
	return a.runs[len(a.runs)-id], nil
}

func (p *platform) StopRun(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	return p.Run(ctx, app, id)
}
