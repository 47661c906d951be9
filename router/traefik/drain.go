package traefik

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"paas"
)

// drainEvery is between two looks at the connections. Two in a row that find none end a drain: a request that was given
// its backend just before the table changed has connected by then.
const drainEvery = 50 * time.Millisecond

// Drain implements router.Target. Traefik tells of no request by its backend, so a connection counts as one. It looks at
// those of the network namespace that it runs in, which has to be Traefik's, the host's. Nothing is cut here: what is
// left at the deadline is for whoever stops the instance.
func (t *Target) Drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (int, error) {
	if b, ok := t.routed(addrs); ok {
		return 0, paas.Errorf(paas.Conflict, "%s still gets requests", b.Instance)
	}
	end := time.Now().Add(deadline)
	for quiet := 0; ; {
		left, err := connections(addrs)
		switch {
		case err != nil:
			return 0, fmt.Errorf("look at the connections of backends: %w", err)
		case left == 0:
			if quiet++; quiet > 1 {
				return 0, nil
			}
		default:
			quiet = 0
		}
		if !time.Now().Before(end) {
			return left, nil
		}
		if !sleep(ctx, min(drainEvery, max(time.Millisecond, time.Until(end)))) {
			return 0, ctx.Err()
		}
	}
}

// routed returns a backend of the table that has one of the addresses.
func (t *Target) routed(addrs []netip.AddrPort) (paas.Backend, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.table.Routes {
		for _, b := range r.Backends {
			for _, a := range addrs {
				if a == b.Addr {
					return b, true
				}
			}
		}
	}
	return paas.Backend{}, false
}

// connections counts the TCP connections to addrs.
func connections(addrs []netip.AddrPort) (int, error) {
	want := map[netip.AddrPort]bool{}
	for _, a := range addrs {
		want[netip.AddrPortFrom(a.Addr().Unmap(), a.Port())] = true
	}
	n := 0
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		err := eachRemote(file, func(remote netip.AddrPort) {
			if want[remote] {
				n++
			}
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
			return 0, err
		}
	}
	return n, nil
}

// The states of a connection that is up, and of one that is being made, in /proc/net/tcp: proc(5), and the kernel's
// tcp_states.h.
const (
	stateEstablished = "01"
	stateSynSent     = "02"
)

func eachRemote(file string, fn func(netip.AddrPort)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan() // the names of the columns
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || fields[3] != stateEstablished && fields[3] != stateSynSent {
			continue
		}
		if remote, ok := parseRemote(fields[2]); ok {
			fn(remote)
		}
	}
	return lines.Err()
}

// parseRemote reads 0100007F:1F90 as 127.0.0.1:8080. The kernel prints each 32-bit word of the address as a number in its
// own byte order, which is little-endian wherever we run.
func parseRemote(s string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(words)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}
