package proxy

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// farewellTime is what the two sides of a websocket have to take a close frame and to say goodbye.
const farewellTime = 500 * time.Millisecond

// tunnel joins the client's connection and the backend's after a 101, until either ends.
func (ex *exchange) tunnel(c *conn, resp *response) code {
	ex.responding()
	ex.status = resp.status
	if resp.upgrade == "" {
		resp.upgrade = ex.req.upgrade
	}
	client, err := ex.front.hijack(resp)
	ex.hijacked = true
	if err != nil {
		return clientGone
	}
	defer client.shut()
	if !ex.hijack(client) {
		return ex.failure(nil)
	}
	up, down := &way{ex: ex, from: client, to: c.sock}, &way{ex: ex, from: c.sock, to: client}
	if strings.EqualFold(resp.upgrade, "websocket") {
		up.farewell, down.farewell = goingAwayMasked, goingAway
	}
	return ex.join(up, down)
}

// hijack lets cut reach the client's connection, which carries no HTTP any more.
func (ex *exchange) hijack(client *sock) bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.headerSent, ex.client = true, client
	_ = client.SetDeadline(time.Time{}) // one that is gone needs none
	return ex.cause == causeNone
}

// endTunnel unblocks both ways. At the end of a drain they still have a moment to write. mu is held.
func (ex *exchange) endTunnel(why cause) {
	writes := past
	if why == causeDrained {
		writes = time.Now().Add(farewellTime)
	}
	for _, s := range []*sock{ex.client, ex.conn.sock} {
		_ = s.SetReadDeadline(past) // a closed one needs none
		_ = s.SetWriteDeadline(writes)
	}
}

// join runs both ways. A side that ends its half is told on to the other, which may go on with its own; an error ends
// both.
func (ex *exchange) join(up, down *way) code {
	var all sync.WaitGroup
	all.Go(up.run)
	down.run()
	all.Wait()
	ex.received, ex.bytes = up.bytes, down.bytes
	if ex.uncut() {
		return ""
	}
	all.Go(up.goodbye)
	all.Go(down.goodbye)
	all.Wait()
	return ex.failure(nil)
}

// way is one direction of a tunnel.
type way struct {
	ex       *exchange
	from, to *sock
	bytes    int64
	frames   frames
	farewell []byte // a frame that says that the router goes; nil where the protocol is not known
	said     bool
}

func (w *way) run() {
	err := w.copy()
	if w.ex.drained() {
		w.said = w.farewell != nil && w.frames.between() && w.send(w.farewell) == nil
		return
	}
	if err != nil || halfClose(w.to.Conn) != nil {
		_ = w.to.SetDeadline(past) // a closed one needs none
	}
}

func (w *way) copy() error {
	for {
		if p := w.from.unread(); len(p) > 0 {
			if err := w.send(p); err != nil {
				return err
			}
			w.from.discard(len(p))
		}
		switch err := w.from.fill(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		w.ex.touch()
	}
}

func (w *way) send(p []byte) error {
	n, err := w.to.Write(p)
	w.bytes += int64(n)
	if w.farewell != nil {
		w.frames.pass(p[:n])
	}
	return err
}

// goodbye leaves a peer that was told to go the time to read that and to answer it.
func (w *way) goodbye() {
	if !w.said || halfClose(w.to.Conn) != nil {
		return
	}
	w.to.lingerFor(farewellTime, farewellTime)
}

func (ex *exchange) drained() bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.cause == causeDrained
}

// halfClose passes the end of one direction on.
func halfClose(dst net.Conn) error {
	if half, ok := dst.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
