package proxy

import (
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"paas"
)

// metrics shows the counters that requests have added to: nothing of Prometheus is on their way. docs/metrics.md has the
// list.
type metrics struct {
	server *Server

	requests, durations, inFlight, received, sent, retries, ejections, held, heldTotal, failures *prometheus.Desc // of apps
	unrouted, connections, version, dropped                                                      *prometheus.Desc // of the router
}

func newMetrics(s *Server) *metrics {
	of := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("paas_router_"+name, help, labels, nil)
	}
	return &metrics{
		server:      s,
		requests:    of("requests_total", "Requests answered.", "app", "class"),
		durations:   of("request_duration_seconds", "From the arrival of a request to the end of its response, tunnels left out.", "app"),
		inFlight:    of("requests_in_flight", "Requests at the app's backends now.", "app"),
		received:    of("received_bytes_total", "Bytes of bodies of requests, and into tunnels.", "app"),
		sent:        of("sent_bytes_total", "Bytes of bodies of responses, and out of tunnels.", "app"),
		retries:     of("retries_total", "Attempts to reach a backend after a request's first.", "app"),
		ejections:   of("ejections_total", "Times that a backend could not be connected to and was passed over from then on.", "app"),
		held:        of("requests_held", "Requests that wait now, for an app that is paused or starts.", "app"),
		heldTotal:   of("requests_held_total", "Requests that have had to wait.", "app"),
		failures:    of("failures_total", "Requests that failed, by the code of their log line.", "app", "code"),
		unrouted:    of("unrouted_requests_total", "Requests to hosts that no app has."),
		connections: of("connections", "Connections of clients now.", "protocol"),
		version:     of("table_version", "The version of the routing table that is live."),
		dropped:     of("log_lines_dropped_total", "Lines of the request log that were not read in time."),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.requests, m.durations, m.inFlight, m.received, m.sent, m.retries, m.ejections, m.held, m.heldTotal, m.failures,
		m.unrouted, m.connections, m.version, m.dropped,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	l := m.server.live
	for _, a := range l.tallies() {
		m.collectApp(out, a)
	}
	counter(out, m.unrouted, l.unrouted.Load())
	gauge(out, m.connections, l.http1.Load(), "http1")
	gauge(out, m.connections, l.http2.Load(), "http2")
	gauge(out, m.version, int64(l.version()))
	counter(out, m.dropped, m.server.ring.lost())
}

// countHTTP2 follows the connections of the server for HTTP/2.
func (s *Server) countHTTP2(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.live.http2.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.live.http2.Add(-1)
	}
}

// appTally is an app of the live table at a moment.
type appTally struct {
	name     string
	share    *share
	inFlight int64
}

// tallies are those of the live table. No two have one name, which would spoil all that is shown: of apps that share one,
// as in the midst of renames, the later has its id instead.
func (l *live) tallies() []appTally {
	l.mu.Lock()
	defer l.mu.Unlock()
	inFlight := map[string]int64{}
	for key, b := range l.backends {
		inFlight[key.app] += int64(b.inflight.Load())
	}
	for b := range l.retired {
		inFlight[b.app] += int64(b.inflight.Load())
	}
	routes, named := l.table().Routes, map[string]bool{}
	list := make([]appTally, 0, len(routes))
	for _, r := range routes {
		name := nameOf(r)
		if named[name] {
			name = r.App
		}
		if !named[name] {
			named[name] = true
			list = append(list, appTally{name, l.shares[r.App], inFlight[r.App]})
		}
	}
	return list
}

func (m *metrics) collectApp(out chan<- prometheus.Metric, a appTally) {
	t := &a.share.tally
	for i := range t.classes {
		counter(out, m.requests, t.classes[i].Load(), a.name, strconv.Itoa(i+1)+"xx")
	}
	for i := range t.codes {
		if n := t.codes[i].Load(); n > 0 { // most never happen
			counter(out, m.failures, n, a.name, string(hCodes[i]))
		}
	}
	buckets, total := make(map[float64]uint64, len(latencyBounds)), uint64(0)
	for i, bound := range latencyBounds {
		total += t.latencies[i].Load()
		buckets[bound.Seconds()] = total
	}
	total += t.latencies[len(latencyBounds)].Load()
	took := float64(t.took.Load()) / 1e9
	out <- prometheus.MustNewConstHistogram(m.durations, total, took, buckets, a.name)
	gauge(out, m.inFlight, a.inFlight, a.name)
	counter(out, m.received, uint64(t.in.Load()), a.name)
	counter(out, m.sent, uint64(t.out.Load()), a.name)
	counter(out, m.retries, t.retries.Load(), a.name)
	counter(out, m.ejections, t.ejections.Load(), a.name)
	gauge(out, m.held, int64(a.share.held.length()), a.name)
	counter(out, m.heldTotal, t.held.Load(), a.name)
}

func counter(out chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, n int64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
}

// metricsHandler answers GET /metrics.
func (s *Server) metricsHandler() http.Handler {
	all := prometheus.NewRegistry()
	all.MustRegister(newMetrics(s))
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "paas_build_info", Help: "1, with the version that runs.",
		ConstLabels: prometheus.Labels{"version": paas.Version(), "go_version": runtime.Version()},
	})
	build.Set(1)
	// paasd shows its own beside these.
	prometheus.WrapRegistererWith(prometheus.Labels{"role": "router"}, all).
		MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{
		DisableCompression: true, // it never leaves the host
		ErrorHandling:      promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
	})
}
