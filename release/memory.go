package release

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"paas"
)

// memory is what this process knows of instances beyond what the engine shows. Losing it costs a new probe.
type memory struct {
	mu       sync.Mutex
	now      func() time.Time
	healthy  map[string]time.Time          // by instance id: since when
	failures map[string]int                // by instance id: checks failed in a row
	retiring map[string]paas.InstanceState // by instance id: draining or stopping
	crashes  map[slotKey]crash
	exits    map[string]int  // by instance id: the status it last ended with
	counted  map[string]bool // instance ids whose crash is in crashes already
	givenUp  map[string]int  // by app: the release whose automatic rollback was begun
}

type slotKey struct{ app, slot string }

// crash is the history of a slot that lost its instance.
type crash struct {
	Count    int // since the last new release, or since 10 minutes of health
	ExitCode int
	Reason   string
	RetryAt  time.Time
}

// The back-off: the first replacement is at once, then after 1, 2, 4 … 60 s, then every 5 minutes, for ever.
const (
	longBackoff  = time.Minute
	finalBackoff = 5 * time.Minute
	forgiveAfter = 10 * time.Minute
)

// backoff is the wait before the replacement that follows the nth crash, n counted from 1.
func backoff(n int) time.Duration {
	if n < 2 {
		return 0
	}
	if n > 9 {
		return finalBackoff
	}
	return min(time.Second<<(n-2), longBackoff)
}

// maxFailures in a row take an instance out.
const maxFailures = 3

func (m *memory) init(now func() time.Time) {
	m.now = now
	m.healthy, m.failures, m.retiring = map[string]time.Time{}, map[string]int{}, map[string]paas.InstanceState{}
	m.crashes, m.counted, m.exits = map[slotKey]crash{}, map[string]bool{}, map[string]int{}
	m.givenUp = map[string]int{}
}

// leaving are the ids of instances that are being retired.
func (m *memory) leaving() map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make(map[string]bool, len(m.retiring))
	for id := range m.retiring {
		ids[id] = true
	}
	return ids
}

// see adds what is known to observed instances, and counts crashes not counted yet. leaving is from before the
// observation: an instance may have gone, and have been forgotten, since.
func (m *memory) see(app string, desired int, observed []paas.Instance, routed map[netip.AddrPort]bool, leaving map[string]bool) []Seen {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := make([]Seen, 0, len(observed))
	for _, i := range observed {
		_, retiring := m.retiring[i.ID]
		retiring = retiring || leaving[i.ID]
		since, healthy := m.healthy[i.ID]
		sick := m.failures[i.ID] >= maxFailures
		s := Seen{Instance: i, Healthy: healthy && !sick && i.Running, Sick: sick, Retiring: retiring, Routed: routed[i.AddrPort()]}
		crashed := i.Exited || i.Restarted || sick
		switch {
		case i.Type == paas.RunType || i.Release != desired || retiring:
		case crashed && !m.counted[i.ID]:
			m.counted[i.ID] = true
			m.countCrash(slotKey{app, i.Name}, i, sick)
		case s.Healthy && m.now().Sub(since) >= forgiveAfter:
			delete(m.crashes, slotKey{app, i.Name})
		}
		seen = append(seen, s)
	}
	return seen
}

func (m *memory) countCrash(key slotKey, i paas.Instance, sick bool) {
	c := m.crashes[key]
	c.Count++
	c.ExitCode, c.Reason = i.ExitCode, crashCause(i)
	switch {
	case sick:
		c.Reason = "failed its health checks"
	case i.Restarted:
		c.ExitCode, c.Reason = m.restarted(i)
	}
	c.RetryAt = m.ended(i).Add(backoff(c.Count))
	m.crashes[key] = c
}

// ended is when an instance crashed, by our clock, which goes on where the wall clock jumps. The engine's word is taken
// unless it is far from now.
func (m *memory) ended(i paas.Instance) time.Time {
	now := m.now()
	if ago := now.Sub(i.FinishedAt); ago > 0 && ago < longBackoff {
		return now.Add(-ago)
	}
	return now
}

// restarted is how an instance ended that the engine has started again since.
func (m *memory) restarted(i paas.Instance) (exitCode int, reason string) {
	code, known := m.exits[i.ID]
	if !known {
		return 0, "ended while paasd was away"
	}
	i.ExitCode = code
	return code, crashCause(i)
}

// died notes an exit that the engine told of.
func (m *memory) died(id string, exitCode int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.exits[id] = exitCode
}

// failedStart counts an instance of a slot that did not come up outside a deployment.
func (m *memory) failedStart(app, slot, id, reason string, exitCode int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counted[id] && id != "" {
		return
	}
	m.counted[id] = id != ""
	c := m.crashes[slotKey{app, slot}]
	c.Count++
	c.ExitCode, c.Reason = exitCode, reason
	c.RetryAt = m.now().Add(backoff(c.Count))
	m.crashes[slotKey{app, slot}] = c
}

// crash is the history of a slot. A clock that was set back holds the slot no longer than the back-off does.
func (m *memory) crash(app, slot string) (crash, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := slotKey{app, slot}
	c, ok := m.crashes[key]
	if latest := m.now().Add(backoff(c.Count)); ok && c.RetryAt.After(latest) {
		c.RetryAt = latest
		m.crashes[key] = c
	}
	return c, ok
}

// worst is the slot of app that has crashed most.
func (m *memory) worst(app string) (slot string, worst crash, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, c := range m.crashes {
		if key.app == app && (c.Count > worst.Count || c.Count == worst.Count && key.slot < slot) {
			slot, worst, found = key.slot, c, true
		}
	}
	return slot, worst, found
}

// giveUp notes that a release of app is left by itself, and says whether that is news.
func (m *memory) giveUp(app string, version int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := m.givenUp[app] != version
	m.givenUp[app] = version
	return news
}

// retryAt returns when a slot of app may be filled again.
func (m *memory) retryAt(app string) func(slot string) time.Time {
	return func(slot string) time.Time {
		c, _ := m.crash(app, slot)
		return c.RetryAt
	}
}

// pardon forgets the crashes of app, or of some of its slots.
func (m *memory) pardon(app string, slots ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(slots) == 0 {
		delete(m.givenUp, app)
		maps.DeleteFunc(m.crashes, func(k slotKey, _ crash) bool { return k.app == app })
	}
	for _, slot := range slots {
		delete(m.crashes, slotKey{app, slot})
	}
}

func (m *memory) setHealthy(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.healthy[id]; !known {
		m.healthy[id] = m.now()
	}
	delete(m.failures, id)
}

// fail counts a failed check and says whether it was the one too many.
func (m *memory) fail(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures[id]++
	return m.failures[id] == maxFailures
}

func (m *memory) isHealthy(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.healthy[id]
	return ok && m.failures[id] < maxFailures
}

func (m *memory) setRetiring(id string, state paas.InstanceState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retiring[id] = state
}

func (m *memory) retiringState(id string) (paas.InstanceState, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.retiring[id]
	return s, ok
}

// forget drops everything about an instance that is gone.
func (m *memory) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.healthy, id)
	delete(m.failures, id)
	delete(m.retiring, id)
	delete(m.counted, id)
	delete(m.exits, id)
}

// retain forgets every instance that is not in alive. For the sweep, which sees all.
func (m *memory) retain(alive map[string]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone := func(id string) bool { return !alive[id] }
	maps.DeleteFunc(m.healthy, func(id string, _ time.Time) bool { return gone(id) })
	maps.DeleteFunc(m.failures, func(id string, _ int) bool { return gone(id) })
	maps.DeleteFunc(m.retiring, func(id string, _ paas.InstanceState) bool { return gone(id) })
	maps.DeleteFunc(m.counted, func(id string, _ bool) bool { return gone(id) })
	maps.DeleteFunc(m.exits, func(id string, _ int) bool { return gone(id) })
}
