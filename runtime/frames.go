package runtime

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFrame bounds what is read of a log at once. The engine writes 16 KiB of text at most.
const maxFrame = 1 << 20

// errNotFramed means that a stream is not in the engine's framing: that of a container with a TTY is not.
var errNotFramed = errors.New("the log is not a framed stream")

// frames reads the engine's framing of stdout and stderr: a byte for the stream, three of zero, the length in four,
// and the text. In a log each frame is one message: a line with its newline, or, for a line that the engine has cut,
// a piece without.
type frames struct {
	r   *bufio.Reader
	buf []byte
}

func newFrames(r io.Reader) *frames { return &frames{r: bufio.NewReaderSize(r, 32<<10)} }

// next returns the text of the next frame; it is valid until the next call. io.EOF is the end between two frames.
func (f *frames) next() ([]byte, error) {
	var header [8]byte
	if _, err := io.ReadFull(f.r, header[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(header[4:]))
	if header[0] > 3 || header[1] != 0 || header[2] != 0 || header[3] != 0 || size > maxFrame {
		return nil, errNotFramed
	}
	if cap(f.buf) < size {
		f.buf = make([]byte, size)
	}
	f.buf = f.buf[:size]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return nil, fmt.Errorf("read a log frame: %w", errors.Join(io.ErrUnexpectedEOF, err))
	}
	if header[0] == 3 { // the engine's own trouble, in band
		return nil, fmt.Errorf("the engine cannot read the log: %s", f.buf)
	}
	return f.buf, nil
}
