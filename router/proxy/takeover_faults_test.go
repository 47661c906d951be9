package proxy

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSuccessorThatIsRefusedDoesNotServe(t *testing.T) {
	t.Parallel()
	opts := Options{Dir: shortDir(t), HTTPAddr: "127.0.0.1:0"}
	d, err := openDoors(opts)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listenUnix(filepath.Join(opts.Dir, handoverFile))
	if err != nil {
		t.Fatal(err)
	}
	offered, err := json.Marshal(offer{Front: opts.HTTPAddr, Control: "retired-x.sock"})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // a router that cannot make another control socket
		defer close(ended)
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			if err := sendFiles(conn, offered, d.front, d.control, d.lock); err == nil {
				hears(conn, giveControl)
			}
			_ = conn.Close()
		}
	}()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := make(chan error, 1)
	go func() { run <- s.Run(ctx) }()
	if err := await(t, "its end", run); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(d.controlPath()); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	await(t, "the end of the first", ended)
	if err := d.close(); err != nil {
		t.Error(err)
	}
}

func TestTableThatIsNotOnDiskOutlivesASuccessor(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Drain: 100 * time.Millisecond}}, route(refusing(t)))
	saveTable(t, r)
	r.put(route(serveApp(t, echo))) // which a full disk does not have
	r2 := r.next("second")
	eventually(t, "the end of the first's requests", func() bool { return len(r.live.table().Routes) == 0 })
	r2.stop()
	eventually(t, "control of the first", func() bool {
		h, err := r.target.Health(t.Context())
		return err == nil && h.Name == ""
	})
	if v := r.live.version(); v != 2 {
		t.Errorf("version %d is live", v)
	}
	if resp, _ := r.get("/"); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestSuccessorsThatEndAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	saveTable(t, r)
	path := filepath.Join(r.opts.Dir, handoverFile)
	for range 100 {
		var conn *net.UnixConn
		eventually(t, "somebody who hands over", func() bool {
			var err error
			if conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"}); err != nil {
				return false
			}
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			_, files, err := receiveFiles(conn)
			for _, f := range files {
				_ = f.Close()
			}
			return err == nil || conn.Close() != nil
		})
		if _, err := conn.Write([]byte{giveControl}); err != nil || !hears(conn, done) {
			t.Fatal("no control", err)
		}
		_, _ = conn.Write([]byte{goOn})
		_ = conn.Close()
		if resp, _ := r.get("/"); resp.StatusCode != 200 {
			t.Fatalf("got %d", resp.StatusCode)
		}
	}
}

func TestRouterThatStopsLeavesTheSocketToACandidate(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	var conn *net.UnixConn
	eventually(t, "somebody who hands over", func() (ok bool) {
		var err error
		conn, err = dialHandover(r.opts.Dir)
		return err == nil
	})
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, files, err := receiveFiles(conn) // and is about to ask for control
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		defer f.Close()
	}
	r.stop()
	control, err := net.Dial("unix", r.doors.controlPath())
	if err != nil {
		t.Fatal(err)
	}
	_ = control.Close()
}
