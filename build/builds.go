package build

import (
	"context"
	"io"

	"paas"
)

// jobKey names a build.
type jobKey struct {
	app string
	id  int
}

// job is a build that is not final.
type job struct {
	key    jobKey
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when its record is final
}

func (s *Service) addJob(b paas.Build, cancel context.CancelCauseFunc) *job {
	j := &job{key: jobKey{b.App, b.ID}, cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[j.key] = j
	return j
}

func (s *Service) removeJob(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, j.key)
	close(j.done)
}

// Builds lists the builds of the app of that name, newest first.
func (s *Service) Builds(_ context.Context, app string) ([]paas.BuildInfo, error) {
	a, err := s.Records.AppByName(app)
	if err != nil {
		return nil, err
	}
	builds, err := s.Records.Builds(a.ID)
	if err != nil {
		return nil, err
	}
	infos := make([]paas.BuildInfo, 0, len(builds))
	for _, b := range builds {
		infos = append(infos, b.Info(s.opts.Now()))
	}
	return infos, nil
}

// Build returns one build of the app of that name.
func (s *Service) Build(_ context.Context, app string, id int) (paas.BuildInfo, error) {
	b, err := s.find(app, id)
	if err != nil {
		return paas.BuildInfo{}, err
	}
	return b.Info(s.opts.Now()), nil
}

func (s *Service) find(app string, id int) (paas.Build, error) {
	a, err := s.Records.AppByName(app)
	if err != nil {
		return paas.Build{}, err
	}
	b, err := s.Records.Build(a.ID, id)
	if paas.CodeOf(err) == paas.NotFound {
		return b, paas.Errorf(paas.NotFound, "%s has no build %d", app, id).WithHint("paas builds -a %s", app).Because(err)
	}
	return b, err
}

// BuildLog copies the build's log to w, and follows a build that has not ended until it has. Without colours it is plain text.
func (s *Service) BuildLog(ctx context.Context, app string, id int, colours bool, w io.Writer) error {
	b, err := s.find(app, id)
	if err != nil {
		return err
	}
	if !colours {
		w = &fade{w: w}
	}
	return s.logs.follow(ctx, jobKey{b.App, b.ID}, w)
}

// CancelBuild cancels a build that has not ended, and returns it once it has; its push is rejected.
func (s *Service) CancelBuild(ctx context.Context, app string, id int) (paas.BuildInfo, error) {
	b, err := s.find(app, id)
	if err != nil {
		return paas.BuildInfo{}, err
	}
	s.mu.Lock()
	j := s.jobs[jobKey{b.App, b.ID}]
	s.mu.Unlock()
	if j == nil {
		return paas.BuildInfo{}, paas.Errorf(paas.Conflict, "build %d of %s has ended: %s", id, app, b.Status).WithHint("paas builds -a %s", app)
	}
	j.cancel(paas.Errorf(paas.Canceled, "build %d was canceled by %s", id, paas.UserOf(ctx)).WithHint("paas builds -a %s", app))
	select {
	case <-j.done:
		return s.Build(ctx, app, id)
	case <-ctx.Done():
		return paas.BuildInfo{}, context.Cause(ctx)
	}
}
