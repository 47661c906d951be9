package build

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// intro reads what a push says before its objects: updates of refs, then push options if the client has any to give, both as
// pkt-lines (length in four hex digits, text) up to a flush (0000), then the head of the pack. Git reads all of that itself; this
// only follows, to know how many objects come before git has begun with them.
type intro struct {
	section section
	buf     []byte // what is not whole yet
	options bool   // the client will send push options
	size    int
}

type section int

const (
	sectionUpdates section = iota
	sectionOptions
	sectionPack
	sectionRest // objects, or what git will not understand either
)

const (
	maxIntro   = 2 << 20 // bytes, some 20,000 refs
	packHead   = 12      // PACK, version, number of objects
	packMagic  = "PACK"
	lengthSize = 4
)

// feed takes the next bytes, and returns how many objects the pack has when they complete its head, else 0.
func (i *intro) feed(p []byte) (objects uint32, err error) {
	if i.section == sectionRest {
		return 0, nil
	}
	i.buf = append(i.buf, p...)
	for i.section < sectionPack {
		if !i.line() {
			if i.size+len(i.buf) > maxIntro {
				return 0, errTooManyRefs
			}
			return 0, nil
		}
	}
	if i.section == sectionPack && len(i.buf) >= packHead {
		if bytes.HasPrefix(i.buf, []byte(packMagic)) {
			objects = binary.BigEndian.Uint32(i.buf[8:])
		}
		i.section, i.buf = sectionRest, nil
	}
	return objects, nil
}

// line takes a pkt-line from what is there; false: it is not whole.
func (i *intro) line() bool {
	if len(i.buf) < lengthSize {
		return false
	}
	n, err := strconv.ParseUint(string(i.buf[:lengthSize]), 16, 16)
	switch {
	case err != nil:
		i.section = sectionRest
		return true
	case n < lengthSize: // a flush, or one of its relatives, which end a section for git, too
		i.take(lengthSize)
		i.next()
		return true
	case len(i.buf) < int(n):
		return false
	}
	if _, capabilities, ok := bytes.Cut(i.take(int(n)), []byte{0}); ok && i.section == sectionUpdates {
		i.options = i.options || bytes.Contains(capabilities, []byte("push-options"))
	}
	return true
}

func (i *intro) take(n int) []byte {
	taken := i.buf[:n]
	i.buf = i.buf[n:]
	i.size += n
	return taken
}

func (i *intro) next() {
	if i.section == sectionUpdates && i.options {
		i.section = sectionOptions
	} else {
		i.section = sectionPack
	}
}
