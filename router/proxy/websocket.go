package proxy

// frames follows the frames of a websocket in one direction (RFC 6455 5.2), far enough to know where one ends: only
// there may the router say something of its own.
type frames struct {
	left   uint64 // of the present frame's payload
	header [14]byte
	n      int // bytes of header that have come
	closed bool
}

// opClose is the opcode of a close frame.
const opClose = 8

// pass takes note of bytes that went through.
func (f *frames) pass(p []byte) {
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)))
			f.left -= n
			p = p[n:]
			continue
		}
		f.header[f.n] = p[0]
		f.n++
		p = p[1:]
		if f.n >= 2 && f.n == headerLength(f.header[1]) {
			f.left, f.closed = payloadLength(f.header[:f.n]), f.closed || f.header[0]&0xf == opClose
			f.n = 0
		}
	}
}

// between says whether the last byte that went through ended a frame, and none that closes.
func (f *frames) between() bool { return f.left == 0 && f.n == 0 && !f.closed }

// headerLength is that of a frame whose second byte is b: length, and four bytes of mask where there is one.
func headerLength(b byte) int {
	n := 2
	switch b & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b&0x80 != 0 {
		n += 4
	}
	return n
}

func payloadLength(header []byte) (n uint64) {
	switch l := header[1] & 0x7f; l {
	case 126:
		return uint64(header[2])<<8 | uint64(header[3])
	case 127:
		for _, b := range header[2:10] {
			n = n<<8 | uint64(b)
		}
		return n
	default:
		return uint64(l)
	}
}

// Close frames with the status 1001, going away. What goes to a server is masked, here with zeros.
var (
	goingAway       = []byte{0x80 | opClose, 2, 1001 >> 8, 1001 & 0xff}
	goingAwayMasked = []byte{0x80 | opClose, 0x80 | 2, 0, 0, 0, 0, 1001 >> 8, 1001 & 0xff}
)
