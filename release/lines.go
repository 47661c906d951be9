package release

import (
	"bytes"
	"errors"
	"sync"
)

var errReleaseTime = errors.New("the release command took too long")

// maxLine is where a line without end is cut.
const maxLine = 10_000

// lineWriter hands complete lines to a function. It is safe for concurrent use, since stdout and stderr share it.
type lineWriter struct {
	line func(string)
	mu   sync.Mutex
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		switch {
		case i >= 0:
			w.line(string(bytes.TrimSuffix(w.rest[:i], []byte("\r"))))
			w.rest = w.rest[i+1:]
		case len(w.rest) >= maxLine:
			w.line(string(w.rest[:maxLine]))
			w.rest = w.rest[maxLine:]
		default:
			return len(p), nil
		}
	}
}

// flush hands out an unfinished last line.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.line(string(w.rest))
		w.rest = nil
	}
}

// indented sets what is written to it, always whole lines, under a heading.
type indented struct{ w Progress }

func (i indented) Write(p []byte) (int, error) {
	var out []byte
	for line := range bytes.Lines(p) {
		out = append(append(out, "       "...), line...)
	}
	if _, err := i.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
