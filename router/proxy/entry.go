package proxy

import "time"

// Entry is what a request line says, for another data plane to write the same lines.
type Entry struct {
	Code      string // such as H12; empty: the request did not fail
	Method    string
	Path      string // as requested, with the query
	Host      string
	RequestID string
	Fwd       string
	Instance  string
	Connect   time.Duration // from the request's arrival to a connection
	Service   time.Duration // from there to the end of the response
	Status    int
	Bytes     int64
}

// String is the line.
func (e Entry) String() string {
	l := line{
		code: code(e.Code), method: e.Method, path: e.Path, host: hostOf(e.Host), requestID: e.RequestID, fwd: e.Fwd,
		instance: e.Instance, connect: e.Connect, service: e.Service, status: e.Status, bytes: e.Bytes,
	}
	return string(l.appendTo(nil))
}
