package proxy

import (
	"log/slog"
	"net/netip"
	"time"

	"paas/router/certs"
)

// Options are a server's settings.
type Options struct {
	Dir      string // table.json (read at start) and the control socket; made when missing
	Name     string // tells it from others, in its Health
	HTTPAddr string // host:port of the listener for requests; port 0 lets the system choose
	Log      *slog.Logger

	HTTPSAddr string        // of the listener for requests over TLS; empty: none
	Certs     certs.Options // where certificates come from; Hosts and Log are set by New

	// TrustedProxies are peers whose X-Forwarded-* headers are kept and extended. Empty: what any client sends there is
	// dropped.
	TrustedProxies []netip.Prefix
	Timeouts       Timeouts
}

// Timeouts bound the parts of a request. A zero field has the default in its comment.
type Timeouts struct {
	Connect   time.Duration // to a backend: 5 s
	FirstByte time.Duration // from the end of the request to the start of the response: 30 s
	Idle      time.Duration // without a byte either way, and between requests: 55 s
	Header    time.Duration // for a client to send its request header, and for the handshake of TLS: 10 s
	Hold      time.Duration // for an app that is paused or boots to take a request: 10 s
	Drain     time.Duration // for requests in flight when the server stops: 30 s
}

func (t Timeouts) withDefaults() Timeouts {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&t.Connect, 5*time.Second)
	set(&t.FirstByte, 30*time.Second)
	set(&t.Idle, 55*time.Second)
	set(&t.Header, 10*time.Second)
	set(&t.Hold, 10*time.Second)
	set(&t.Drain, 30*time.Second)
	return t
}

// precision is how often it is looked whether one of the time-outs is up.
func (t Timeouts) precision() time.Duration {
	return max(5*time.Millisecond, min(t.FirstByte/8, t.Idle/8, 250*time.Millisecond))
}

// maxHeader bounds a header: the request line and fields of a request, and the same of a response.
const maxHeader = largeSize
