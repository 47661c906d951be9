package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"paas"
)

// fakeStream is one call of Events.
type fakeStream struct {
	events chan paas.InstanceEvent
	ctx    context.Context
}

func (f *fakeRuntime) Events(ctx context.Context, fn func(paas.InstanceEvent)) error {
	s := &fakeStream{events: make(chan paas.InstanceEvent, 10_000), ctx: ctx}
	f.mu.Lock()
	f.streams[s] = true
	if f.away() == nil {
		s.events <- paas.InstanceEvent{Kind: "resync"}
	}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.streams, s)
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-s.events:
			fn(e)
		}
	}
}

// tell tells everybody who watches. Like all below that does not lock, it wants f.mu held.
func (f *fakeRuntime) tell(e paas.InstanceEvent) {
	for s := range f.streams {
		if f.away() == nil {
			s.events <- e
		}
	}
}

func (f *fakeRuntime) tellOf(i *fakeInstance, kind string, code int) {
	f.tell(paas.InstanceEvent{App: i.App, ID: i.ID, Name: i.Name, Kind: kind, ExitCode: code})
}

// get finds an instance that is there.
func (f *fakeRuntime) get(id string) (*fakeInstance, error) {
	if err := f.away(); err != nil {
		return nil, err
	}
	i, ok := f.instances[id]
	if !ok {
		return nil, paas.Errorf(paas.NotFound, "no instance %s", id)
	}
	return i, nil
}

// boot begins what an instance does.
func (f *fakeRuntime) boot(i *fakeInstance) {
	i.Running, i.Exited, i.ExitCode = true, false, 0
	i.StartedAt, i.ready, i.exited = time.Now(), time.Now(), make(chan struct{})
	i.lines = append(i.lines, "ready")
	f.tellOf(i, "start", 0)
	switch image := i.spec.Image.ID; {
	case i.Type == paas.RunType: // see Run
	case slices.Equal(i.spec.Command, []string{"exit"}):
		f.exitSoon(i, 7)
	case strings.Contains(image, "crash") && !strings.Contains(image, "not-"+i.Type):
		i.ready = time.Now().Add(time.Hour)
		f.exitSoon(i, 1)
	case strings.Contains(image, "starves") && i.spec.Size.Memory != 0 && i.spec.Size.Memory < 64<<20:
		i.ready, i.OOMKilled = time.Now().Add(time.Hour), true
		f.exitSoon(i, 137)
	case strings.Contains(image, "slow"):
		i.ready = time.Now().Add(8 * time.Second)
	case strings.Contains(image, "mute"):
		i.ready = time.Now().Add(1000 * time.Hour)
	}
}

func (f *fakeRuntime) exitSoon(i *fakeInstance, code int) {
	time.AfterFunc(50*time.Millisecond, func() { f.exit(i.ID, code) })
}

// exit ends an instance's process, behind the engine's back.
func (f *fakeRuntime) exit(id string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i, ok := f.instances[id]; ok {
		f.end(i, code)
	}
}

// end ends what runs. What is kept the engine starts again after a moment, as the real one does.
func (f *fakeRuntime) end(i *fakeInstance, code int) {
	if !i.Running {
		return
	}
	i.Running, i.Exited, i.ExitCode, i.FinishedAt = false, true, code, time.Now()
	i.lines = append(i.lines, "its last words")
	if code == 7 {
		i.lines = append(i.lines, "exiting with 7")
	}
	close(i.exited)
	f.tellOf(i, "die", code)
	if i.kept {
		i.Restarted = true
		time.AfterFunc(100*time.Millisecond, func() { f.again(i) })
	}
}

func (f *fakeRuntime) again(i *fakeInstance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.get(i.ID); err == nil && i.kept && !i.Running {
		f.boot(i)
	}
}

// revive is an engine that starts an instance again before anybody looks.
func (f *fakeRuntime) revive(id string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.instances[id]
	f.end(i, code)
	f.boot(i)
}

func (f *fakeRuntime) Keep(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.get(id)
	if err == nil {
		i.kept = true
	}
	return err
}

func (f *fakeRuntime) Stop(ctx context.Context, id string, grace time.Duration) (bool, error) {
	f.mu.Lock()
	i, err := f.get(id)
	if err != nil {
		f.mu.Unlock()
		return false, err
	}
	i.kept = false
	if !strings.Contains(i.spec.Image.ID, "deaf") {
		f.end(i, 143)
	}
	exited, down := i.exited, f.down
	f.mu.Unlock()
	select {
	case <-exited:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	case <-down:
		return false, unanswered()
	case <-time.After(grace):
	}
	f.exit(id, 137)
	return true, nil
}

func (f *fakeRuntime) Remove(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.get(id)
	if err != nil {
		if paas.CodeOf(err) == paas.NotFound {
			err = nil
		}
		return err
	}
	i.kept = false
	f.end(i, 137)
	delete(f.instances, id)
	delete(f.byApp[i.App], id)
	f.tellOf(i, "destroy", 0)
	return nil
}

func (f *fakeRuntime) Wait(ctx context.Context, id string) (paas.Instance, error) {
	f.mu.Lock()
	i, err := f.get(id)
	if err != nil {
		f.mu.Unlock()
		return paas.Instance{}, err
	}
	exited, down := i.exited, f.down
	f.mu.Unlock()
	select {
	case <-ctx.Done():
		return paas.Instance{}, ctx.Err()
	case <-down:
		return paas.Instance{}, unanswered()
	case <-exited:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if i, err = f.get(id); err != nil {
		return paas.Instance{}, err
	}
	return i.Instance, nil
}

// Run runs a one-off: on an image with "norelease" it fails, "sleep" waits for its client to leave, "exit" exits with 7, anything
// else prints itself.
func (f *fakeRuntime) Run(ctx context.Context, sp paas.InstanceSpec, stdio paas.Stdio, started func(paas.Instance)) (int, error) {
	sp.Type = paas.RunType
	i, err := f.Start(ctx, sp)
	if err != nil {
		return 125, err
	}
	if started != nil {
		started(i)
	}
	code, err := runOneOff(ctx, sp, stdio)
	f.exit(i.ID, code)
	return code, errors.Join(err, f.Remove(ctx, i.ID))
}

func runOneOff(ctx context.Context, sp paas.InstanceSpec, stdio paas.Stdio) (int, error) {
	text, code := strings.Join(sp.Command, " "), 0
	switch {
	case strings.Contains(sp.Image.ID, "norelease"):
		text, code = "migration failed", 1
	case slices.Contains(sp.Command, "sleep"):
		<-ctx.Done()
		return 129, paas.Errorf(paas.Canceled, "%s was ended because its client had gone", sp.Name)
	case slices.Equal(sp.Command, []string{"exit"}):
		text, code = "exiting with 7", 7
	}
	fmt.Fprintln(stdio.Stdout, text)
	return code, nil
}
