package release

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"paas"
)

// fakeRuntime is a container engine in memory whose time can be a test's. What an instance does depends on words in its
// image's id: "crash" exits at boot with status 1, "slow" listens after 8 s, "mute" never listens, "redirect" answers any
// GET with 302, "deaf" ignores SIGTERM.
type fakeRuntime struct {
	mu        sync.Mutex
	instances map[string]*fakeInstance
	images    map[string]string // those that something ran on, and the app
	disk      fakeDisk
	next      int
	starts    []string     // "web.1 v2", in order
	down      bool         // the engine does not answer
	taken     netip.Prefix // addresses that something else on the host uses
	events    func(paas.InstanceEvent)
	looks     int // calls of Instances
	probes    int
	hanging   bool
}

type fakeInstance struct {
	paas.Instance
	spec   paas.InstanceSpec
	kept   bool
	ready  time.Time
	exited chan struct{}
}

func (f *fakeRuntime) away() error {
	if f.down {
		return paas.Errorf(paas.Unavailable, "the engine does not answer")
	}
	return nil
}

// placeable says whether the engine is there and the subnet is free.
func (f *fakeRuntime) placeable(sp paas.InstanceSpec) error {
	if err := f.away(); err != nil {
		return err
	}
	if f.taken.IsValid() && f.taken.Overlaps(sp.Subnet) {
		return paas.Errorf(paas.Conflict, "subnet %s is in use", sp.Subnet).Because(paas.ErrSubnetTaken)
	}
	return nil
}

func (f *fakeRuntime) Start(_ context.Context, sp paas.InstanceSpec) (paas.Instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.placeable(sp); err != nil {
		return paas.Instance{}, err
	}
	if err := f.disk.fits(sp.Name); err != nil {
		return paas.Instance{}, err
	}
	f.next++
	f.images[sp.Image.ID] = sp.App
	i := &fakeInstance{spec: sp, exited: make(chan struct{}), ready: time.Now(), Instance: paas.Instance{
		ID: fmt.Sprintf("c%d", f.next), App: sp.App, AppName: sp.AppName, Type: sp.Type, Name: sp.Name, Release: sp.Release,
		Generation: sp.Generation, Addr: netip.AddrFrom4([4]byte{10, 0, byte(f.next / 250), byte(f.next%250 + 2)}), Port: sp.Port,
		CreatedAt: time.Now(), StartedAt: time.Now(), Running: true,
	}}
	f.instances[i.ID] = i
	f.starts = append(f.starts, fmt.Sprintf("%s v%d", sp.Name, sp.Release))
	switch image := sp.Image.ID; {
	case strings.Contains(image, "crash") && sp.Type != paas.RunType && !strings.Contains(image, "not-"+sp.Type):
		i.ready = time.Now().Add(time.Hour)
		time.AfterFunc(50*time.Millisecond, func() { f.exit(i.ID, 1) })
	case strings.Contains(image, "slow"):
		i.ready = time.Now().Add(8 * time.Second)
	case strings.Contains(image, "mute"):
		i.ready = time.Now().Add(1000 * time.Hour)
	}
	return i.Instance, nil
}

// exit ends an instance and tells whoever watches.
func (f *fakeRuntime) exit(id string, code int) {
	f.mu.Lock()
	i, ok := f.instances[id]
	var events func(paas.InstanceEvent)
	if ok && i.Running {
		i.Running, i.Exited, i.ExitCode = false, true, code
		close(i.exited)
		events = f.events
	}
	f.mu.Unlock()
	if events != nil {
		events(paas.InstanceEvent{App: i.App, ID: id, Name: i.Name, Kind: "die"})
	}
}

// revive is an engine that starts an instance again before anybody looks.
func (f *fakeRuntime) revive(id string, code int) {
	f.mu.Lock()
	i, events := f.instances[id], f.events
	i.Restarted = true
	f.mu.Unlock()
	events(paas.InstanceEvent{App: i.App, ID: id, Name: i.Name, Kind: "die", ExitCode: code})
}

// load is how often the engine was looked at, and an instance probed.
func (f *fakeRuntime) load() (looks, probes int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.looks, f.probes
}

// hang makes probes of images with "hangs-later" in their id take an hour, or not.
func (f *fakeRuntime) hang(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hanging = on
}

func (f *fakeRuntime) hangs(t target) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.instances {
		if i.Addr == t.addr.Addr() && strings.Contains(i.spec.Image.ID, "hangs-later") {
			return f.hanging
		}
	}
	return false
}

func (f *fakeRuntime) probe(ctx context.Context, t target) trouble {
	if f.hangs(t) {
		select {
		case <-ctx.Done():
		case <-time.After(time.Hour):
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.probes++
	for _, i := range f.instances {
		if i.Addr == t.addr.Addr() && i.Running && !time.Now().Before(i.ready) {
			if strings.Contains(i.spec.Image.ID, "redirect") && t.path != "" {
				return trouble{what: "status 302", listens: true}
			}
			return trouble{}
		}
	}
	return trouble{what: "connection refused"}
}

func (f *fakeRuntime) find(slot string) *fakeInstance {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found *fakeInstance
	for _, i := range f.instances {
		if i.Name == slot && i.Running && (found == nil || i.CreatedAt.After(found.CreatedAt)) {
			found = i
		}
	}
	return found
}

// sicken makes an instance no longer listen.
func (f *fakeRuntime) sicken(i *fakeInstance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i.ready = time.Now().Add(1000 * time.Hour)
}

// diagnose makes the HEALTHCHECK of an instance's image say unhealthy.
func (f *fakeRuntime) diagnose(i *fakeInstance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i.Unhealthy = true
}

// engine takes the engine away, or brings it back.
func (f *fakeRuntime) engine(there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = !there
}

// running lists "web.1 v2" of all that runs, sorted.
func (f *fakeRuntime) running() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := []string{}
	for _, i := range f.instances {
		if i.Running {
			list = append(list, fmt.Sprintf("%s v%d", i.Name, i.Release))
		}
	}
	slices.Sort(list)
	return list
}

func (f *fakeRuntime) Instances(_ context.Context, app string) ([]paas.Instance, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looks++
	var list []paas.Instance
	for _, i := range f.instances {
		if app == "" || i.App == app {
			list = append(list, i.Instance)
		}
	}
	return list, f.away()
}

func (f *fakeRuntime) Wait(ctx context.Context, id string) (paas.Instance, error) {
	f.mu.Lock()
	i, ok := f.instances[id]
	err := f.away()
	f.mu.Unlock()
	if err != nil {
		return paas.Instance{}, err
	}
	if !ok {
		return paas.Instance{}, paas.Errorf(paas.NotFound, "no instance %s", id)
	}
	select {
	case <-ctx.Done():
		return paas.Instance{}, ctx.Err()
	case <-i.exited:
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return i.Instance, nil
}

func (f *fakeRuntime) Keep(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i, ok := f.instances[id]; ok {
		i.kept = true
	}
	return f.away()
}

func (f *fakeRuntime) Stop(ctx context.Context, id string, grace time.Duration) (bool, error) {
	f.mu.Lock()
	i, ok := f.instances[id]
	deaf := ok && strings.Contains(i.spec.Image.ID, "deaf")
	f.mu.Unlock()
	if !ok {
		return false, paas.Errorf(paas.NotFound, "no instance %s", id)
	}
	if !deaf {
		f.exit(id, 143)
		return false, nil
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-time.After(grace):
	}
	f.exit(id, 137)
	return true, nil
}

func (f *fakeRuntime) Remove(_ context.Context, id string) error {
	f.exit(id, 137)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.instances, id)
	return nil
}

func (f *fakeRuntime) Events(ctx context.Context, fn func(paas.InstanceEvent)) error {
	f.mu.Lock()
	f.events = fn
	f.mu.Unlock()
	fn(paas.InstanceEvent{Kind: "resync"})
	<-ctx.Done()
	f.mu.Lock()
	f.events = nil
	f.mu.Unlock()
	return nil
}

func (f *fakeRuntime) Run(ctx context.Context, sp paas.InstanceSpec, stdio paas.Stdio, started func(paas.Instance)) (int, error) {
	i, err := f.Start(ctx, sp)
	if err != nil {
		return 0, err
	}
	started(i)
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.instances, i.ID)
	}()
	if strings.Contains(sp.Image.ID, "norelease") {
		fmt.Fprintln(stdio.Stdout, "migration failed")
		return 1, nil
	}
	if slices.Contains(sp.Command, "sleep") {
		<-ctx.Done()
		return 129, ctx.Err()
	}
	fmt.Fprintln(stdio.Stdout, strings.Join(sp.Command, " "))
	return 0, nil
}

// Exec is a command in an instance: "sleep" waits for its client to go, "exit" exits with 7, anything else says where it runs.
func (f *fakeRuntime) Exec(ctx context.Context, id string, req paas.ExecRequest, stdio paas.Stdio) (int, error) {
	f.mu.Lock()
	i, ok := f.instances[id]
	f.mu.Unlock()
	switch {
	case !ok || !i.Running:
		return 0, paas.Errorf(paas.Conflict, "instance %s is not running", id)
	case req.Command[0] == "sleep":
		<-ctx.Done()
		return 0, paas.Errorf(paas.Canceled, "its client had gone")
	case req.Command[0] == "exit":
		return 7, nil
	}
	fmt.Fprintf(stdio.Stdout, "%s in %s v%d\n", strings.Join(req.Command, " "), i.Name, i.Release)
	return 0, nil
}

func (f *fakeRuntime) Tail(context.Context, string, int) ([]string, error) {
	return []string{"its last words"}, nil
}

func (f *fakeRuntime) Listening(context.Context, string) ([]netip.AddrPort, error) {
	return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:5000")}, nil
}

func (f *fakeRuntime) Image(_ context.Context, id string) (paas.Image, error) {
	if strings.Contains(id, "gone") {
		return paas.Image{}, paas.Errorf(paas.NotFound, "image %s is no longer on this host", id)
	}
	return paas.Image{ID: id}, nil
}

func (f *fakeRuntime) RemoveNetwork(context.Context, string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.away()
}

// progressLog is a Progress that can be read.
type progressLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (p *progressLog) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(data)
}

func (p *progressLog) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
