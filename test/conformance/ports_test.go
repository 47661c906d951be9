package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"paas/test/platform"
)

func TestVII1TheExposedPortIsServed(t *testing.T) {
	both(t, "VII-1", "another EXPOSEd port: served through $PORT", func(p *proof) {
		a := p.deployed(platform.Fixture{Dockerfile: "FROM scratch\nCOPY probe /probe\nEXPOSE 8123\nCMD [\"/probe\", \"web\"]\n", Procfile: "-"})
		if port := a.Value("PORT"); port != "8123" {
			p.Errorf("$PORT is %q", port)
		}
		if published := a.Inspect(a.Container("web.1").ID, "{{len .HostConfig.PortBindings}}"); published != "0" {
			p.Errorf("%s ports are published on the host", published)
		}
	})
}

func TestVII2TooSlowToBoot(t *testing.T) {
	bothAtLeisure(t, "VII-2", "slowboot past the deadline: the deploy fails, the old release keeps traffic", func(p *proof) {
		a := p.deployed(platform.Fixture{})
		load := a.Load("/", platform.Rate{Kept: 5})
		a.Write("Procfile", "web: /probe slowboot\n")
		a.Commit("Boots in 90 s")
		r := a.Run("git", "push", "paas", "main").Says("did not listen", "$PORT", "booting for 1m30s")
		load.StopClean(p)
		if r.Code == 0 {
			p.Fatalf("the push succeeds\n%s", r)
		}
		if failed := a.Release(2); failed.Status != "failed" {
			p.Errorf("v2 is %+v", failed)
		}
		a.Get("/").Must(p, http.StatusOK, "web.1 v1")
		a.WantUp("web.1")
	})
}

func TestVII3LoopbackIsNamed(t *testing.T) {
	bothAtLeisure(t, "VII-3", "a process on loopback: the message names 127.0.0.1 and $PORT", func(p *proof) {
		a := p.app(platform.Fixture{Procfile: "web: /probe loopback\n"})
		r := a.Run("git", "push", "paas", "main").Says("127.0.0.1:5000", "$PORT", "0.0.0.0:$PORT")
		if r.Code == 0 {
			p.Fatalf("the push succeeds\n%s", r)
		}
	})
}

func TestVII4AWorkersPortIsNotReachable(t *testing.T) {
	both(t, "VII-4", "a worker's port is not reachable by host", func(p *proof) {
		a := p.deployed(platform.Fixture{Procfile: "web: /probe web\nworker: /probe web\n"})
		a.Do("paas", "scale", "worker=1")
		a.Direct("worker.1", http.MethodGet, "/", "").Must(p, http.StatusOK, "worker.1") // it does listen
		for _, host := range []string{"worker." + a.Name, "worker.1." + a.Name, a.Name + "-worker", "worker"} {
			p.Get(host, "/").Must(p, http.StatusNotFound)
		}
		for range 50 {
			a.Get("/").Must(p, http.StatusOK, "web.1")
		}
		if published := a.Inspect(a.Container("worker.1").ID, "{{len .HostConfig.PortBindings}}"); published != "0" {
			p.Errorf("%s ports are published on the host", published)
		}
		if _, there := a.Env()["PORT"]; !there {
			p.Error("web has no PORT")
		}
	})
}

// arrived is a request as the app saw it.
type arrived struct {
	Host   string      `json:"host"`
	Header http.Header `json:"header"`
}

func TestVII5RequestsArriveWithTheirOrigin(t *testing.T) {
	both(t, "VII-5", "Host, X-Forwarded-*, request id arrive; a client's id is kept", func(p *proof) {
		a := p.deployed(platform.Fixture{})
		ask := func(headers ...string) (seen arrived, back http.Header) {
			answer := p.Request(p, http.MethodGet, a.URL("/headers"), "", headers...).Must(p, http.StatusOK)
			p.OK(json.Unmarshal([]byte(answer.Body), &seen))
			return seen, answer.Header
		}
		seen, _ := ask()
		_, port, _ := strings.Cut(p.RouterAddr(), ":")
		for key, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Port": port} {
			if got := seen.Header.Get(key); got != want {
				p.Errorf("%s is %q, not %q", key, got, want)
			}
		}
		if want := a.Name + ".localhost:" + port; seen.Host != want {
			p.Errorf("Host is %q, not %q", seen.Host, want)
		}
		if id := seen.Header.Get("X-Request-Id"); len(id) < 16 && !p.Traefik() { // which makes none
			p.Errorf("the request id is %q", id)
		}
		started := strings.TrimPrefix(seen.Header.Get("X-Request-Start"), "t=")
		if _, err := strconv.ParseInt(started, 10, 64); err != nil && !p.Traefik() { // which tells of none
			p.Errorf("X-Request-Start is %q", started)
		}
		again, _ := ask("X-Request-Id", "client-chose-this-id-42")
		if id := again.Header.Get("X-Request-Id"); id != "client-chose-this-id-42" {
			p.Errorf("the client's id became %q", id)
		}
		a.WantLog("router[", "request_id=client-chose-this-id-42", "status=200")
	})
}

func TestVII6WebsocketAndStreamStayIntact(t *testing.T) {
	bothAtLeisure(t, "VII-6", "websocket and a 60 s stream intact, no line more than 200 ms late", func(p *proof) {
		a := p.deployed(platform.Fixture{})
		conn, _, err := websocket.Dial(p.Context(), strings.Replace(a.URL("/ws"), "http", "ws", 1), &websocket.DialOptions{HTTPClient: p.Client()})
		p.OK(err)
		defer func() { _ = conn.CloseNow() }()

		past := make(chan platform.Streamed, 1) // the router: what the machine alone costs
		direct := "http://" + a.Address("web.1") + stream
		go func() {
			past <- platform.Follow(p.Context(), &http.Transport{DisableKeepAlives: true}, direct, func(int) {})
		}()
		routed := platform.Follow(p.Context(), p.Client().Transport, a.URL(stream), func(n int) {
			if n%100 == 0 {
				p.echo(conn, fmt.Sprintf("message %d", n))
			}
		})
		alone := <-past
		p.OK(errors.Join(routed.Err, alone.Err))
		if routed.Lines < 400 {
			p.Errorf("only %d lines came", routed.Lines)
		}
		if routed.Worst-alone.Worst > 200*time.Millisecond {
			p.Errorf("a line was %s on its way, at most %s past the router", routed.Worst, alone.Worst)
		}
		p.echo(conn, strings.Repeat("x", 20_000))
	})
}

// stream is a path that sends a line every 100 ms for a minute.
const stream = "/stream?for=60s&every=100ms"

func (p *proof) echo(conn *websocket.Conn, text string) {
	p.Helper()
	p.OK(conn.Write(p.Context(), websocket.MessageText, []byte(text)))
	_, back, err := conn.Read(p.Context())
	p.OK(err)
	if string(back) != text {
		p.Errorf("the websocket sent back %q", back)
	}
}
