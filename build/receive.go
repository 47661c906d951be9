package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"paas"
)

// ReceivePack takes a push to the app of that name: it runs git-receive-pack between stdin and stdout and returns what
// became of it. It ends when ctx does, or the writer fails; a deployment that has begun goes on first. stdin may still be
// read when it returns: whoever opened it closes it then.
func (s *Service) ReceivePack(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (paas.PushResult, error) {
	a, err := s.Records.AppByName(app)
	if err != nil {
		return paas.PushResult{}, err
	}
	if err := s.Room.ToReceive(); err != nil {
		return paas.PushResult{}, err
	}
	if err := s.Repos.Create(ctx, a.ID); err != nil {
		return paas.PushResult{}, err
	}
	p, err := s.beginPush(ctx, a)
	if err != nil {
		return paas.PushResult{}, err
	}
	defer s.endPush(p)
	code, err := s.runGit(p, stdin, stdout, stderr)
	result := p.result(code)
	if err != nil {
		return result, canceled(p.ctx, err)
	}
	switch {
	case p.full.Load() && result.Refused == nil:
		writeError(stderr, paas.NoSpace(nil, "for what you push"))
	case p.lacks.Load() && !p.wasCalled() && (objects{path: s.Repos.Path(a.ID)}).isShallow():
		writeError(stderr, errOlder(a))
	case code == 0 && !p.asked():
		s.sayIdle(p, stderr)
	}
	return result, nil
}

func (s *Service) runGit(p *push, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	ctx, over := p.gitContext()
	defer over()
	env := []string{envSocket + "=" + s.Repos.opts.Socket, envPush + "=" + p.token}
	args := append(s.Repos.receiveSettings(), "receive-pack", s.Repos.Path(p.app.ID))
	out := &eavesdropper{w: &client{w: stdout, gone: func() { p.cancel(errGone) }}, word: fullDisk, heard: &p.full}
	out = &eavesdropper{w: out, word: "object of unexpected type", heard: &p.lacks}
	in := newIntake(stdin, s.Repos.opts.Limits, p.cancel)
	defer in.end()
	p.watch(in)
	return s.Repos.serve(ctx, env, args, in, in.hears(out), &eavesdropper{w: &client{w: stderr}, word: fullDisk, heard: &p.full})
}

// UploadPack serves a fetch from the app of that name; its parameters are those of ReceivePack.
func (s *Service) UploadPack(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	a, err := s.Records.AppByName(app)
	if err != nil {
		return 0, err
	}
	if err := s.Repos.Create(ctx, a.ID); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := &client{w: stdout, gone: func() { cancel(errGone) }}
	return s.Repos.serve(ctx, nil, append(uploadSettings(), "upload-pack", "--timeout=600", s.Repos.Path(a.ID)), stdin, out, &client{w: stderr})
}

// serve runs a git command that talks to a client.
func (r *Repos) serve(ctx context.Context, env, args []string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	cmd := r.command(ctx, env, args...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("start git: %w", err)
	}
	// Not waited for: a read from a client that keeps its side open ends only when the caller closes it, which it does
	// after it has sent the exit code that we return.
	go func() {
		if _, err := io.Copy(in, stdin); !errors.Is(err, errRefused) { // git says itself what it misses
			_ = in.Close()
		}
	}()
	return wait(ctx, cmd)
}

// client is where git writes to. After its first failure, which it reports once, it takes everything and drops it, so
// that git can finish what it is about instead of dying of a broken pipe.
type client struct {
	w      io.Writer
	gone   func() // may be nil
	failed atomic.Bool
}

func (c *client) Write(p []byte) (int, error) {
	if c.failed.Load() {
		return len(p), nil
	}
	if _, err := c.w.Write(p); err != nil {
		c.failed.Store(true)
		if c.gone != nil {
			c.gone()
		}
	}
	return len(p), nil
}

// sayIdle tells a client whose push asked for nothing where the app stands. Clients that only look get it too.
func (s *Service) sayIdle(p *push, stderr io.Writer) {
	o, err := s.Repos.objects(p.app.ID, nil)
	if err != nil {
		return
	}
	heads, err := o.heads(p.ctx)
	if err != nil {
		return
	}
	branch := deployBranch(p.app, names(heads))
	if heads[branch] == "" {
		_, _ = fmt.Fprintf(stderr, "Nothing was pushed: %s waits for its branch %s. To deploy: git push paas HEAD:%s\n", p.app.Name, branch, branch)
		return
	}
	_, _ = fmt.Fprintf(stderr, "Nothing was pushed: %s of %s is at %s.\n"+
		"To start its processes afresh: paas restart. To return to a release: paas releases, then paas rollback vN.\n",
		branch, p.app.Name, objectID(heads[branch]).short())
}

func names(heads map[string]string) []string { return slices.Sorted(maps.Keys(heads)) }

// PreReceive is the hook's call: it checks what is pushed, waits for its turn, builds the image and deploys it, and
// writes what happens to progress, a line at a time. Options are those of `git push -o`. Any error rejects the push as a whole.
func (s *Service) PreReceive(ctx context.Context, token, updates string, env map[string]string, options []string, progress io.Writer) error {
	p, err := s.answer(token)
	if err != nil {
		return err
	}
	defer close(p.hookDone)
	s.opts.Reached("receive")
	work, cancel := context.WithCancelCause(p.ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { cancel(errGone) })()
	err = canceled(work, s.admit(work, p, HookRequest{updates, env, options}, progress))
	p.answered(summary(updates), err)
	return err
}

// admit is PreReceive once the push is known.
func (s *Service) admit(ctx context.Context, p *push, req HookRequest, out io.Writer) error {
	ups, err := parseUpdates(req.Updates)
	if err != nil {
		return err
	}
	app, err := s.Records.App(p.app.ID)
	if err != nil {
		return err
	}
	o, err := s.Repos.objects(app.ID, req.Env)
	if err != nil {
		return err
	}
	heads, err := o.heads(ctx)
	if err != nil {
		return err
	}
	branch, up, err := chooseUpdate(app, names(heads), ups)
	if err != nil {
		return err
	}
	options, err := parsePushOptions(req.Options)
	if err != nil {
		return err
	}
	if err := o.whole(ctx, app, up.new); err != nil {
		return err
	}
	ord := order{app: app, kind: paas.BuildOfPush, objects: o, branch: branch, old: up.old, noCache: options.noCache}
	if ord.src, err = s.inspect(ctx, app, ord, up.new); err != nil {
		return err
	}
	if options.detach {
		return s.detach(ctx, p, ord, out)
	}
	a := &attempt{order: ord, s: s, work: p.work, push: p, out: out}
	if err := a.build(ctx); err != nil {
		return err
	}
	_, err = a.deploy()
	return err
}
