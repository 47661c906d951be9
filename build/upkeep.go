package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"paas"
)

const (
	// tidyEvery is how often repositories that were used are looked at, and tidyTime what tidying one may take.
	tidyEvery = time.Minute
	tidyTime  = time.Hour
	// keptCommits of an app's newest builds stay in its repository, whatever is pushed over them.
	keptCommits = 50
	keptRefs    = ownRefs + "/commits/"
)

// wear is how untidy a repository may be that is not in use.
type wear struct {
	loose int    // objects
	packs int    // of objects
	spare string // the age up to which objects stay though nothing refers to them: somebody may be about to
}

// upkeep keeps repositories whole and small. Whoever writes to one uses it; while nobody does it is swept of what a killed git left,
// and tidied. Tidying gives way to whoever comes.
type upkeep struct {
	repos *Repos
	wear  wear

	mu   sync.Mutex
	uses map[string]*use // by app id
}

// use is what goes on in one repository.
type use struct {
	users int
	worn  bool          // it was used since it was tidied
	busy  chan struct{} // closed when the sweeping or tidying under way has ended; nil: there is none
	yield context.CancelFunc
}

func newUpkeep(repos *Repos) *upkeep {
	return &upkeep{repos: repos, wear: wear{loose: 1000, packs: 20, spare: "1.hour.ago"}, uses: map[string]*use{}}
}

// use says that the app's repository is about to be written to; done that it no longer is.
func (u *upkeep) use(ctx context.Context, app string) (done func(), err error) {
	first, err := u.enter(ctx, app)
	if err != nil {
		return nil, err
	}
	if first {
		err = sweepLocks(u.repos.Path(app))
		u.free(app)
	}
	done = func() { u.leave(app) }
	if err != nil {
		done()
		return nil, fmt.Errorf("sweep the repository of %s: %w", app, err)
	}
	return done, nil
}

// enter waits for what goes on in the repository, and counts its user. The first one has it for itself until free.
func (u *upkeep) enter(ctx context.Context, app string) (first bool, err error) {
	for {
		u.mu.Lock()
		of := u.of(app)
		busy := of.busy
		if busy == nil {
			first = of.users == 0
			of.users++
			of.worn = true
			if first {
				of.busy, of.yield = make(chan struct{}), func() {}
			}
			u.mu.Unlock()
			return first, nil
		}
		of.yield()
		u.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// of is the app's use; u.mu is held.
func (u *upkeep) of(app string) *use {
	of := u.uses[app]
	if of == nil {
		of = &use{}
		u.uses[app] = of
	}
	return of
}

func (u *upkeep) free(app string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	of := u.uses[app]
	close(of.busy)
	of.busy = nil
}

func (u *upkeep) leave(app string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.uses[app].users--
}

// forget drops an app that is gone.
func (u *upkeep) forget(app string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if of := u.uses[app]; of != nil && of.users == 0 && of.busy == nil {
		delete(u.uses, app)
	}
}

// found notes the repositories that are there, as to be looked at.
func (u *upkeep) found() error {
	entries, err := os.ReadDir(u.repos.dir)
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, e := range entries {
		if app, ok := strings.CutSuffix(e.Name(), ".git"); ok && appID.MatchString(app) {
			u.of(app).worn = true
		}
	}
	return nil
}

// claim takes a repository that was used and is no longer, for tidying, until free. "": there is none.
func (u *upkeep) claim(yield context.CancelFunc) (app string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for app, of := range u.uses {
		if of.worn && of.users == 0 && of.busy == nil {
			of.worn = false
			of.busy, of.yield = make(chan struct{}), yield
			return app
		}
	}
	return ""
}

// tidyRepos tidies, one after the other, the repositories that were used and are no longer.
func (s *Service) tidyRepos(ctx context.Context) {
	for ctx.Err() == nil {
		turn, cancel := context.WithTimeout(ctx, tidyTime)
		app := s.upkeep.claim(cancel)
		if app == "" {
			cancel()
			return
		}
		err := s.tidy(turn, app)
		cut := turn.Err() != nil
		cancel()
		s.upkeep.free(app)
		switch {
		case paas.CodeOf(err) == paas.NotFound:
			s.upkeep.forget(app)
		case err != nil && !cut:
			s.opts.Log.Warn("a repository is not tidied", "app", app, "error", err)
		}
	}
}

// tidy makes a repository small that nobody writes to. What it does not need is kept for an hour, the commits of builds for
// longer: see keep.
func (s *Service) tidy(ctx context.Context, app string) error {
	builds, err := s.Records.Builds(app)
	if err != nil {
		return err
	}
	o, err := s.Repos.objects(app, nil)
	if err != nil {
		return err
	}
	if err := o.keep(ctx, builds[:min(len(builds), keptCommits)]); err != nil {
		return err
	}
	if err := o.heal(ctx); err != nil {
		return err
	}
	if worn, err := o.worn(ctx, s.upkeep.wear); err != nil || !worn {
		return err
	}
	if err := sweepRepo(o.path); err != nil {
		return err
	}
	return o.collect(ctx, s.upkeep.wear.spare)
}

// keep holds the commits of builds by refs of paasd's own, so that they can be built again although no branch has them.
func (o objects) keep(ctx context.Context, builds []paas.Build) error {
	have, err := o.output(ctx, "for-each-ref", "--format=%(refname)", keptRefs)
	if err != nil {
		return err
	}
	stale := map[string]bool{}
	for ref := range strings.Lines(string(have)) {
		stale[strings.TrimPrefix(strings.TrimSuffix(ref, "\n"), keptRefs)] = true
	}
	var changes strings.Builder
	wanted := map[string]bool{}
	for _, b := range builds {
		if !fullID.MatchString(b.Commit) || wanted[b.Commit] {
			continue
		}
		wanted[b.Commit] = true
		if stale[b.Commit] {
			delete(stale, b.Commit)
		} else if o.has(ctx, objectID(b.Commit)) { // that of a push that was refused is not there
			fmt.Fprintf(&changes, "update %s%s %s\n", keptRefs, b.Commit, b.Commit)
		}
	}
	for commit := range stale {
		fmt.Fprintf(&changes, "delete %s%s\n", keptRefs, commit)
	}
	if changes.Len() == 0 {
		return nil
	}
	_, err = o.feed(ctx, strings.NewReader(changes.String()), "update-ref", "--stdin")
	return err
}

func (o objects) has(ctx context.Context, commit objectID) bool {
	_, err := o.output(ctx, "cat-file", "-e", string(commit)+"^{commit}")
	return err == nil
}

// heal makes a repository whole again that took a push without its history, once all of that history has come.
func (o objects) heal(ctx context.Context) error {
	if !o.isShallow() {
		return nil
	}
	whole := o
	whole.env = append(whole.env, envShallow+"=") // as if it were whole
	_, err := whole.output(ctx, "rev-list", "--quiet", "--objects", "--all")
	if _, ok := errors.AsType[*gitError](err); ok {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(filepath.Join(o.path, shallowFile))
}

// worn says whether the repository has become untidy.
func (o objects) worn(ctx context.Context, most wear) (bool, error) {
	out, err := o.output(ctx, "count-objects", "-v")
	if err != nil {
		return false, err
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		counts[name], _ = strconv.Atoi(value)
	}
	return counts["count"] > most.loose || counts["packs"] > most.packs || counts["garbage"] > 0, nil
}

// collect packs everything and drops what nothing refers to, at the lowest priority.
func (o objects) collect(ctx context.Context, spare string) error {
	stderr := capped{max: 4 << 10}
	cmd := o.repos.command(ctx, o.env, "--git-dir="+o.path, "gc", "--quiet", "--prune="+spare)
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, 19) // best effort; it fails when git has ended
	code, err := wait(ctx, cmd)
	if err == nil && code != 0 {
		err = &gitError{command: "gc", code: code, stderr: stderr.text()}
	}
	return err
}
