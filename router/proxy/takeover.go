package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path/filepath"
	"syscall"
	"time"

	"paas"
	"paas/router"
)

// How a router takes over from another one on its directory, so that no request is lost and none goes to an instance
// that is to end: it connects to handover.sock, is sent an offer with the doors, and loads the table. It says giveControl;
// the other one ends paasd's connections, answers on a socket for its successor alone from then on, and says done. The new
// one takes the other's table, opens the doors, and says goOn: the other one takes no more connections and lets those go
// that it has. Whichever ends closes the connection, and that tells the other.
const (
	handoverFile = "handover.sock"

	giveControl byte = 'c'
	done        byte = 'd'
	goOn        byte = 'g'
)

// takeoverTime bounds each step of it.
const takeoverTime = 10 * time.Second

// offer goes with the file descriptors of the front, of the control socket, of the lock and, if it has one, of the front
// for TLS, in this order.
type offer struct {
	Front   string `json:"front"`            // the address as it was asked for
	Secure  string `json:"secure,omitempty"` // likewise; empty: it takes no TLS
	Control string `json:"control"`          // name of the socket that it answers on later
}

// files is how many go with it.
func (o offer) files() int {
	if o.Secure == "" {
		return 3
	}
	return 4
}

// predecessor is the router that this one takes over from, while it has requests of its own.
type predecessor struct {
	conn   *net.UnixConn
	target *router.Embedded
	gone   chan struct{} // closed when it has ended, or this one has left it
}

// startTime is how long a router that has the lock may take to offer the doors.
const startTime = 3 * time.Second

// getDoors opens the doors, or asks the router that is up on the directory for them.
func getDoors(opts Options) (before *predecessor, d *doors, err error) {
	for began := time.Now(); ; {
		before, d, err = askPredecessor(opts)
		if err != nil {
			return nil, nil, fmt.Errorf("take over from the router that is up: %w", err)
		}
		if before != nil {
			return before, d, nil
		}
		d, err = openDoors(opts)
		if !errors.Is(err, errLocked) || time.Since(began) > startTime {
			return nil, d, err
		}
		<-time.After(10 * time.Millisecond) // it has just started, or is about to end
	}
}

// askPredecessor returns the router that is up on the directory, nil if there is none, and the doors that it offers.
func askPredecessor(opts Options) (*predecessor, *doors, error) {
	conn, err := dialHandover(opts.Dir)
	if err != nil {
		if isNobody(err) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	d, o, err := receiveDoors(conn, opts)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return &predecessor{conn: conn, target: router.NewEmbeddedAt(filepath.Join(opts.Dir, o.Control)), gone: make(chan struct{})}, d, nil
}

func receiveDoors(conn *net.UnixConn, opts Options) (_ *doors, o offer, err error) {
	if err := conn.SetDeadline(time.Now().Add(takeoverTime)); err != nil {
		return nil, o, err
	}
	text, files, err := receiveFiles(conn)
	if err != nil {
		return nil, o, err
	}
	d := &doors{dir: opts.Dir}
	defer func() {
		for _, f := range files {
			if f != d.lock {
				err = errors.Join(err, f.Close()) // the doors have copies
			}
		}
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if err := json.Unmarshal(text, &o); err != nil || len(files) != o.files() || o.Control != filepath.Base(o.Control) {
		return nil, o, paas.Errorf(paas.Conflict, "its offer is not understood: %.100q with %d files", text, len(files))
	}
	d.lock = files[2]
	if d.control, err = receiveDoor(files[1], d.controlPath()); err != nil {
		return nil, o, err
	}
	if o.Front == opts.HTTPAddr {
		d.front, err = receiveDoor(files[0], opts.HTTPAddr)
	} else {
		d.front, err = listenTCP(opts.HTTPAddr)
	}
	switch {
	case err != nil || opts.HTTPSAddr == "":
	case o.Secure == opts.HTTPSAddr:
		d.secure, err = receiveDoor(files[3], opts.HTTPSAddr)
	default:
		d.secure, err = listenTCP(opts.HTTPSAddr)
	}
	return d, o, err
}

// relieve takes paasd's calls from the predecessor, and the table that it has. It fails where that stays: two would serve.
func (r *run) relieve(ctx context.Context, p *predecessor) error {
	p.tell(giveControl)
	if !p.answers(done) {
		p.leave()
		if offers(r.opts.Dir) {
			return paas.Errorf(paas.Unavailable, "the router that is up does not hand over").WithHint("look for the reason in its log")
		}
		r.opts.Log.Warn("the router before has ended")
		r.before.Store(nil)
		return nil
	}
	r.g.Go(func() error { r.follow(p); return nil })
	ctx, cancel := context.WithTimeout(ctx, takeoverTime)
	defer cancel()
	t, err := p.target.Table(ctx)
	if err != nil {
		r.opts.Log.Warn("the routing table of the router before is not known, the one on disk is used", "error", err)
		return nil
	}
	_, newer := r.live.put(t)
	r.opts.Log.Debug("routing table of the router before", "version", t.Version, "newer", newer)
	return nil
}

// offers says whether a router is there that would hand over the doors.
func offers(dir string) bool {
	conn, err := dialHandover(dir)
	if err != nil {
		return !isNobody(err)
	}
	_ = conn.Close() // it sees to that
	return true
}

func dialHandover(dir string) (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(dir, handoverFile), Net: "unix"})
}

func isNobody(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// follow takes the request lines of the predecessor until it has ended, or is left.
func (r *run) follow(p *predecessor) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	logged := make(chan struct{})
	go func() {
		defer close(logged)
		_ = p.target.Log(ctx, func(ev router.LogEvent) error { // to its end
			if ev.App != "" {
				r.ring.add(ev.App, ev.Time, []byte(ev.Text))
			}
			return nil
		})
	}()
	_ = p.conn.SetDeadline(time.Time{}) // the read tells
	_, _ = p.conn.Read(make([]byte, 1)) // nothing comes but its end
	r.before.Store(nil)
	close(p.gone)
	select {
	case <-logged:
	case <-time.After(flushTime):
		cancel()
		<-logged
	}
	p.leave()
}

// leave lets it go: if it is still there it takes the doors back.
func (p *predecessor) leave() { _ = p.conn.Close() } // twice is once

// tell says something to it. Whether it heard shows in what it does.
func (p *predecessor) tell(word byte) {
	_ = p.conn.SetWriteDeadline(time.Now().Add(takeoverTime))
	_, _ = p.conn.Write([]byte{word})
}

func (p *predecessor) answers(word byte) bool { return hears(p.conn, word) }

// isGone says, after a call of it failed, whether that is because it has ended: that is heard a moment later.
func (p *predecessor) isGone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	select {
	case <-p.gone:
		return true
	case <-ctx.Done():
		return false
	}
}

// put passes a table on to it. One that it does not understand, as an older program, is nothing to wait for.
func (p *predecessor) put(ctx context.Context, t router.Table) error {
	_, err := p.target.Put(ctx, t)
	if _, stale := errors.AsType[*router.StaleError](err); stale || paas.CodeOf(err) == paas.Invalid || err != nil && p.isGone(ctx) {
		return nil
	}
	return err
}

// drain is of what it still has in flight.
func (p *predecessor) drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (cut int, err error) {
	cut, err = p.target.Drain(ctx, addrs, deadline)
	if err != nil && p.isGone(ctx) {
		return 0, nil
	}
	return cut, err
}

func hears(conn *net.UnixConn, word byte) bool {
	var b [1]byte
	err := conn.SetReadDeadline(time.Now().Add(takeoverTime))
	if err == nil {
		_, err = conn.Read(b[:])
	}
	return err == nil && b[0] == word
}
