package router

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"paas"
)

// MaxTableBytes bounds a table's JSON: some thirty times what 1,000 apps with four instances each take.
const MaxTableBytes = 16 << 20

// Table is the whole routing table. Version grows with every change.
type Table struct {
	Version uint64       `json:"version"`
	Routes  []paas.Route `json:"routes"`
}

// Problem is an entry of a table that cannot go live, and why. The rest of the table does.
type Problem struct {
	App  string `json:"app"`
	Text string `json:"text"`
}

// DecodeTable reads a table's JSON: no unknown fields, nothing after it, at most MaxTableBytes. It fails with
// paas.Invalid.
func DecodeTable(r io.Reader) (Table, error) { return decodeTable(r, true) }

func decodeTable(r io.Reader, strict bool) (Table, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxTableBytes+1))
	if err != nil {
		return Table{}, fmt.Errorf("read the routing table: %w", err)
	}
	if len(data) > MaxTableBytes {
		return Table{}, paas.Errorf(paas.Invalid, "the routing table is larger than %d bytes", MaxTableBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if strict {
		dec.DisallowUnknownFields()
	}
	var t *Table
	if err := dec.Decode(&t); err != nil {
		return Table{}, paas.Errorf(paas.Invalid, "the routing table does not decode: %w", err)
	}
	if t == nil {
		return Table{}, paas.Errorf(paas.Invalid, "the routing table is null")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Table{}, paas.Errorf(paas.Invalid, "the routing table is followed by more data")
	}
	return *t, nil
}

// Check returns the part of the table that can go live, and what was left out: routes without an app or of an app
// already routed, hosts that are not valid or belong to an earlier route, backends without an address. Nothing of t is
// changed or shared.
func (t Table) Check() (Table, []Problem) {
	c := checker{hosts: map[string]paas.Route{}, apps: map[string]bool{}}
	live := Table{Version: t.Version, Routes: make([]paas.Route, 0, len(t.Routes))}
	for _, r := range t.Routes {
		if r, ok := c.route(r); ok {
			live.Routes = append(live.Routes, r)
		}
	}
	return live, c.problems
}

type checker struct {
	hosts    map[string]paas.Route // by host: the one that has it
	apps     map[string]bool
	problems []Problem
}

func (c *checker) report(app, format string, args ...any) {
	c.problems = append(c.problems, Problem{App: app, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) route(r paas.Route) (paas.Route, bool) {
	switch {
	case !token(r.App):
		c.report(r.App, "a route has no valid app: %s", paas.Quote(r.App))
		return r, false
	case c.apps[r.App]:
		c.report(r.App, "the app has a second route")
		return r, false
	case !slices.Contains(downCodes, r.Down):
		c.report(r.App, "the code %s cannot stand for an app that is down", paas.Quote(r.Down))
		r.Down = ""
	}
	c.apps[r.App] = true
	r.Hosts = c.hostsOf(r)
	r.Backends = c.backendsOf(r)
	return r, true
}

// downCodes are what Route.Down may hold; empty counts as H14.
var downCodes = []string{"", "H10", "H14", "H20", "H81"}

func (c *checker) hostsOf(r paas.Route) []string {
	hosts := make([]string, 0, len(r.Hosts))
	for _, given := range r.Hosts {
		h, err := ValidateDomain(given)
		owner, taken := c.hosts[h]
		switch {
		case err != nil:
			c.report(r.App, "%v", err)
		case taken && owner.App == r.App: // said twice
		case taken:
			c.report(r.App, "host %s belongs to another app, %s", h, cmp.Or(owner.Name, owner.App))
		default:
			c.hosts[h] = r
			hosts = append(hosts, h)
		}
	}
	return hosts
}

func (c *checker) backendsOf(r paas.Route) []paas.Backend {
	backends := make([]paas.Backend, 0, len(r.Backends))
	for _, b := range r.Backends {
		switch {
		case !token(b.Instance):
			c.report(r.App, "a backend has no valid instance: %s", paas.Quote(b.Instance))
		case !b.Addr.IsValid() || b.Addr.Port() == 0 || b.Addr.Addr().IsUnspecified() || b.Addr.Addr().IsMulticast():
			c.report(r.App, "backend %s has no address that can be dialled: %s", b.Instance, b.Addr)
		case slices.ContainsFunc(backends, func(o paas.Backend) bool { return o.Addr == b.Addr }):
			c.report(r.App, "backend %s has the address of another one, %s", b.Instance, b.Addr)
		default:
			backends = append(backends, b)
		}
	}
	return backends
}

// token holds for names that are safe in a log line as they are.
func token(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == ""
}
