package proxy

import (
	"strings"
	"sync/atomic"
	"time"

	"paas"
)

// policy is the settings of an app as requests meet them.
type policy struct {
	firstByte   time.Duration
	idle        time.Duration
	maxBody     int64 // 0: no bound
	maxRequests int64 // 0: no bound
	https       bool  // requests without TLS are sent there
	canonical   string
}

func newPolicy(r paas.Routing, t Timeouts) policy {
	p := policy{
		firstByte: t.FirstByte, idle: t.Idle, maxBody: int64(r.MaxBody), maxRequests: int64(r.MaxRequests),
		https: r.HTTPS == paas.HTTPSRedirect, canonical: r.Canonical,
	}
	if r.Timeout > 0 {
		p.firstByte = r.Timeout.Duration()
	}
	if r.IdleTimeout > 0 {
		p.idle = r.IdleTimeout.Duration()
	}
	return p
}

// share is what an app's requests have in common over all versions of the table.
type share struct {
	inflight atomic.Int64 // counted while the app has a bound
	held     queue
	tally    tally
}

// admit says whether the request may go to the app at all; otherwise with what code it is answered.
func (ex *exchange) admit() code {
	p := &ex.app.policy
	switch {
	case p.https && !ex.secure():
		host := p.canonical
		if host == "" {
			host = ex.host
		}
		return ex.redirect("https://" + host + ex.securePort())
	case p.canonical != "" && ex.host != p.canonical && ex.secure():
		return ex.redirect("https://" + p.canonical + ex.securePort())
	case p.canonical != "" && ex.host != p.canonical:
		return ex.redirect("http://" + p.canonical + ex.port())
	case p.maxBody > 0 && ex.req.length > p.maxBody:
		return bodyLarge
	case p.maxRequests > 0:
		if ex.app.share.inflight.Add(1) > p.maxRequests {
			ex.app.share.inflight.Add(-1)
			return backlog
		}
		ex.counted = ex.app.share
	}
	return ""
}

// secure says whether the client speaks TLS, to us or to a proxy before us that is trusted.
func (ex *exchange) secure() bool {
	if ex.req.secure {
		return true
	}
	if ex.trusted {
		for i := range ex.req.fields {
			if f := &ex.req.fields[i]; strings.EqualFold(f.name, "X-Forwarded-Proto") {
				return strings.EqualFold(f.value, "https")
			}
		}
	}
	return false
}

// port is that of the request's host, with its colon, if it has one.
func (ex *exchange) port() string {
	if i := strings.LastIndexByte(ex.req.host, ':'); i >= 0 && strings.Trim(ex.req.host[i+1:], "0123456789") == "" {
		return ex.req.host[i:]
	}
	return ""
}

// securePort is where the router takes TLS, with its colon, unless that is the usual port, or a proxy before the router
// takes it.
func (ex *exchange) securePort() string {
	if p := ex.h.securePort; p != "" && p != "443" && !ex.trusted {
		return ":" + p
	}
	return ""
}

func (ex *exchange) redirect(origin string) code {
	target := ex.req.target
	if target == "*" {
		target = "/"
	}
	ex.location = origin + target
	return moved
}
