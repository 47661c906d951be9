package proxy

import (
	"bytes"
	"errors"
	"io"
)

// body reads a message's body off the connection that its header came on. take looks at what has arrived only, so that
// who reads can do something before it waits in fill.
type body struct {
	s       *sock
	left    int64 // of the body, or of the chunk; untilClose
	state   bodyState
	trailer []field // of a chunked one, once take gave io.EOF
	waste   int     // bytes of chunks' lines beyond what their data accounts for
	scanned int     // of the trailer
}

type bodyState uint8

const (
	bodyDone   bodyState = iota
	bodyPlain            // left bytes, and that is all
	chunkLine            // the size of a chunk is next
	chunkData            // left bytes of a chunk
	chunkEnd             // the CRLF after them
	chunkAfter           // the trailer
)

const (
	maxChunkLine = 4 << 10
	// maxWaste bounds what of a body may be chunks' lines: tiny chunks, or long extensions, make work without content.
	maxWaste = 16 << 10
	// maxTrailer bounds the fields after a body.
	maxTrailer = 16 << 10
)

var errChunk = errors.New("the chunks are not as RFC 9112 has them")

// begin makes b the body of a message of that length, or framing.
func (b *body) begin(s *sock, length int64) {
	*b = body{s: s, left: length, state: bodyPlain}
	switch length {
	case 0:
		b.state = bodyDone
	case chunked:
		b.left, b.state = 0, chunkLine
	}
}

// take returns the next bytes of the body out of what has arrived, nothing if that is used up; they are valid until the
// next call of anything. io.EOF: the body is complete.
func (b *body) take() ([]byte, error) {
	for {
		switch b.state {
		case bodyDone:
			return nil, io.EOF
		case bodyPlain, chunkData:
			return b.data(), nil
		case chunkLine:
			if ok, err := b.readSize(); !ok {
				return nil, err
			}
		case chunkEnd:
			if ok, err := b.readEnd(); !ok {
				return nil, err
			}
		case chunkAfter:
			if ok, err := b.readTrailer(); !ok {
				return nil, err
			}
		}
	}
}

func (b *body) data() []byte {
	p := b.s.unread()
	if b.left == untilClose {
		b.s.taken(len(p))
		return p
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	b.s.taken(len(p))
	if b.left -= int64(len(p)); b.left == 0 {
		if b.state == bodyPlain {
			b.state = bodyDone
		} else {
			b.state = chunkEnd
		}
	}
	return p
}

// readSize reads a chunk's size and passes over its extensions, which end here: they belong to a connection.
func (b *body) readSize() (ok bool, err error) {
	p := b.s.unread()
	end := bytes.IndexByte(p, '\n')
	if end < 0 {
		if len(p) > maxChunkLine {
			return false, errChunk
		}
		return false, nil
	}
	n, ok := chunkSize(p[:end])
	if !ok || end > maxChunkLine {
		return false, errChunk
	}
	// As much as this may be spent on 16 bytes of content.
	if b.waste += end + 1 - 16 - int(min(n, maxWaste)); b.waste > maxWaste {
		return false, errChunk
	}
	b.waste = max(0, b.waste)
	b.s.discard(end + 1)
	b.left, b.state = n, chunkData
	if n == 0 {
		b.state = chunkAfter
	}
	return true, nil
}

// chunkSize parses "1a;name=value\r".
func chunkSize(line []byte) (n int64, ok bool) {
	if len(line) == 0 || line[len(line)-1] != '\r' {
		return 0, false // LF alone ends no such line: others read on
	}
	line = line[:len(line)-1]
	digits := 0
	for digits < len(line) && digits < 16 && isHex(line[digits]) {
		n = n<<4 | int64(hexValue(line[digits]))
		digits++
	}
	rest := bytes.TrimLeft(line[digits:], " \t")
	if digits == 0 || digits > 15 || len(rest) > 0 && rest[0] != ';' || !validValue(string(rest)) {
		return 0, false
	}
	return n, true
}

func hexValue(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

func (b *body) readEnd() (ok bool, err error) {
	p := b.s.unread()
	if len(p) > 0 && p[0] != '\r' || len(p) > 1 && p[1] != '\n' {
		return false, errChunk
	}
	if len(p) < 2 {
		return false, nil
	}
	b.s.discard(2)
	b.state = chunkLine
	return true, nil
}

func (b *body) readTrailer() (ok bool, err error) {
	p := b.s.unread()
	end, next := headEnd(p, b.scanned)
	if end == 0 {
		if b.scanned = next; len(p) > maxTrailer {
			return false, errChunk
		}
		return false, nil
	}
	if end > 2 {
		if b.trailer, err = parseFields(nil, string(p[:end])); err != nil || end > maxTrailer {
			return false, errChunk
		}
	}
	b.s.discard(end)
	b.state = bodyDone
	return true, nil
}

// fill waits for more of the body. io.EOF is the end of one that goes on until the connection closes, and with it take
// gives it too; where more had to come it is io.ErrUnexpectedEOF.
func (b *body) fill() error {
	err := b.s.fill()
	if !errors.Is(err, io.EOF) {
		return err
	}
	if b.left == untilClose {
		b.state = bodyDone
		return nil
	}
	return io.ErrUnexpectedEOF
}

// done says whether all of the body has been taken.
func (b *body) done() bool { return b.state == bodyDone }

// early returns the body if all that is left of it is there already, and its end is known beforehand.
func (b *body) early() []byte {
	if b.state != bodyPlain || b.left < 0 || b.left > int64(len(b.s.unread())) {
		return nil
	}
	return b.data()
}
