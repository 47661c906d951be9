package build

import (
	"bytes"
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

// lines makes plain lines of output that comes in pieces. Of what a carriage return overwrites only the last stays, as
// on a terminal.
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
	emit(strings.TrimRight(plain(string(l.buf)), " \t"))
	l.buf, l.rewind = l.buf[:0], false
}

// end emits a line that has no newline at its end.
func (l *lines) end(emit func(string)) {
	if len(l.buf) > 0 {
		l.flush(emit)
	}
}
