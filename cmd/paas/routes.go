package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type routesOptions struct {
	*session
	all  bool
	json bool
}

func newRoutes(s *session, run func(context.Context, *routesOptions) error) *cobra.Command {
	o := &routesOptions{session: s}
	cmd := &cobra.Command{
		Use:   "routes",
		Short: "Show the routing table as the router has it now",
		Long: `Show the routing table as the router has it now: where the requests to an app go, and what became of them so far.

The state of a route is up; maintenance, paused or down, with the code that requests are answered with; or gone, for an
app that was removed with requests in flight. That of a backend is up; ejected, for one that could not be connected to
and is passed over until a time; trial, once that time is over and one request tries whether it is back; draining, for
one that has left the table and finishes what it has. Counts begin when the app came into the table, or the router
started. On a terminal HELD is of the app: requests that wait because it is paused or starts.

Piped: app, hosts, state of the route, code, held, instance, address, release, state of the backend, ejected until,
in flight, requests, failures.`,
		Example: `  paas routes
  paas routes --all
  paas routes --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "of all apps, and of paasd itself")
	jsonFlag(cmd, &o.json)
	return cmd
}

func runRoutes(ctx context.Context, o *routesOptions) error {
	table, err := o.routes(ctx)
	if err != nil {
		return err
	}
	return o.show(o.json, table, func(p *page) {
		p.table([]string{
			"APP", "HOSTS", "ROUTE", "HELD", "INSTANCE", "ADDRESS", "RELEASE", "BACKEND", "IN FLIGHT", "REQUESTS", "FAILURES",
		}, p.routeRows(table))
		if p.tty {
			p.line("Version " + strconv.FormatUint(table.Version, 10) + " of the routing table.")
		}
	})
}

func (o *routesOptions) routes(ctx context.Context) (paas.RouteTable, error) {
	if o.all {
		srv, err := o.server(ctx)
		if err != nil {
			return paas.RouteTable{}, err
		}
		return srv.Routes(ctx, "")
	}
	srv, app, err := o.target(ctx)
	if err != nil {
		return paas.RouteTable{}, err
	}
	return srv.Routes(ctx, app)
}

// routeRows has a row for each backend. A route without any has one by itself, with the counts of the route.
func (p *page) routeRows(table paas.RouteTable) [][]string {
	var rows [][]string
	for _, r := range table.Routes {
		route := []string{r.App, strings.Join(r.Hosts, ","), string(r.State), r.Code, strconv.Itoa(r.Held)}
		if p.tty {
			route = slices.Replace(route, 2, 4, strings.TrimSpace(string(r.State)+" "+r.Code))
		}
		backends := r.Backends
		if len(backends) == 0 {
			backends = []paas.BackendStatus{{InFlight: r.InFlight, Requests: r.Requests, Failures: r.Failures}}
		}
		for _, b := range backends {
			rows = append(rows, slices.Concat(route, p.backendCells(b)))
		}
	}
	return rows
}

func (p *page) backendCells(b paas.BackendStatus) []string {
	addr, state, until := "", string(b.State), p.until(moment(b.EjectedUntil))
	if b.Addr.IsValid() {
		addr = b.Addr.String()
	}
	cells := []string{b.Instance, addr, version(b.Release), state, until}
	if p.tty {
		cells = slices.Replace(cells, 3, 5, strings.TrimSpace(state+" "+until))
	}
	return append(cells, strconv.Itoa(b.InFlight), strconv.FormatUint(b.Requests, 10), strconv.FormatUint(b.Failures, 10))
}
