package proxy

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// successor is a router that takes over from this one.
type successor struct {
	conn *net.UnixConn
	gone chan struct{} // closed when it has ended
}

// awaitSuccessor offers the doors to whatever router comes, and returns the one that has opened them. It returns nil when
// ctx ends. What ends in the middle leaves everything as it was.
func (r *run) awaitSuccessor(ctx context.Context) *successor {
	path := filepath.Join(r.opts.Dir, handoverFile)
	l, err := listenUnix(path)
	if err != nil {
		r.opts.Log.Error("no router can take over from this one without a gap", "error", err)
		<-ctx.Done()
		return nil
	}
	defer func() { _ = l.Close() }() // it has nothing to tell
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for ctx.Err() == nil {
		conn, err := l.AcceptUnix()
		if err != nil {
			if ctx.Err() == nil {
				r.opts.Log.Error("no router can take over for a moment", "error", err)
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
				}
			}
			continue
		}
		if r.handOver(ctx, conn) {
			return watch(conn)
		}
		_ = conn.Close() // gone, or not in order
	}
	return nil
}

// handOver goes through the steps with one that came. It says whether that has the doors now.
func (r *run) handOver(ctx context.Context, conn *net.UnixConn) bool {
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })()
	private := "retired-" + rand.Text()[:8] + ".sock"
	offered, files := offer{Front: r.doors.front.addr, Control: private}, []syscall.Conn{r.doors.front, r.doors.control, r.doors.lock}
	if r.doors.secure != nil {
		offered.Secure, files = r.doors.secure.addr, append(files, r.doors.secure)
	}
	text, err := json.Marshal(offered)
	if err == nil {
		err = sendFiles(conn, text, files...)
	}
	if err != nil {
		r.opts.Log.Error("the doors cannot be handed over", "error", err)
		return false
	}
	if !hears(conn, giveControl) {
		return false
	}
	path := filepath.Join(r.opts.Dir, private)
	l, err := listenUnix(path)
	if err != nil {
		r.opts.Log.Error("the control socket cannot be handed over", "error", err)
		return false
	}
	r.private = path
	r.control.close()
	r.control = r.openControl(r.g, l)
	if _, err := conn.Write([]byte{done}); err == nil && hears(conn, goOn) {
		return true
	}
	r.takeBackControl()
	return false
}

func (r *run) takeBackControl() {
	r.control.close()
	r.removePrivate()
	l, err := r.doors.control.open()
	if err != nil {
		r.g.Go(func() error { return err })
		return
	}
	r.control = r.openControl(r.g, l)
}

func (r *run) removePrivate() {
	if r.private == "" {
		return
	}
	if err := os.Remove(r.private); err != nil {
		r.opts.Log.Warn("the socket for a successor stays", "error", err)
	}
	r.private = ""
}

func watch(conn *net.UnixConn) *successor {
	s := &successor{conn: conn, gone: make(chan struct{})}
	go func() {
		defer close(s.gone)
		_ = conn.SetDeadline(time.Time{}) // the read tells
		_, _ = conn.Read(make([]byte, 1)) // nothing comes but its end
	}()
	return s
}

// leave ends the connection, which tells it that this router has ended.
func (s *successor) leave() {
	_ = s.conn.Close() // it was only read from
	<-s.gone
}

// retire lets what is here end while the successor has the doors. back says that this one ended first, and that the doors
// are open here again; else ctx has ended.
func (r *run) retire(ctx context.Context, next *successor) (back bool, err error) {
	defer next.leave()
	leaving := r.fronts
	r.fronts = nil
	table := r.live.table() // a cut leaves none, and the disk may not have it
	leaving.halt()
	late := make(chan bool, 1)
	r.g.Go(func() error {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.opts.Timeouts.Drain)
		defer cancel()
		late <- leaving.leave(ending)
		return nil
	})
	select {
	case late := <-late:
		if err := r.cut(leaving, late); err != nil {
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-next.gone:
		}
	case <-next.gone:
		r.earlier = append(r.earlier, leaving)
	}
	r.live.put(table)
	if err := r.load(); err != nil { // as paasd has written it last
		r.opts.Log.Error("the routing table on disk is not readable, the one in memory is used", "error", err)
	}
	r.takeBackControl()
	r.fronts, err = r.openFronts(r.g)
	return err == nil, err
}
