package build

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is where a line of a build's output is broken, in bytes.
const maxLine = 4 << 10

// escape is a terminal's escape sequence: CSI, OSC, the other strings, and the short ones.
var escape = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b[PX^_][^\x1b]*\x1b\\\\|\x1b[ -/]*[0-~]")

// plain is text without what a terminal would act on: escape sequences, controls, bytes that are not UTF-8.
func plain(s string) string {
	s = escape.ReplaceAllString(strings.ToValidUTF8(s, "\ufffd"), "")
	return strings.Map(func(r rune) rune {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, s)
}

// colour is an escape sequence that changes how text looks and nothing else: an SGR.
var colour = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

const (
	maxColour = 64 // bytes of a sequence
	noColour  = "\x1b[0m"
)

// coloured is plain text with its colours, which end with it.
func coloured(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	found := escape.FindAllStringIndex(s, -1)
	if found == nil {
		return plain(s)
	}
	var b strings.Builder
	at, on := 0, false
	for _, m := range found {
		b.WriteString(plain(s[at:m[0]]))
		seq := s[m[0]:m[1]]
		if len(seq) <= maxColour && colour.FindString(seq) == seq {
			on = seq != noColour && seq != "\x1b[m"
			b.WriteString(seq)
		}
		at = m[1]
	}
	b.WriteString(plain(s[at:]))
	if on {
		b.WriteString(noColour)
	}
	return b.String()
}

// colourless is coloured text without its colours.
func colourless(s string) string { return colour.ReplaceAllString(s, "") }

// tidy passes on whole lines, as plain text, or with their colours.
type tidy struct {
	w       io.Writer
	colours bool
}

func (t *tidy) Write(p []byte) (int, error) {
	clean := plain
	if t.colours {
		clean = coloured
	}
	var b strings.Builder
	for line := range strings.Lines(string(p)) {
		text, ended := strings.CutSuffix(line, "\n")
		b.WriteString(clean(text))
		if ended {
			b.WriteByte('\n')
		}
	}
	if _, err := io.WriteString(t.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// fade takes the colours out of coloured text that comes in pieces.
type fade struct {
	w    io.Writer
	held []byte // the beginning of a sequence
}

func (f *fade) Write(p []byte) (int, error) {
	text := append(f.held, p...)
	f.held = nil
	if i := bytes.LastIndexByte(text, '\x1b'); i >= 0 && len(text)-i <= maxColour && !bytes.ContainsRune(text[i:], 'm') {
		f.held = bytes.Clone(text[i:])
		text = text[:i]
	}
	if _, err := f.w.Write(colour.ReplaceAll(text, nil)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// lines makes lines of output that comes in pieces, plain but for their colours. Of what a carriage return overwrites only the
// last stays, as on a terminal.
type lines struct {
	buf    []byte
	rewind bool // the last byte was a carriage return
}

func (l *lines) write(p []byte, emit func(line string)) {
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			l.add(p, emit)
			return
		}
		l.add(p[:i], emit)
		if p[i] == '\n' {
			l.flush(emit)
		} else {
			l.rewind = true
		}
		p = p[i+1:]
	}
}

func (l *lines) add(p []byte, emit func(string)) {
	if len(p) == 0 {
		return
	}
	if l.rewind {
		l.buf, l.rewind = l.buf[:0], false
	}
	for len(l.buf)+len(p) > maxLine {
		n := cut(p, maxLine-len(l.buf))
		if n == 0 && len(l.buf) == 0 {
			n = maxLine
		}
		l.buf = append(l.buf, p[:n]...)
		p = p[n:]
		l.flush(emit)
	}
	l.buf = append(l.buf, p...)
}

// cut is at most n, moved back to where a character begins.
func cut(p []byte, n int) int {
	for i := n; i > n-utf8.UTFMax && i > 0; i-- {
		if utf8.RuneStart(p[i]) {
			return i
		}
	}
	return n
}

// flush ends the line.
func (l *lines) flush(emit func(string)) {
	emit(strings.TrimRight(coloured(string(l.buf)), " \t"))
	l.buf, l.rewind = l.buf[:0], false
}

// end emits a line that has no newline at its end.
func (l *lines) end(emit func(string)) {
	if len(l.buf) > 0 {
		l.flush(emit)
	}
}
