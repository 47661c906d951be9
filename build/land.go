package build

import (
	"bytes"
	"context"

	"paas"
)

// checkBranch compares the branch with what git told the pusher of it. Another push may have moved it while this one
// waited: one that builds upon it goes on, and git is helped to accept it (see land); any other has to be merged first.
func (a *attempt) checkBranch(ctx context.Context) error {
	heads, err := a.objects.heads(ctx)
	if err != nil {
		return err
	}
	now := objectID(heads[a.branch])
	if now == a.old || now == "" && a.old.zero() {
		return nil
	}
	upon := false
	if now != "" && now != a.src.commit {
		if upon, err = a.objects.isAncestor(ctx, now, a.src.commit); err != nil {
			return err
		}
	}
	switch {
	case upon:
		a.push.moved = &update{old: now, new: a.src.commit, ref: a.branch}
		return nil
	case now == a.src.commit:
		return paas.Errorf(paas.Conflict, "another push deployed %s while this one waited", now.short()).WithHint("paas releases")
	}
	return paas.Errorf(paas.Conflict, "%s moved while this push waited, and %s does not build upon it", a.branch, a.src.commit.short()).
		WithHint("git pull --rebase paas %s, then git push paas HEAD:%s", a.branch, a.branch)
}

// deploy hands the build to the deployer; its error rejects a push and leaves the build as it is. A client that leaves now no
// longer takes the work along.
func (a *attempt) deploy() (paas.Release, error) {
	if err := a.work.commitTo(); err != nil {
		return paas.Release{}, err
	}
	out := a.lines()
	rel, err := a.s.Deployer.Deploy(a.work.lasting, a.app.ID, a.record, out)
	if a.push == nil || err != nil && rel.Status != paas.ReleaseSucceeded {
		return rel, err
	}
	if err != nil { // the app is at this commit now, so the branch has to be, too
		writeError(out, err)
	}
	return rel, a.land()
}

// land makes sure that git can move the branch. Git moves it from where it was when the pusher connected; when a push
// before this one has moved it since, it is set back to there for the moment until git moves it on.
func (a *attempt) land() error {
	ctx, cancel := context.WithTimeout(context.Background(), landing)
	defer cancel()
	if err := a.objects.setHead(ctx, a.branch); err != nil {
		a.s.opts.Log.Warn("clones check out no branch", "app", a.app.ID, "branch", a.branch, "error", err)
	}
	if m := a.push.moved; m != nil {
		o, err := a.s.Repos.objects(a.app.ID, nil)
		if err != nil {
			return err
		}
		return o.moveBranch(ctx, a.branch, a.old, m.old)
	}
	return nil
}

// landed puts a branch that was set back for git where it belongs, should git not have moved it on.
func (s *Service) landed(p *push) error {
	m := p.moved
	if m == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), landing)
	defer cancel()
	o, err := s.Repos.objects(p.app.ID, nil)
	if err != nil {
		return err
	}
	heads, err := o.heads(ctx)
	if err != nil {
		return err
	}
	if now := objectID(heads[m.ref]); now != m.new && now != m.old {
		if now == "" {
			now = objectID(zeros(len(m.old)))
		}
		return o.moveBranch(ctx, m.ref, m.old, now)
	}
	return nil
}

func zeros(n int) []byte { return bytes.Repeat([]byte("0"), n) }
