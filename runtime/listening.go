package runtime

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Listening returns the addresses on which an instance accepts TCP connections, as seen inside it. It reads the
// kernel's tables, so it needs the engine to be on this host.
func (d *Docker) Listening(ctx context.Context, id string) ([]netip.AddrPort, error) {
	c, err := d.inspect(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.State.Pid == 0 {
		return nil, notUp(id)
	}
	var found []netip.AddrPort
	for _, table := range []string{"tcp", "tcp6"} {
		listeners, err := readListeners(fmt.Sprintf("/proc/%d/net/%s", c.State.Pid, table))
		if err != nil {
			return nil, fmt.Errorf("list the listeners of instance %s: %w", short(id), err)
		}
		found = append(found, listeners...)
	}
	return found, nil
}

func readListeners(path string) ([]netip.AddrPort, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no IPv6, or the process has just ended
	}
	if err != nil {
		return nil, err
	}
	listeners, err := parseListeners(f)
	return listeners, errors.Join(err, f.Close())
}

// engineResolver is where the engine's own name server listens inside every instance.
var engineResolver = netip.AddrFrom4([4]byte{127, 0, 0, 11})

// stateListen is TCP_LISTEN in the fourth column of the tables.
const stateListen = "0A"

// parseListeners reads a table as proc(5) describes /proc/net/tcp: a header, then lines of columns of which the
// second is the local address in hex and the fourth the state.
func parseListeners(r io.Reader) ([]netip.AddrPort, error) {
	var found []netip.AddrPort
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) < 4 || columns[3] != stateListen {
			continue
		}
		local, err := parseHexAddress(columns[1])
		if err != nil {
			return nil, fmt.Errorf("address %q: %w", columns[1], err)
		}
		if local.Addr() != engineResolver && !slices.Contains(found, local) {
			found = append(found, local)
		}
	}
	return found, lines.Err()
}

// parseHexAddress reads 0100007F:1388 as 127.0.0.1:5000. The kernel prints each 32-bit word of the address as a number
// in its own byte order, which is little-endian wherever we run.
func parseHexAddress(s string) (netip.AddrPort, error) {
	hexAddr, hexPort, _ := strings.Cut(s, ":")
	raw, err := hex.DecodeString(hexAddr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(raw)
	if !ok {
		return netip.AddrPort{}, errors.New("it has neither 4 nor 16 bytes")
	}
	port, err := strconv.ParseUint(hexPort, 16, 16)
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), err
}
