package release

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"syscall"
	"time"

	"paas"
)

// The bounds of one probe.
const (
	dialProbe   = time.Second
	answerProbe = 5 * time.Second
	maxAnswer   = 64 << 10 // bytes of the answer's head
)

// target is what a probe asks.
type target struct {
	addr netip.AddrPort
	host string // of the request
	path string // "" asks only whether it listens
}

// target of the checks of an instance.
func (e *Engine) target(i paas.Instance, c paas.Checks) target {
	return target{addr: i.AddrPort(), host: e.defaultHost(i.AppName), path: c.Path}
}

// trouble is what a probe met. The zero value means none: what was probed is healthy.
type trouble struct {
	what    string // "connection refused", "status 302"
	listens bool   // the connection was taken
}

func (t trouble) none() bool { return t.what == "" }

func (t trouble) String() string { return t.what }

// probe asks t once: whether it takes a connection, and, where there is a path, whether GET on it is answered with 2xx.
// The request goes straight to the instance on a connection of its own; no redirect is followed.
func probe(ctx context.Context, t target) trouble {
	dialer := net.Dialer{Timeout: dialProbe}
	conn, err := dialer.DialContext(ctx, "tcp", t.addr.String())
	if err != nil {
		return trouble{what: whyNoConnection(err)}
	}
	defer conn.Close()
	if t.path == "" {
		return trouble{}
	}
	status, err := get(ctx, conn, t)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return trouble{what: fmt.Sprintf("no answer within %s", answerProbe), listens: true}
	case err != nil:
		return trouble{what: "no HTTP answer", listens: true}
	case status < 200 || status > 299:
		return trouble{what: fmt.Sprintf("status %d", status), listens: true}
	}
	return trouble{}
}

func whyNoConnection(err error) string {
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case ok && op.Timeout():
		return "connection timed out"
	}
	return err.Error()
}

// get sends the request on conn and returns the status of the answer. The body, which may have no end, is not read; it
// goes with conn.
func get(ctx context.Context, conn net.Conn, t target) (status int, err error) {
	if err := conn.SetDeadline(time.Now().Add(answerProbe)); err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // fails only when conn is closed already
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.addr.String()+t.path, http.NoBody)
	if err != nil {
		return 0, err
	}
	req.Host, req.Close = t.host, true
	req.Header.Set("User-Agent", "paas-check")
	if err := req.Write(conn); err != nil {
		return 0, err
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxAnswer))
	for {
		resp, err := http.ReadResponse(answer, req) //nolint:bodyclose // closing it reads it to its end
		if err != nil {
			return 0, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp.StatusCode, nil
		}
	}
}
