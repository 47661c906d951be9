package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

const maxRequestID = 128

// requestID keeps the client's id if it is well-formed: 1 to 128 characters out of letters, digits and -_.:=+/~@ .
// Otherwise it makes one, a random UUID.
func requestID(given string) string {
	if wellFormed(given) {
		return given
	}
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

func wellFormed(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '=', c == '+', c == '/', c == '~', c == '@':
		default:
			return false
		}
	}
	return true
}
