package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestTheAppOfARequest(t *testing.T) {
	t.Parallel()
	s := sites{}
	for name, domains := range map[string][]string{
		"www": {"www.example.com", "example.com"}, "api": {"example.com/api"}, "v2": {"example.com/api/v2"}, "any": {"*.example.com"},
		"part": {"*.example.com/part"}, "only": {"only.example.org/x"}, "fallback": {"*.example.org"},
	} {
		for _, d := range domains {
			s.add(d, &app{id: name})
		}
	}
	got := map[string]string{}
	want := map[string]string{
		"www.example.com /": "www", "example.com /": "www", "example.com /api": "api", "example.com /api/": "api", "example.com /api?x=/api/v2": "api",
		"example.com /apis": "www", "example.com /api/v2/y": "v2", "example.com /api/v22": "api", "example.com /API": "www", "example.com //api": "www",
		"a.example.com /": "any", "a.example.com /part/1": "part", "a.b.example.com /": "", "example.net /": "", "com /": "", "example.com *": "www",
		"only.example.org /x": "only", "only.example.org /y": "fallback", "*.example.com /": "any", ".example.com /": "", " /": "",
	}
	for request := range want {
		host, target, _ := strings.Cut(request, " ")
		if a := s.find(host, target); a != nil {
			got[request] = a.id
		} else {
			got[request] = ""
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPathsOfAHostAreServedByTheirApps(t *testing.T) {
	t.Parallel()
	said := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) { _, _ = io.WriteString(w, text+" "+req.URL.Path) }
	}
	site, api := route(serveApp(t, said("site"))), route(serveApp(t, said("api")))
	site.Hosts = []string{"example.com", "*.example.com"}
	api.App, api.Name, api.Hosts = "b", "b", []string{"example.com/api"}
	r := start(t, Options{}, site, api)
	for request, want := range map[string]string{
		"example.com /": "site /", "example.com /api/x": "api /api/x", "www.example.com /api/x": "site /api/x",
	} {
		host, target, _ := strings.Cut(request, " ")
		req := r.request(http.MethodGet, target, nil)
		req.Host = host
		if resp, body := r.do(r.client(), req); resp.StatusCode != 200 || body != want {
			t.Errorf("%s: %d %q", request, resp.StatusCode, body)
		}
	}
}

// routed is a route with settings.
func routed(rt paas.Route, routing paas.Routing) paas.Route {
	rt.Routing = routing
	return rt
}
