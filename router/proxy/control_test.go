package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"paas"
	"paas/router"
)

// control sends text to the control socket as curl would and returns status and body.
func (r *rig) control(method, path, body string) (int, string) {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", filepath.Join(r.opts.Dir, router.SocketFile))
	}}}
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://router"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, text := r.do(client, req)
	return resp.StatusCode, text
}

func TestTableIsPutAsAWhole(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	for body, want := range map[string]int{
		`{"version":6,"routes":[]}`:          409,
		`{"version":8,"routes":[],"more":1}`: 400,
		`{"version":8,"routes":[]} {}`:       400,
		`{"version":8,"routes":[{"app":1}]}`: 400,
		`{"version":-1}`:                     400,
		`null`:                               400,
		``:                                   400,
		strings.Repeat(" ", router.MaxTableBytes): 400,
	} {
		if status, text := r.control(http.MethodPut, "/table", `{"version":7,"routes":[]}`); status != 200 || !strings.Contains(text, `"version":7`) {
			t.Fatalf("got %d %s", status, text)
		}
		status, text := r.control(http.MethodPut, "/table", body)
		if status != want || !strings.Contains(text, `"error":{"code":"`) {
			t.Errorf("%.40q: got %d %s", body, status, text)
		}
		if _, table := r.control(http.MethodGet, "/table", ""); table != `{"version":7,"routes":[]}`+"\n" {
			t.Errorf("%.40q changed the table: %s", body, table)
		}
	}
}

func TestPartsOfATableThatCannotGoLiveAreLeftOut(t *testing.T) {
	t.Parallel()
	good := serveApp(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "good") })
	r := start(t, Options{})
	thief := paas.Route{App: "b", Hosts: []string{"a.localhost", "b.localhost"}, Down: "H14"}
	r.put(route(good, netip.AddrPort{}), thief)
	if _, body := r.get("/"); body != "good" {
		t.Errorf("got %q", body)
	}
	req := r.request(http.MethodGet, "/", nil)
	req.Host = "b.localhost"
	if resp, _ := r.do(r.client(), req); resp.Header.Get("X-Paas-Error") != "H14" {
		t.Errorf("got %v", resp.Header)
	}
}

func TestDrainIsDecodedStrictly(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	for _, body := range []string{``, `{"addrs":["x"]}`, `{"addrs":[],"more":1}`, `{"addrs":[],"deadline_ms":-1}`, `{"addrs":[],"deadline_ms":9223372036854775807}`} {
		if status, text := r.control(http.MethodPost, "/drain", body); status != 400 {
			t.Errorf("%q: got %d %s", body, status, text)
		}
	}
	if status, text := r.control(http.MethodPost, "/drain", `{"addrs":["127.0.0.1:1"],"deadline_ms":1000}`); status != 200 || text != `{"cut":0}`+"\n" {
		t.Errorf("got %d %s", status, text)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	h, err := r.target.Health(t.Context())
	if err != nil || h.Version != 1 || time.Since(h.StartedAt) > patience {
		t.Errorf("got %+v, %v", h, err)
	}
}

func TestSocketIsTheOwnersAlone(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	fi, err := os.Stat(filepath.Join(r.opts.Dir, router.SocketFile))
	if err != nil || fi.Mode() != os.ModeSocket|0o600 {
		t.Errorf("got %v, %v", fi.Mode(), err)
	}
}

func TestSocketOfAKilledRouterIsReplaced(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, router.SocketFile)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close() // as after kill -9: the file stays
	r := start(t, Options{Dir: dir}, route())
	r.stop()
	start(t, Options{Dir: dir}, route())
}

func TestDirectoryOfARouterThatHandsNothingOverIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	eventually(t, "the socket for successors", func() bool {
		return os.Remove(filepath.Join(r.opts.Dir, handoverFile)) == nil
	})
	if _, err := New(Options{Dir: r.opts.Dir, HTTPAddr: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "another router") {
		t.Errorf("got %v", err)
	}
	if _, err := r.target.Health(t.Context()); err != nil {
		t.Errorf("the first one: %v", err)
	}
}

func TestAddressInUseIsNamed(t *testing.T) {
	t.Parallel()
	r := start(t, Options{})
	dir := shortDir(t)
	if _, err := New(Options{Dir: dir, HTTPAddr: r.Addr().String()}); err == nil || !strings.Contains(err.Error(), r.Addr().String()) {
		t.Errorf("got %v", err)
	}
	start(t, Options{Dir: dir}) // the failed one has let go of the directory
}

func TestRouterWithoutAnAddressIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{Dir: shortDir(t)}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestTableIsLoadedAtStart(t *testing.T) {
	t.Parallel()
	const good, damaged = `{"version":3,"routes":[{"app":"a","name":"a","hosts":["a.localhost"],"backends":[],"down":"H20"}]}`, `{"version":4,"rou`
	for name, tt := range map[string]struct {
		table, prev string
		version     uint64
		reported    bool
	}{
		"there":                           {good, "", 3, false},
		"damaged":                         {damaged, good, 3, true},
		"damaged with none before":        {damaged, "", 0, true},
		"damaged, and so the one before":  {damaged, damaged, 0, true},
		"empty file":                      {"\x00", good, 3, true},
		"gone between two renames":        {"", good, 3, false},
		"first start":                     {"", "", 0, false},
		"from the future, with new words": {`{"version":9,"routes":[],"new":1}`, good, 9, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := shortDir(t)
			for file, text := range map[string]string{"table.json": tt.table, "table.json.prev": tt.prev} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			s, err := New(Options{Dir: dir, HTTPAddr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.doors.close() }()
			if s.live.version() != tt.version || strings.Contains(log.String(), "table.json: ") != tt.reported {
				t.Errorf("version %d, log %s", s.live.version(), log.String())
			}
		})
	}
}

func TestLogStartsWithTheVersionAndANewReaderTakesOver(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	ended := make(chan error, 1)
	first := make(chan struct{})
	go func() {
		ended <- r.target.Log(t.Context(), func(ev router.LogEvent) error {
			if ev.App == "" && ev.Version == 1 {
				close(first)
			}
			return nil
		})
	}()
	await(t, "the first event", first)
	ctx, cancel := context.WithCancel(t.Context())
	err := r.target.Log(ctx, func(router.LogEvent) error { cancel(); return nil })
	if err == nil {
		t.Error("no error")
	}
	if err := await(t, "the end of the old reader", ended); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestReaderThatStallsCostsItsOwnLinesOnly(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	stalled, err := net.Dial("unix", filepath.Join(r.opts.Dir, router.SocketFile))
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Close()
	if _, err := io.WriteString(stalled, "GET /log HTTP/1.1\r\nHost: router\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stalled, make([]byte, 12)); err != nil { // it has taken over, and reads no more
		t.Fatal(err)
	}
	for range 3 * ringLines { // returns although nobody takes them
		r.ring.add("a", testTime, []byte(strings.Repeat("x", 200)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	lines := 0
	_ = r.target.Log(ctx, func(ev router.LogEvent) error { // whoever comes next takes over from it, in the middle of its write
		if lines++; lines >= ringLines/2 {
			cancel()
		}
		return nil
	})
	if lines < ringLines/2 {
		t.Errorf("%d lines", lines)
	}
}

func TestReaderThatIsSlowIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(goOn)
		select {
		case <-begun:
		case <-ctx.Done():
			return
		}
		for range 3 * ringLines { // far more than the connection and the ring hold
			r.ring.add("a", testTime, []byte(strings.Repeat("x", 200)))
		}
	}()
	_ = r.target.Log(ctx, func(ev router.LogEvent) error {
		if ev.App == "" {
			close(begun)
			<-goOn
		}
		if strings.Contains(ev.Text, "dropped=") {
			cancel()
		}
		return nil
	})
	if t.Context().Err() != nil || ctx.Err() == nil {
		t.Error("no word of what was dropped")
	}
}

func TestRingKeepsTheNewestAndCountsTheRest(t *testing.T) {
	t.Parallel()
	r := newRing(4, 1000)
	for i := range 10 {
		r.add([]string{"a", "b"}[i%2], testTime, []byte(fmt.Sprint(i)))
	}
	got := map[string][]string{}
	buf := make([]slot, 1)
	for {
		n, more := r.take(buf, testTime)
		if n == 0 {
			if !more {
				t.Error("ended before it was closed")
			}
			break
		}
		got[buf[0].app] = append(got[buf[0].app], string(buf[0].text))
	}
	want := fmt.Sprint(map[string][]string{"a": {droppedLine(3), "6", "8"}, "b": {droppedLine(3), "7", "9"}})
	if fmt.Sprint(got) != want {
		t.Errorf("got %v", got)
	}
	r.close()
	if n, more := r.take(buf, testTime); n != 0 || more {
		t.Errorf("got %d, %v after close", n, more)
	}
}

func TestRingIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	r := newRing(1000, 100)
	for range 100 {
		r.add("a", testTime, []byte(strings.Repeat("x", 30)))
	}
	if r.n != 3 || r.bytes != 90 || r.dropped["a"] != 97 {
		t.Errorf("%d lines, %d bytes, %d dropped", r.n, r.bytes, r.dropped["a"])
	}
}

func TestLinesAreWrittenAsTheirReaderReadsThem(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "at=info path=\"/\\\"x\" bytes=1", "…", "a\tb<&>\u2028"} {
		s := slot{app: "a\"b", at: testTime, text: []byte(text)}
		var ev router.LogEvent
		if err := json.Unmarshal(s.appendJSON(nil), &ev); err != nil {
			t.Fatal(err)
		}
		if want := (router.LogEvent{App: "a\"b", Time: testTime, Text: text}); ev != want {
			t.Errorf("got %+v", ev)
		}
	}
}
