package traefik

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"paas/router"
	"paas/router/proxy"
)

// access is a line of Traefik's access log, as far as it is of use. Durations are nanoseconds.
type access struct {
	Start           time.Time     `json:"StartUTC"`
	Duration        time.Duration `json:"Duration"`
	OriginDuration  time.Duration `json:"OriginDuration"`
	Router          string        `json:"RouterName"`
	Service         string        `json:"ServiceName"`
	Backend         string        `json:"ServiceAddr"`
	Client          string        `json:"ClientAddr"`
	Method          string        `json:"RequestMethod"`
	Host            string        `json:"RequestHost"`
	Path            string        `json:"RequestPath"`
	Status          int           `json:"DownstreamStatus"`
	Bytes           int64         `json:"DownstreamContentSize"`
	Retries         int           `json:"RetryAttempts"`
	RequestID       string        `json:"request_X-Request-Id"`
	ForwardedFor    string        `json:"request_X-Forwarded-For"`
	OriginDate      string        `json:"origin_Date"`
	OriginRequestID string        `json:"origin_X-Request-Id"` // of Pages, which made one
}

const provider = "@file"

// parseAccess makes a line of the access log a line of an app's stream. instance finds a backend's instance by its
// address. ok is false for what is no app's.
func parseAccess(line []byte, instance func(addr string) string) (ev router.LogEvent, ok bool) {
	var a access
	if err := json.Unmarshal(line, &a); err != nil {
		return ev, false // torn by a crash of Traefik
	}
	app, _, found := strings.Cut(a.Router, ":")
	if !found || !strings.HasSuffix(a.Router, provider) {
		return ev, false
	}
	service := strings.TrimPrefix(strings.TrimSuffix(a.Service, provider), app+":") // of an app's own page
	e := proxy.Entry{
		Method: a.Method, Path: a.Path, Host: a.Host, RequestID: a.RequestID, Fwd: a.fwd(), Status: a.Status, Bytes: a.Bytes,
		Connect: a.Duration - a.OriginDuration, Service: a.OriginDuration,
	}
	if e.RequestID == "" {
		e.RequestID = a.OriginRequestID
	}
	switch {
	case slices.Contains(codes, service):
		e.Code, e.Connect, e.Service = service, a.Duration, 0
	case service == "":
		e.Connect, e.Service = a.Duration, 0
		if a.Status == http.StatusTooManyRequests {
			e.Code = "H11"
		}
	default:
		e.Instance, e.Code = instance(a.Backend), a.failure()
	}
	return router.LogEvent{App: app, Time: a.Start.Add(a.Duration), Text: e.String()}, true
}

// failure is the code of an answer that is Traefik's own: those of apps have a date, and Traefik's have none. What could
// not be connected to is tried again, and nothing else is.
func (a *access) failure() string {
	if a.OriginDate != "" {
		return ""
	}
	switch a.Status {
	case http.StatusBadGateway:
		if a.Retries > 0 {
			return "H21"
		}
		return "H13"
	case http.StatusGatewayTimeout:
		if a.Retries > 0 {
			return "H19"
		}
		return "H12"
	case http.StatusInternalServerError:
		return "H17"
	case statusClientGone:
		return "H27"
	}
	return ""
}

// statusClientGone is Traefik's and nginx's: nobody is there to read it.
const statusClientGone = 499

// fwd is the value of X-Forwarded-For that the app gets.
func (a *access) fwd() string {
	host, _, err := net.SplitHostPort(a.Client)
	if err != nil {
		host = a.Client
	}
	if a.ForwardedFor != "" {
		return a.ForwardedFor + ", " + host
	}
	return host
}
