package build

import (
	"context"
	"io"
	"maps"
	"sync"
	"time"

	"paas"
)

// owedEvery is the time between two tries to record the ends of builds that a full disk kept from being recorded.
const owedEvery = 30 * time.Second

// Work records, until ctx ends, what a full disk did not let be recorded when it happened, and keeps the repositories small.
func (s *Service) Work(ctx context.Context) error {
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(func() {
		for tick := time.NewTicker(tidyEvery); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				s.tidyRepos(ctx)
			}
		}
	})
	tick := time.NewTicker(owedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.payOwed()
		}
	}
}

// record keeps how a build ended. What the disk has no space for is owed; should paasd end before, the next start finds
// the build unfinished.
func (s *Service) record(b paas.Build) error {
	err := s.Records.UpdateBuild(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	if paas.OutOfSpace(err) {
		s.owed[jobKey{b.App, b.ID}] = b
	} else {
		delete(s.owed, jobKey{b.App, b.ID})
	}
	return err
}

func (s *Service) payOwed() {
	s.mu.Lock()
	owed := maps.Clone(s.owed)
	s.mu.Unlock()
	for _, b := range owed {
		err := s.record(b)
		switch {
		case err == nil:
			s.opts.Log.Info("the end of a build is recorded now that there is space", "app", b.App, "build", b.ID)
		case !paas.OutOfSpace(err) && paas.CodeOf(err) != paas.NotFound:
			s.opts.Log.Error("the end of a build is not recorded", "app", b.App, "build", b.ID, "error", err)
		}
	}
}

// boundless is a disk that always has room.
type boundless struct{}

func (boundless) ToReceive() error                         { return nil }
func (boundless) ToBuild(context.Context, io.Writer) error { return nil }
