package build

import (
	"bytes"
	"io"
	"sync/atomic"
)

// eavesdropper passes on what is written to it, and notes when a word goes by.
type eavesdropper struct {
	w     io.Writer
	word  string
	heard *atomic.Bool
	tail  []byte // of what was written last: the word may go by in two writes
}

func (e *eavesdropper) Write(p []byte) (int, error) {
	text := append(e.tail, p...)
	if bytes.Contains(text, []byte(e.word)) {
		e.heard.Store(true)
	}
	e.tail = bytes.Clone(text[max(0, len(text)-len(e.word)+1):])
	return e.w.Write(p)
}
