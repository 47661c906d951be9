package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	goruntime "runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"paas"
)

// metrics answers a scrape with the router's metrics and paasd's own. docs/metrics.md has the list.
type metrics struct {
	own    *prometheus.Registry
	router func(ctx context.Context) ([]byte, error) // delimited protobuf; paas.Conflict where there is no router of ours
	log    *slog.Logger
}

func newMetrics(router func(context.Context) ([]byte, error), log *slog.Logger) *metrics {
	m := &metrics{own: prometheus.NewRegistry(), router: router, log: log}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "paas_build_info", Help: "1, with the version that runs.",
		ConstLabels: prometheus.Labels{"version": paas.Version(), "go_version": goruntime.Version()},
	})
	build.Set(1)
	prometheus.WrapRegistererWith(prometheus.Labels{"role": "paasd"}, m.own).
		MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// ServeHTTP implements http.Handler. A router that is away costs the scrape its part, which paas_router_up says.
func (m *metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	all := prometheus.Gatherers{m.own}
	data, err := m.router(r.Context())
	if paas.CodeOf(err) != paas.Conflict {
		families, decodeErr := decodeMetrics(data)
		if err = errors.Join(err, decodeErr); err != nil {
			m.log.Debug("no metrics of the router", "error", err)
		}
		all = append(all, routerUp(err == nil), prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, nil }))
	}
	promhttp.HandlerFor(all, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn),
	}).ServeHTTP(w, r)
}

func routerUp(up bool) *prometheus.Registry {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "paas_router_up", Help: "Whether the router has answered with its metrics."})
	if up {
		g.Set(1)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(g)
	return registry
}

func decodeMetrics(data []byte) (families []*dto.MetricFamily, err error) {
	dec := expfmt.NewDecoder(bytes.NewReader(data), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		family := &dto.MetricFamily{}
		if err := dec.Decode(family); errors.Is(err, io.EOF) {
			return families, nil
		} else if err != nil {
			return nil, err
		}
		families = append(families, family)
	}
}
