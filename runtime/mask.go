package runtime

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"paas"
)

// minMasked is the length from which a build secret is masked in a build's output, and, of one of several lines, each line:
// masking shorter ones would garble every text.
const minMasked = 4

const masked = "********"

// maxHeld bounds what is held back of a step: a value of which every end is a beginning could be written for ever.
const maxHeld = 2 << 20

// mask keeps the values of build secrets out of the events of a build. A value that a step writes in pieces is found,
// too: what may be the beginning of one is held back until more has come, or the step is over. nil masks nothing.
type mask struct {
	values [][]byte          // longest first
	held   map[string][]byte // by step and stream
}

func newMask(secrets map[string]string) *mask {
	found := map[string]bool{}
	for _, value := range secrets {
		found[value], found[strings.TrimSpace(value)] = true, true
		for line := range strings.Lines(value) {
			found[strings.TrimSpace(line)] = true
		}
	}
	m := &mask{held: map[string][]byte{}}
	for value := range found {
		if len(value) >= minMasked {
			m.values = append(m.values, []byte(value))
		}
	}
	if len(m.values) == 0 {
		return nil
	}
	slices.SortFunc(m.values, func(a, b []byte) int { return len(b) - len(a) })
	return m
}

// event passes on an event of which nothing is secret; what was held back of the step comes before its end.
func (m *mask) event(e traced, events func(paas.BuildEvent)) {
	if m == nil {
		events(e.BuildEvent)
		return
	}
	e.Name, e.Error = m.text(e.Name), m.text(e.Error)
	if !e.Completed.IsZero() || e.Error != "" {
		m.release(e.Step, events)
	}
	if len(e.Output) > 0 {
		key := e.Step + " " + strconv.FormatUint(e.stream, 10)
		data := append(m.held[key], e.Output...)
		e.Output, m.held[key] = m.scan(data, len(data) > maxHeld)
		if len(e.Output) == 0 {
			return
		}
	}
	events(e.BuildEvent)
}

// end passes on what is still held back.
func (m *mask) end(events func(paas.BuildEvent)) {
	if m != nil {
		m.release("", events)
	}
}

// release gives what was held back of a step, or of all for "".
func (m *mask) release(step string, events func(paas.BuildEvent)) {
	for _, key := range slices.Sorted(maps.Keys(m.held)) {
		of, _, _ := strings.Cut(key, " ")
		if step != "" && of != step {
			continue
		}
		if out, _ := m.scan(m.held[key], true); len(out) > 0 {
			events(paas.BuildEvent{Step: of, Output: out})
		}
		delete(m.held, key)
	}
}

// text masks a text that is whole.
func (m *mask) text(s string) string {
	if m == nil {
		return s
	}
	out, _ := m.scan([]byte(s), true)
	return string(out)
}

// scan replaces each value in data; where values overlap, all that they cover. Unless data is all there will be, rest is
// where a value may have begun that has not ended.
func (m *mask) scan(data []byte, final bool) (out, rest []byte) {
	run, before, covered := 0, 0, 0 // where the last run of values began, in data and in out, and where it ends in data
	for at := range data {
		if at >= covered {
			run, before = at, len(out)
		}
		if !final && m.begins(data[at:]) {
			return out[:before], bytes.Clone(data[run:])
		}
		if end := at + m.length(data[at:]); end > covered && end > at {
			if run == at {
				out = append(out, masked...)
			}
			covered = end
		}
		if at >= covered {
			out = append(out, data[at])
		}
	}
	return out, nil
}

// length is that of the longest value that data begins with; 0: none.
func (m *mask) length(data []byte) int {
	for _, v := range m.values {
		if bytes.HasPrefix(data, v) {
			return len(v)
		}
	}
	return 0
}

// begins says whether data is the beginning of a value and not all of it.
func (m *mask) begins(data []byte) bool {
	for _, v := range m.values {
		if len(v) > len(data) && bytes.HasPrefix(v, data) {
			return true
		}
	}
	return false
}
