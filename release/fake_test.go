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
// GET with 302, "deaf" ignores SIGTERM, "starves" is killed where it may take less than 64 MB. An image with "missing" is not on the host, one with "gone" not after its instances have started.
// The command "exit" exits with 7.
type fakeRuntime struct {
	mu        sync.Mutex
	instances map[string]*fakeInstance
	byApp     map[string]map[string]*fakeInstance // the same, by App.ID
	images    map[string]string                   // those that something ran on, and the app
	disk      fakeDisk
	next      int
	starts    []string      // "web.1 v2", in order
	down      chan struct{} // closed while the engine does not answer
	taken     netip.Prefix  // addresses that something else on the host uses
	streams   map[*fakeStream]bool
	looks     int // calls of Instances
	probes    int
	hanging   bool
}

func newFakeRuntime() *fakeRuntime {
	return &fakeRuntime{
		instances: map[string]*fakeInstance{}, byApp: map[string]map[string]*fakeInstance{}, images: map[string]string{},
		streams: map[*fakeStream]bool{}, down: make(chan struct{}),
	}
}

type fakeInstance struct {
	paas.Instance
	spec   paas.InstanceSpec
	kept   bool
	ready  time.Time
	exited chan struct{} // closed when it has ended
	lines  []string
}

// away is the error of an engine that does not answer.
func (f *fakeRuntime) away() error {
	select {
	case <-f.down:
		return unanswered()
	default:
		return nil
	}
}

func unanswered() error { return paas.Errorf(paas.Unavailable, "the engine does not answer") }

// placeable says whether the engine is there, the image is and the subnet is free.
func (f *fakeRuntime) placeable(sp paas.InstanceSpec) error {
	if err := f.away(); err != nil {
		return err
	}
	if f.taken.IsValid() && f.taken.Overlaps(sp.Subnet) {
		return paas.Errorf(paas.Conflict, "subnet %s is in use", sp.Subnet).Because(paas.ErrSubnetTaken)
	}
	if strings.Contains(sp.Image.ID, "missing") {
		return noImage(sp.Image.ID)
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
	i := &fakeInstance{spec: sp, Instance: paas.Instance{
		ID: fmt.Sprintf("c%d", f.next), App: sp.App, AppName: sp.AppName, Type: sp.Type, Name: sp.Name, Release: sp.Release,
		Generation: sp.Generation, Size: sp.Size, Limits: sp.Size, Addr: f.address(sp), Port: sp.Port, CreatedAt: time.Now(),
	}}
	f.place(i)
	f.starts = append(f.starts, fmt.Sprintf("%s v%d", sp.Name, sp.Release))
	f.boot(i)
	return i.Instance, nil
}

// place puts an instance on the engine.
func (f *fakeRuntime) place(i *fakeInstance) {
	f.instances[i.ID] = i
	if f.byApp[i.App] == nil {
		f.byApp[i.App] = map[string]*fakeInstance{}
	}
	f.byApp[i.App][i.ID] = i
}

// address is one in the instance's subnet, going round, that no other has.
func (f *fakeRuntime) address(sp paas.InstanceSpec) netip.Addr {
	held := map[netip.Addr]bool{}
	for _, i := range f.byApp[sp.App] {
		held[i.Addr] = true
	}
	addr := netip.AddrFrom4([4]byte{10, 0, 0, 0}) // of a test that has no network
	if sp.Subnet.IsValid() {
		addr = sp.Subnet.Addr()
	}
	for n := f.next % 60; n >= 0 || held[addr]; n-- {
		if addr = addr.Next(); sp.Subnet.IsValid() && !sp.Subnet.Contains(addr) {
			addr = sp.Subnet.Addr()
		}
	}
	return addr
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
	if !there {
		close(f.down)
		return
	}
	f.down = make(chan struct{})
	f.tell(paas.InstanceEvent{Kind: "resync"})
}

// occupy makes addresses unusable.
func (f *fakeRuntime) occupy(subnet netip.Prefix) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken = subnet
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
	some := f.byApp[app]
	if app == "" {
		some = f.instances
	}
	list := make([]paas.Instance, 0, len(some))
	for _, i := range some {
		list = append(list, i.Instance)
	}
	return list, f.away()
}

func (f *fakeRuntime) HostSize(context.Context) (paas.Size, error) {
	return paas.Size{Memory: 4 << 30, CPU: 2000}, f.away()
}

// Exec is a command in an instance: "sleep" waits for its client to go, "exit" exits with 7, anything else says where it runs.
func (f *fakeRuntime) Exec(ctx context.Context, id string, req paas.ExecRequest, stdio paas.Stdio) (int, error) {
	f.mu.Lock()
	i, ok := f.instances[id]
	running := ok && i.Running
	f.mu.Unlock()
	switch {
	case !running:
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

func (f *fakeRuntime) Tail(_ context.Context, id string, n int) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, err := f.get(id)
	if err != nil {
		return nil, err
	}
	return slices.Clone(i.lines[max(0, len(i.lines)-n):]), nil
}

func (f *fakeRuntime) Listening(context.Context, string) ([]netip.AddrPort, error) {
	return []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:5000")}, nil
}

func (f *fakeRuntime) Image(_ context.Context, id string) (paas.Image, error) {
	if strings.Contains(id, "gone") || strings.Contains(id, "missing") {
		return paas.Image{}, noImage(id)
	}
	return paas.Image{ID: id}, nil
}

func noImage(id string) error {
	return paas.Errorf(paas.NotFound, "image %s is no longer on this host", id)
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

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
