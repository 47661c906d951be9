package proxy

import (
	"bufio"
	"io"
	"net"
	"os"
	"runtime/debug"
	"testing"
)

// Not parallel: it counts what the process has open.
func TestTunnelWhoseClientIsGoneIsClosed(t *testing.T) {
	gone := make(chan struct{})
	r := start(t, Options{}, route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			t.Error(err)
		}
		<-gone
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	})))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would close it in the end
	before := openFiles(t)
	for range 10 {
		c, _ := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		eventually(t, "the request at the app", func() bool { return r.live.status("a").Routes[0].InFlight > 0 })
		if err := c.(*net.TCPConn).SetLinger(0); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		gone <- struct{}{}
		eventually(t, "its end", func() bool { return r.live.status("a").Routes[0].InFlight == 0 })
	}
	eventually(t, "files closed", func() bool { return openFiles(t) <= before })
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
