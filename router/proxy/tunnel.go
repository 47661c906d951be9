package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// upgradeOf returns the protocol that a request wants to switch to, "" for none. HTTP/2 is none: on a connection that
// switched to it an app would take requests that the router never sees (RFC 9113 has dropped it for HTTP/1.1).
func upgradeOf(r *http.Request) string {
	if len(r.Header["Upgrade"]) == 0 || r.ProtoMajor != 1 || !r.ProtoAtLeast(1, 1) || hasBody(r) ||
		!httpguts.HeaderValuesContainsToken(r.Header["Connection"], "upgrade") {
		return ""
	}
	upgrade := r.Header.Get("Upgrade")
	if strings.Contains(strings.ToLower(upgrade), "h2c") || strings.Contains(strings.ToLower(upgrade), "http/") {
		return ""
	}
	return upgrade
}

// tunnel joins the client's connection and the backend's after a 101, until either ends.
func (ex *exchange) tunnel(c *conn, resp *http.Response) code {
	ex.watch.responding(ex.h.timeouts.Idle)
	client, rw, err := http.NewResponseController(ex.w).Hijack()
	if err != nil {
		return platform
	}
	defer func() { _ = client.Close() }() // both ways are through
	if !ex.hijack(client) {
		return ex.failure(nil)
	}
	if err := writeSwitch(rw.Writer, resp); err != nil {
		return clientGone
	}
	early, err := rw.Peek(rw.Reader.Buffered())
	if err != nil {
		return clientGone
	}
	// Past those bytes from the connection itself: net/http's reader would cancel the request at the client's half close.
	return ex.join(c, client, io.MultiReader(bytes.NewReader(early), client))
}

// hijack lets cut reach the client's connection, which is no longer net/http's.
func (ex *exchange) hijack(client net.Conn) bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.hijacked, ex.headerSent, ex.client = true, true, client
	ex.status = http.StatusSwitchingProtocols
	_ = client.SetDeadline(time.Time{}) // one that is gone needs none
	return ex.cause == causeNone
}

func writeSwitch(w *bufio.Writer, resp *http.Response) error {
	h := make(http.Header, len(resp.Header)+2)
	copyFields(h, resp.Header)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, resp.Header["Upgrade"]
	_, err := w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err = errors.Join(err, h.Write(w)); err != nil {
		return err
	}
	_, err = w.WriteString("\r\n")
	return errors.Join(err, w.Flush())
}

// join copies both ways. A side that ends its half is told on to the other, which may go on with its own; an error ends
// both.
func (ex *exchange) join(c *conn, client net.Conn, fromClient io.Reader) code {
	up := make(chan struct{})
	go func() {
		defer close(up)
		if _, err := ex.pump(c.tcp, fromClient); err != nil || halfClose(c.tcp) != nil {
			_ = c.tcp.SetDeadline(past) // a closed one needs none
		}
	}()
	n, err := ex.pump(client, c.br)
	ex.bytes = n
	if err != nil || halfClose(client) != nil {
		_ = client.SetDeadline(past) // a closed one needs none
	}
	<-up
	if ex.uncut() {
		return ""
	}
	return ex.failure(nil)
}

func (ex *exchange) pump(dst net.Conn, src io.Reader) (total int64, err error) {
	buf, _ := copyBuffers.Get().(*[chunkHead + copySize + chunkTail]byte)
	defer copyBuffers.Put(buf)
	for {
		n, rerr := src.Read(buf[:copySize])
		if n > 0 {
			ex.watch.touch(ex.h.timeouts.Idle)
			w, werr := dst.Write(buf[:n])
			total += int64(w)
			if werr != nil {
				return total, werr
			}
		}
		if errors.Is(rerr, io.EOF) {
			return total, nil
		}
		if rerr != nil {
			return total, rerr
		}
	}
}

// halfClose passes the end of one direction on.
func halfClose(dst net.Conn) error {
	if tcp, ok := dst.(*net.TCPConn); ok {
		return tcp.CloseWrite()
	}
	return nil
}
