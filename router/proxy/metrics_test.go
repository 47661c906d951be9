package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"paas"
)

// scrape is what the control socket shows: each sample by its name and labels, as in paas_router_retries_total{app="a"}.
// Of a histogram it has the count.
func (r *rig) scrape() map[string]float64 {
	r.t.Helper()
	data, err := r.target.Metrics(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	samples, dec := map[string]float64{}, expfmt.NewDecoder(bytes.NewReader(data), expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var family dto.MetricFamily
		if err := dec.Decode(&family); errors.Is(err, io.EOF) {
			return samples
		} else if err != nil {
			r.t.Fatal(err)
		}
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			samples[family.GetName()+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
}

func (r *rig) expectMetrics(want map[string]float64) {
	r.t.Helper()
	got := r.scrape()
	for name, value := range want {
		if got["paas_router_"+name] != value {
			r.t.Errorf("%s is %v, not %v", name, got["paas_router_"+name], value)
		}
	}
}

func TestMetricsCountWhatBecameOfRequests(t *testing.T) {
	t.Parallel()
	good, bad := serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		if req.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}), refusing(t)
	down := paas.Route{App: "b", Name: "bee", Hosts: []string{"b.localhost"}, Down: "H81"}
	r := start(t, Options{}, route(good), down)
	r.get("/")
	r.get("/missing")
	for _, body := range []io.Reader{strings.NewReader("early"), strings.NewReader(strings.Repeat("x", 200_000)), io.MultiReader(strings.NewReader("chunked"))} {
		r.do(r.client(), r.request(http.MethodPost, "/", body))
	}
	r.visit("b.localhost")
	r.visit("nobody.localhost")
	eventually(t, "all of them to be counted", func() bool {
		return r.routes("a").Routes[0].Requests == 5 && r.routes("b").Routes[0].Requests == 1 && r.live.unrouted.Load() == 1
	})
	r.expectMetrics(map[string]float64{
		`requests_total{app="a",class="2xx"}`:   4,
		`requests_total{app="a",class="4xx"}`:   1,
		`requests_total{app="a",class="5xx"}`:   0,
		`request_duration_seconds{app="a"}`:     5,
		`requests_in_flight{app="a"}`:           0,
		`received_bytes_total{app="a"}`:         5 + 200_000 + 7,
		`sent_bytes_total{app="a"}`:             4 * 5,
		`retries_total{app="a"}`:                0,
		`requests_total{app="bee",class="5xx"}`: 1,
		`failures_total{app="bee",code="H81"}`:  1,
		`unrouted_requests_total{}`:             1,
		`table_version{}`:                       float64(r.version.Load()),
		`log_lines_dropped_total{}`:             0,
		`requests_held_total{app="a"}`:          0,
		`requests_held{app="a"}`:                0,
		`connections{protocol="http2"}`:         0,
	})
	if _, ok := r.scrape()[`paas_router_failures_total{app="a",code="H81"}`]; ok {
		t.Error("a code that never was has a series")
	}

	both := route(good, bad)
	r.put(both)
	eventually(t, "an ejection", func() bool { r.get("/"); return r.scrape()[`paas_router_ejections_total{app="a"}`] == 1 })
	if n := r.scrape()[`paas_router_retries_total{app="a"}`]; n != 1 {
		t.Errorf("%v retries", n)
	}
	r.put(down)
	for name := range r.scrape() {
		if strings.Contains(name, `app="a"`) {
			t.Errorf("%s is left of an app that is gone", name)
		}
	}
}

func TestMetricsShowWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}, 3), make(chan struct{})
	app := route(serveApp(t, func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-finish }))
	r := start(t, Options{}, app)
	first, second := r.asking("/"), (<-chan int)(nil)
	await(t, "the request at the app", begun)
	paused := app
	paused.Paused = true
	r.put(paused)
	second = r.asking("/")
	eventually(t, "a request that waits", func() bool { return r.scrape()[`paas_router_requests_held{app="a"}`] == 1 })
	r.expectMetrics(map[string]float64{`requests_in_flight{app="a"}`: 1, `requests_held_total{app="a"}`: 1, `request_duration_seconds{app="a"}`: 0})
	if n := r.scrape()[`paas_router_connections{protocol="http1"}`]; n < 2 {
		t.Errorf("%v connections", n)
	}
	close(finish)
	r.put(app)
	await(t, "the first", first)
	await(t, "the second", second)

	h2 := r.http2Client()
	if resp, err := h2.Do(r.request(http.MethodGet, "/", nil)); err != nil || resp.Body.Close() != nil {
		t.Fatal(err)
	}
	r.expectMetrics(map[string]float64{`connections{protocol="http2"}`: 1})
	h2.CloseIdleConnections()
	eventually(t, "no connection of HTTP/2", func() bool { return r.scrape()[`paas_router_connections{protocol="http2"}`] == 0 })
}

func TestTunnelsCountBytesBothWaysAndNoLatency(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(chat(t)))
	c := r.dial()
	r.say(c, "hello")
	if err := c.CloseNow(); err != nil {
		t.Error(err)
	}
	eventually(t, "the end of the tunnel", func() bool { return r.scrape()[`paas_router_requests_total{app="a",class="1xx"}`] == 1 })
	got := r.scrape()
	if got[`paas_router_received_bytes_total{app="a"}`] < 5 || got[`paas_router_sent_bytes_total{app="a"}`] < 5 || got[`paas_router_request_duration_seconds{app="a"}`] != 0 {
		t.Errorf("got %v", got)
	}
}

func TestTwoAppsOfOneNameDoNotSpoilTheMetrics(t *testing.T) {
	t.Parallel()
	a, b := route(), route()
	b.App, b.Hosts = "b", []string{"b.localhost"} // its name is a, too
	r := start(t, Options{}, a, b)
	r.visit("b.localhost")
	eventually(t, "it to be counted", func() bool { return r.routes("b").Routes[0].Requests == 1 })
	r.expectMetrics(map[string]float64{`requests_total{app="a",class="5xx"}`: 0, `requests_total{app="b",class="5xx"}`: 1})
}

func TestLatenciesFallIntoTheBucketOfTheFirstBoundThatHolds(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]int{
		0: 0, 5 * time.Millisecond: 0, 5*time.Millisecond + 1: 1, time.Second: 7, 30 * time.Second: 9, time.Hour: len(latencyBounds),
	} {
		if got := bucketOf(took); got != want {
			t.Errorf("%v is in %d, not %d", took, got, want)
		}
	}
}
