package build

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"paas"
)

const (
	// minMasked is the length from which a value counts as a secret: hiding "1" or "true" would garble every text.
	minMasked = 6
	masked    = "[masked]"
)

// mask hides the values of build secrets in what a build says. The zero mask hides nothing.
type mask struct {
	values []string // lines of them, the longest first
}

func newMask(secrets map[string]string) mask {
	var m mask
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= minMasked {
				m.values = append(m.values, line)
			}
		}
	}
	slices.SortFunc(m.values, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	m.values = slices.Compact(m.values)
	return m
}

func (m mask) text(s string) string {
	if len(m.values) == 0 {
		return s
	}
	clean, rest := m.scan(s, false)
	return clean + rest
}

// scan masks text; with more to come, rest is its end that may be the beginning of a value.
func (m mask) scan(text string, more bool) (clean, rest string) {
	var b strings.Builder
	from := 0
	for i := 0; i < len(text); {
		found, begun := m.at(text[i:])
		if begun && more {
			b.WriteString(text[from:i])
			return b.String(), text[i:]
		}
		if found == 0 {
			i++
			continue
		}
		b.WriteString(text[from:i])
		b.WriteString(masked)
		i += found
		from = i
	}
	b.WriteString(text[from:])
	return b.String(), ""
}

// at is the length of the longest value that text begins with; begun: all of text is the beginning of a longer one.
func (m mask) at(text string) (found int, begun bool) {
	for _, v := range m.values {
		if strings.HasPrefix(text, v) {
			return len(v), begun
		}
		begun = begun || strings.HasPrefix(v, text)
	}
	return 0, begun
}

// line hides values that colours cut into pieces, too, at the price of the line's colours.
func (m mask) line(s string) string {
	bare := colourless(s)
	if hidden := m.text(bare); hidden != bare {
		return hidden
	}
	return s
}

// error is err with nothing to read in it that is to be hidden. It is still the same error to errors.Is.
func (m mask) error(err error) error {
	e, ok := errors.AsType[*paas.Error](err)
	if !ok {
		return m.plainError(err)
	}
	if !m.in(e.Message) && !m.in(e.Hint) && (e.Err == nil || !m.in(e.Err.Error())) {
		return err
	}
	return &paas.Error{Code: e.Code, Message: m.text(e.Message), Hint: m.text(e.Hint), Err: m.plainError(e.Err)}
}

func (m mask) in(text string) bool { return m.text(text) != text }

func (m mask) plainError(err error) error {
	if err == nil || !m.in(err.Error()) {
		return err
	}
	return &maskedError{m.text(err.Error()), err}
}

// maskedError is another error in other words.
type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string        { return e.text }
func (e *maskedError) Is(target error) bool { return errors.Is(e.err, target) }

// hiding masks a stream that comes in pieces: what may be the beginning of a value is held back.
type hiding struct {
	held []byte
}

func (h *hiding) feed(m mask, p []byte) []byte {
	if len(m.values) == 0 {
		return p
	}
	clean, rest := m.scan(string(h.held)+string(p), true)
	h.held = []byte(rest)
	return []byte(clean)
}

// end is what was held back, now that nothing comes after it.
func (h *hiding) end(m mask) []byte {
	held := h.held
	h.held = nil
	return []byte(m.text(string(held)))
}
