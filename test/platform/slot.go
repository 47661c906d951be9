package platform

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// slot is a share of the machine that no other test process has meanwhile: a /20 of 10.72.0.0/14 for the apps' networks
// and some ports below those that the kernel gives away by itself.
type slot struct {
	lock *os.File
	n    int
}

const (
	slots        = 64
	portsOfASlot = 8
	firstPort    = 21000
)

// takeSlot finds a free one whose ports nobody listens on.
func takeSlot() (slot, error) {
	dir := filepath.Join(os.TempDir(), "paas-test-slots")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return slot{}, err
	}
	for n := range slots {
		lock, err := lockFile(filepath.Join(dir, strconv.Itoa(n)), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return slot{}, fmt.Errorf("take a share of the machine's ports: %w", err)
		}
		if s := (slot{lock, n}); s.free() {
			return s, nil
		}
		_ = lock.Close() // somebody else has its ports
	}
	return slot{}, errors.New("all shares of the machine's ports are taken")
}

// addr is the ith of the slot's listeners.
func (s slot) addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(firstPort+s.n*portsOfASlot+i))
}

func (s slot) pool() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(72 + s.n/16), byte(s.n % 16 * 16), 0}), 20)
}

func (s slot) free() bool {
	for i := range portsOfASlot {
		l, err := net.Listen("tcp", s.addr(i).String())
		if err != nil {
			return false
		}
		if l.Close() != nil {
			return false
		}
	}
	return true
}
