package runtime

import (
	"fmt"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"

	"paas"
)

// mirror keeps what inspections of instances said, so that a look at many of them is one listing. The engine's event
// stream vouches for it: what an event speaks of, or a listing contradicts, has to be inspected again, and while no
// stream is connected nothing is kept at all.
//
// An inspection takes a while, in which events come. So every moment has a number, and an answer is kept only if its
// instance was not spoken of since it was asked for. What the mirror tells is never older than what Events has told.
type mirror struct {
	mu      sync.Mutex
	moment  uint64
	streams int             // that are connected
	since   uint64          // when the last of them connected
	memos   map[string]memo // by instance
}

// memo is what is known of one instance: its details, or only that it has changed.
type memo struct {
	at      uint64 // when an event spoke of it, or when its details were asked for
	known   bool
	details details
}

// details are what only an inspection tells.
type details struct {
	instance paas.Instance
	state    container.ContainerState
}

// telling are the events after which an instance has to be inspected again. A kill, an update and a new name change
// nothing of what we keep; they are rare, and an inspection too many is better than one too few. What happens to its
// networks needs no event: a listing has the addresses.
func telling() []string {
	return []string{
		string(events.ActionStart), string(events.ActionDie), string(events.ActionOOM), string(events.ActionDestroy), string(events.ActionRestart),
		string(events.ActionKill), string(events.ActionUpdate), string(events.ActionRename), string(events.ActionHealthStatus),
	}
}

// now is a moment after all that were and before all that will be.
func (m *mirror) now() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tick()
}

func (m *mirror) tick() uint64 {
	m.moment++
	return m.moment
}

// connected notes an event stream that misses nothing from here on. What happened before may have been missed.
func (m *mirror) connected() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streams++
	m.since = m.tick()
	m.memos = map[string]memo{}
}

// lost notes that an event stream has ended.
func (m *mirror) lost() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streams--
	if m.streams == 0 {
		m.memos = nil
	}
}

// told notes that something happened to an instance.
func (m *mirror) told(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.streams > 0 {
		m.memos[id] = memo{at: m.tick()}
	}
}

// keep takes the details of an instance that were asked for at a moment, unless something newer is known.
func (m *mirror) keep(id string, asked uint64, d details) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.streams > 0 && asked > m.since && asked > m.memos[id].at {
		m.memos[id] = memo{at: asked, known: true, details: d}
	}
}

// find returns an instance that a listing shows, if its details are known and the listing does not contradict them.
func (m *mirror) find(s sighting) (paas.Instance, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	memo := m.memos[s.instance.ID]
	if !memo.known || s.contradicts(memo.details) {
		return paas.Instance{}, false
	}
	i := memo.details.instance
	i.Addr = s.instance.Addr
	return i, true
}

// retain forgets whatever is not in a listing of everything, unless it came after the moment that that was asked for.
func (m *mirror) retain(asked uint64, listed []sighting) {
	there := make(map[string]bool, len(listed))
	for _, s := range listed {
		there[s.instance.ID] = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, memo := range m.memos {
		if !there[id] && memo.at < asked {
			delete(m.memos, id)
		}
	}
}

// sighting is an instance as a listing shows it: what its labels say, its address, and two words on how it is.
type sighting struct {
	instance paas.Instance
	state    container.ContainerState
	status   string // "Up 3 minutes (unhealthy)", "Exited (1) 5 seconds ago"
}

func sighted(c container.Summary) sighting {
	s := sighting{instance: labelled(c.ID, c.Labels), state: c.State, status: c.Status}
	if c.NetworkSettings != nil {
		s.instance.Addr = endpointAddress(c.NetworkSettings.Networks)
	}
	return s
}

// contradicts says whether the instance has changed between the inspection and the listing, whichever came first.
func (s sighting) contradicts(d details) bool {
	if s.state != d.state || strings.Contains(s.status, "(unhealthy)") != d.instance.Unhealthy {
		return true
	}
	return strings.HasPrefix(s.status, "Exited (") && !strings.HasPrefix(s.status, fmt.Sprintf("Exited (%d)", d.instance.ExitCode))
}
