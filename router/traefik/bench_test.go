package traefik

import (
	"fmt"
	"testing"
	"time"

	"paas"
)

// What one app's change costs among a thousand apps, with the confirmation.
func BenchmarkPutAmongAThousandApps(b *testing.B) {
	s := start(b)
	routes := make([]paas.Route, 1000)
	for i := range routes {
		name := fmt.Sprintf("app%d", i)
		routes[i] = paas.Route{App: name, Hosts: []string{name + ".test"}, Backends: []paas.Backend{backend("web.1", fmt.Sprintf("10.83.%d.%d:5000", i/250, 2+i%250))}}
	}
	began, version := time.Now(), uint64(1)
	s.put(version, routes...)
	first := time.Since(began)
	for b.Loop() {
		version++
		routes[7].Routing.Timeout = paas.Seconds(version)
		s.put(version, routes...)
	}
	b.ReportMetric(first.Seconds(), "s/first")
}

// A request on a connection to the app that was kept for a while, and one after more of an idle time than a connection outlives.
func BenchmarkRequest(b *testing.B) {
	for name, idle := range map[string]time.Duration{"kept": 700 * time.Millisecond, "new": 1300 * time.Millisecond} {
		b.Run(name, func(b *testing.B) {
			s := start(b)
			s.put(1, app(b, "a", "a.test"))
			s.get("a.test")
			var spent time.Duration
			n := 0
			for b.Loop() {
				<-time.After(idle)
				began := time.Now()
				s.get("a.test")
				spent += time.Since(began)
				n++
			}
			b.ReportMetric(float64(spent.Microseconds())/float64(n), "µs/request")
		})
	}
}
