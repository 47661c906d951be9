package build

import (
	"context"
	"errors"
	"io"
	"regexp"

	"paas"
)

// someCommit is a commit's id or the beginning of one.
var someCommit = regexp.MustCompile(`^[0-9a-f]{4,64}$`)

// CreateBuild builds a commit that the app's repository has, or gets an image that was made elsewhere, and deploys it. It ends when ctx does, until the deployment has
// begun; with Detach it returns once the build is queued, and goes on.
func (s *Service) CreateBuild(ctx context.Context, app string, req paas.BuildRequest, progress io.Writer) (paas.BuildResult, error) {
	record, err := s.Records.AppByName(app)
	if err != nil {
		return paas.BuildResult{}, err
	}
	working := ctx
	if req.Detach {
		working = context.WithoutCancel(ctx)
	}
	var w *work
	if err := s.begin(working, record, func(begun *work) { w = begun }); err != nil {
		return paas.BuildResult{}, err
	}
	a := &attempt{order: order{app: record}, s: s, work: w, out: &client{w: progress, gone: func() { w.cancel(errGone) }}}
	if req.Detach {
		a.out = io.Discard
	}
	if err := a.prepare(req); err != nil {
		s.end(w)
		return paas.BuildResult{}, canceled(w.ctx, err)
	}
	if !req.Detach {
		defer s.end(w)
		return a.carryOut()
	}
	queued := paas.BuildResult{BuildInfo: a.record.Info(s.opts.Now())}
	go func() { // which Close waits for
		defer s.end(w)
		if _, err := a.carryOut(); err != nil {
			s.opts.Log.Info("a build on its own did not deploy", "app", w.app.ID, "build", a.record.ID, "reason", err)
		}
	}()
	return queued, nil
}

// BuildPlan says how a commit would be built, and builds nothing.
func (s *Service) BuildPlan(ctx context.Context, app, commit string) (paas.BuildPlan, error) {
	record, err := s.Records.AppByName(app)
	if err != nil {
		return paas.BuildPlan{}, err
	}
	if err := s.Repos.Create(ctx, record.ID); err != nil {
		return paas.BuildPlan{}, err
	}
	o, err := s.Repos.objects(record.ID, nil)
	if err != nil {
		return paas.BuildPlan{}, err
	}
	id, err := s.commitOf(ctx, record, o, commit)
	if err != nil {
		return paas.BuildPlan{}, err
	}
	src, err := s.inspect(ctx, record, order{objects: o}, id)
	if err != nil {
		return paas.BuildPlan{}, err
	}
	p := paas.BuildPlan{
		Commit: string(id), Language: src.plan.Language, Because: src.plan.Because, Dockerfile: src.plan.Dockerfile, Text: src.plan.Text,
		Ignore: src.plan.Ignore, Notes: src.plan.Notes, ProcessTypes: map[string]string{},
	}
	for _, t := range src.types {
		p.ProcessTypes[t.Name] = t.Command
	}
	return p, nil
}

// prepare finds the commit, reads what decides its build, and makes the record.
func (a *attempt) prepare(req paas.BuildRequest) (err error) {
	ctx, app := a.work.ctx, a.app
	if req.Image != "" {
		return a.prepareImage(req)
	}
	a.noCache, a.colours = req.NoCache, req.Colours
	if err = a.s.Repos.Create(ctx, app.ID); err != nil {
		return err
	}
	if a.objects, err = a.s.Repos.objects(app.ID, nil); err != nil {
		return err
	}
	commit, err := a.s.commitOf(ctx, app, a.objects, req.Commit)
	if err != nil {
		return err
	}
	a.kind = paas.BuildOfCommit
	if a.objects.isUpload(ctx, commit) {
		a.kind = paas.BuildOfArchive
	}
	if a.src, err = a.s.inspect(ctx, app, a.order, commit); err != nil {
		return err
	}
	return a.register(ctx)
}

// prepareImage makes the record of an image that is made elsewhere.
func (a *attempt) prepareImage(req paas.BuildRequest) (err error) {
	if req.Commit != "" || req.NoCache {
		return paas.Errorf(paas.Invalid, "an image that is made elsewhere has neither a commit nor a cache here").WithHint("paas deploy --image REF")
	}
	a.kind, a.reference, a.src.types = paas.BuildOfImage, req.Image, paas.ProcessTypes{{Name: paas.Web}}
	if req.Procfile != "" {
		a.src.procfile = true
		if a.src.types, err = ParseProcfile([]byte(req.Procfile)); err != nil {
			return err
		}
	}
	return a.register(a.work.ctx)
}

// carryOut builds and deploys.
func (a *attempt) carryOut() (paas.BuildResult, error) {
	if err := canceled(a.work.ctx, a.proceed(a.work.ctx)); err != nil {
		return paas.BuildResult{BuildInfo: a.record.Info(a.s.opts.Now())}, err
	}
	rel, err := a.deploy()
	return paas.BuildResult{BuildInfo: a.record.Info(a.s.opts.Now()), Release: rel.Version}, err
}

// commitOf finds the commit that a request means; "" is that of the newest build.
func (s *Service) commitOf(ctx context.Context, app paas.App, o objects, asked string) (objectID, error) {
	if asked == "" {
		builds, err := s.Records.Builds(app.ID)
		if err != nil {
			return "", err
		}
		for _, b := range builds {
			if b.Commit != "" {
				return s.commitOf(ctx, app, o, b.Commit)
			}
		}
		return "", paas.Errorf(paas.Conflict, "%s has no commit to build: nothing was pushed yet", app.Name).WithHint("git push paas main")
	}
	unknown := paas.Errorf(paas.NotFound, "%s has no commit %s", app.Name, paas.Quote(asked)).WithHint("paas builds -a %s lists those that it has; git push paas brings others", app.Name)
	if !someCommit.MatchString(asked) {
		return "", unknown
	}
	id, err := o.commit(ctx, asked)
	if _, no := errors.AsType[*gitError](err); no {
		return "", unknown.Because(err)
	}
	return id, err
}
