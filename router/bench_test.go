package router_test

import (
	"fmt"
	"net/netip"
	"testing"

	"paas"
	"paas/router"
	"paas/router/proxy"
)

// BenchmarkApply is a change of one route out of 1,000, from the call to live in the real router: two files synced,
// half a megabyte of JSON over the socket, checked on both sides.
func BenchmarkApply(b *testing.B) {
	c := benchTable(b)
	release := 1
	for b.Loop() {
		release++
		if err := c.Apply(b.Context(), benchRoute(500, release)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApplySame is what a sweep does for each app: its route is live already.
func BenchmarkApplySame(b *testing.B) {
	c := benchTable(b)
	for b.Loop() {
		if err := c.Apply(b.Context(), benchRoute(500, 1)); err != nil {
			b.Fatal(err)
		}
	}
}

// benchTable is a controller with 1,000 routes and a real router.
func benchTable(b *testing.B) *router.Controller {
	b.Helper()
	dir := b.TempDir()
	s, err := proxy.New(proxy.Options{Dir: dir, HTTPAddr: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	background(b, s.Run)
	c, err := router.NewController(dir, router.NewEmbedded(dir), router.Options{})
	if err != nil {
		b.Fatal(err)
	}
	table := router.Table{Version: 1}
	for i := range 1000 {
		table.Routes = append(table.Routes, benchRoute(i, 1))
	}
	if err := router.Replace(c, table); err != nil {
		b.Fatal(err)
	}
	return c
}

func benchRoute(i, release int) paas.Route {
	name := fmt.Sprintf("app%d", i)
	r := paas.Route{App: name, Name: name, Hosts: []string{name + ".localhost", name + ".example.com"}}
	for j := range 2 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i % 250), byte(j + 1)}), 5000)
		r.Backends = append(r.Backends, paas.Backend{Instance: paas.InstanceName(paas.Web, j+1), Addr: addr, Release: release})
	}
	return r
}
