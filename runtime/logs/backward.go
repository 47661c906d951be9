package logs

import (
	"bytes"
	"io"
)

// blockSize is how much is read at a time.
const blockSize = 64 << 10

// backward reads lines from the end of a file to its start.
type backward struct {
	r      io.ReaderAt
	offset int64  // of what is in buf
	buf    []byte // read, and not given yet
}

func newBackward(r io.ReaderAt, size int64) *backward { return &backward{r: r, offset: size} }

// next returns the line before, without its newline, valid until the next call; io.EOF at the start of the file. The
// file must end with a newline.
func (b *backward) next() ([]byte, error) {
	for {
		if n := len(b.buf); n > 0 {
			if start := bytes.LastIndexByte(b.buf[:n-1], '\n') + 1; start > 0 || b.offset == 0 {
				line := b.buf[start : n-1]
				b.buf = b.buf[:start]
				return line, nil
			}
		}
		if b.offset == 0 {
			return nil, io.EOF
		}
		if err := b.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads the block before.
func (b *backward) fill() error {
	n := min(b.offset, blockSize)
	block := make([]byte, int(n), int(n)+len(b.buf))
	if _, err := b.r.ReadAt(block, b.offset-n); err != nil {
		return err
	}
	b.buf = append(block, b.buf...)
	b.offset -= n
	return nil
}
