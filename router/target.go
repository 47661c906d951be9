package router

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"paas"
)

// Target is a data plane. Its methods fail with paas.Unavailable when it is away; calls may come from several
// goroutines.
type Target interface {
	// Put makes t live and returns once every new request sees it, with what of it could not be; it need not say what
	// t.Check says. A StaleError says that a newer one is live.
	Put(ctx context.Context, t Table) ([]Problem, error)
	// Drain waits until no request is in flight to the addresses, none of which may be in the live table, for at most
	// deadline; what is left then is cut. It returns how many were.
	Drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (cut int, err error)
	// Log follows the request log until ctx ends or the target goes away. The first event of each call has no app: it
	// says which version is live.
	Log(ctx context.Context, fn func(LogEvent) error) error
}

// Observed is a Target that shows its table and its metrics.
type Observed interface {
	// Routes is the table as it is live, or only the part of an app (App.ID).
	Routes(ctx context.Context, app string) (paas.RouteTable, error)
	// Metrics are what Prometheus would scrape, as delimited protobuf.
	Metrics(ctx context.Context) ([]byte, error)
}

// LogEvent is a line of the request log, or, without an app, the version that is live as the log begins.
type LogEvent struct {
	App     string    `json:"app,omitempty"` // App.ID
	Time    time.Time `json:"time"`
	Text    string    `json:"text,omitempty"`
	Version uint64    `json:"version,omitempty"`
}

// StaleError refuses a table because a newer one is live.
type StaleError struct {
	Live uint64
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("version %d of the routing table is live", e.Live)
}

// None is the target of an installation that routes by other means: every table is live at once.
type None struct{}

// Put does nothing.
func (None) Put(context.Context, Table) ([]Problem, error) { return nil, nil }

// Drain finds nothing in flight.
func (None) Drain(context.Context, []netip.AddrPort, time.Duration) (int, error) { return 0, nil }

// Log waits for ctx to end: there are no requests.
func (None) Log(ctx context.Context, fn func(LogEvent) error) error {
	if err := fn(LogEvent{Time: time.Now()}); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}
