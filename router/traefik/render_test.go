package traefik

import (
	"bytes"
	"flag"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/router"
)

var update = flag.Bool("update", false, "write the golden files anew")

func backend(instance, addr string) paas.Backend {
	return paas.Backend{Instance: instance, Addr: netip.MustParseAddrPort(addr), Release: 1}
}

// everything has one app of each kind.
func everything() router.Table {
	web := []paas.Backend{backend("web.1", "10.83.0.2:5000"), backend("web.2", "10.83.0.3:5000")}
	return router.Table{Version: 7, Routes: []paas.Route{
		{App: "plain", Name: "plain", Hosts: []string{"plain.localhost"}, Backends: web[:1]},
		{App: "hosts", Name: "hosts", Hosts: []string{"www.example.com", "*.example.com", "www.example.com/api", "*.example.com/api/v2"}, Backends: web},
		{
			App: "settings", Name: "settings", Hosts: []string{"example.org", "www.example.org"}, Backends: web[1:],
			Routing: paas.Routing{Timeout: 90, MaxRequests: 10, HTTPS: paas.HTTPSRedirect, Canonical: "example.org", MaxBody: 1 << 20},
		},
		{App: "empty", Name: "empty", Hosts: []string{"empty.localhost"}, Down: "H81"},
		{App: "scaled", Name: "scaled", Hosts: []string{"scaled.localhost"}},
		{App: "crashed", Name: "crashed", Hosts: []string{"crashed.localhost"}, Down: "H10"},
		{App: "offline", Name: "offline", Hosts: []string{"offline.localhost"}, Maintenance: true, Backends: web[:1]},
		{App: "paused", Name: "paused", Hosts: []string{"paused.localhost"}, Paused: true, Backends: web[:1]},
		{App: "v6", Name: "v6", Hosts: []string{"v6.localhost"}, Backends: []paas.Backend{backend("web.1", "[fd00::2]:5000")}},
		{
			App: "own", Name: "own", Hosts: []string{"own.example.com"}, Backends: web[:1],
			Certificates: []string{strings.Repeat("0a", 32), "../../../etc/passwd"},
		},
		{App: "nohost", Name: "nohost", Hosts: nil, Backends: web[:1]},
	}}
}

var pages = netip.MustParseAddrPort("127.0.0.1:7072")

func TestFilesOfATable(t *testing.T) {
	layouts := map[string]Layout{
		"http":  {Pages: pages},
		"https": {Pages: pages, HTTPS: true, HTTPSPort: 8443, Resolver: "paas", Files: "/var/lib/paas/router/files"},
		"dns":   {Pages: pages, HTTPS: true, HTTPSPort: 443, Resolver: "paas", Private: true, Wildcards: true, Files: "/var/lib/paas/router/files"},
	}
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			files, _ := Render(everything(), layout)
			dir := filepath.Join("testdata", name)
			for _, file := range slices.Sorted(maps.Keys(files)) {
				path := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
				if *update {
					if err := os.MkdirAll(dir, 0o755); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, files[file], 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(files[file])); diff != "" {
					t.Errorf("%s (-want +got; go test ./router/traefik -update writes it anew)\n%s", file, diff)
				}
			}
		})
	}
}

func TestTheVersionTellsEveryChange(t *testing.T) {
	seen := map[string]string{}
	check := func(what string, table router.Table, l Layout) {
		_, version := Render(table, l)
		if other, ok := seen[version]; ok {
			t.Errorf("%s has the version of %s: %s", what, other, version)
		}
		seen[version] = what
	}
	check("the table", everything(), Layout{Pages: pages})
	next := everything()
	next.Version++
	check("a newer table", next, Layout{Pages: pages})
	moved := everything()
	moved.Routes[0].Backends = []paas.Backend{backend("web.1", "10.83.0.9:5000")}
	check("another backend", moved, Layout{Pages: pages})
	check("other pages", everything(), Layout{Pages: netip.MustParseAddrPort("127.0.0.1:7073")})
	if _, again := Render(everything(), Layout{Pages: pages}); seen[again] != "the table" {
		t.Errorf("the same table has another version: %s", again)
	}
}

// Names are validated before they get into a table; what is not valid does not get out of it either.
func TestHostileNamesStayOutOfRules(t *testing.T) {
	hostile := []string{
		"a.test`) || Host(`victim.test", "a.test`", "*.test`) || PathPrefix(`/", "a.test/x`) || PathPrefix(`/", "a.test/{{env}}",
		`a.test/\`, "a.test\n", "*.", "*", "a.test/x y", "a.test/%60",
	}
	table := router.Table{Version: 1, Routes: []paas.Route{
		{App: "a", Hosts: hostile, Backends: []paas.Backend{backend("web.1", "10.83.0.2:5000")}},
		{App: "../b", Hosts: []string{"b.test"}},
		{App: "c@docker", Hosts: []string{"c.test"}},
	}}
	files, _ := Render(table, Layout{Pages: pages})
	for name, file := range files {
		if name != versionFile && name != "apps/a.yml" {
			t.Errorf("there is a file %s", name)
		}
		if bytes.Contains(file, []byte("victim")) || bytes.Contains(file, []byte("{{")) || bytes.Contains(file, []byte(`"rule": "Host`)) {
			t.Errorf("%s has what it must not have:\n%s", name, file)
		}
	}
}

func TestAHostileRouteBreaksOutOfNoRule(t *testing.T) {
	for _, domain := range []string{"a`b", "*.a`b", "a/`", "a\nb", "a/é"} {
		if rule, _, ok := match(domain); ok {
			t.Errorf("%q becomes the rule %s", domain, rule)
		}
	}
	c := Layout{}.app(paas.Route{App: "a", Hosts: []string{"x"}, Routing: paas.Routing{Canonical: "{{ env `HOME` }}$1"}, Backends: []paas.Backend{backend("web.1", "10.83.0.2:5000")}})
	if data := encode(c); bytes.Contains(data, []byte("{{")) {
		t.Errorf("an action of a template: %s", data)
	}
}

func FuzzNoDomainBreaksOutOfItsRule(f *testing.F) {
	f.Add("*.example.com/api")
	f.Add("a`) || PathPrefix(`/")
	f.Fuzz(func(t *testing.T, domain string) {
		rule, _, ok := match(domain)
		if !ok {
			return
		}
		if n := strings.Count(rule, "`"); n != 2 && n != 6 {
			t.Errorf("%q becomes %s", domain, rule)
		}
	})
}
