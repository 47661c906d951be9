package router

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"paas"
)

var addrs = cmp.Options{cmpopts.EquateComparable(netip.AddrPort{}), cmpopts.EquateEmpty()}

func TestCheckLeavesOutWhatCannotGoLive(t *testing.T) {
	t.Parallel()
	b := func(name, addr string) paas.Backend {
		var ap netip.AddrPort
		if addr != "" {
			ap = netip.MustParseAddrPort(addr)
		}
		return paas.Backend{Instance: name, Addr: ap}
	}
	given := Table{Version: 5, Routes: []paas.Route{
		{
			App: "a", Hosts: []string{"A.example.", "a.example", "bad host", "shared.example"}, Down: "H10",
			Backends: []paas.Backend{b("web.1", "10.0.0.1:5000"), b("web.2", "10.0.0.1:5000"), b("web.3", ""), b("web 4", "10.0.0.4:5000"), b("web.5", "0.0.0.0:1"), b("web.6", "10.0.0.6:0")},
		},
		{App: "b", Hosts: []string{"shared.example", "b.example"}, Down: "H12"},
		{App: "a", Hosts: []string{"again.example"}},
		{App: "", Hosts: []string{"nobody.example"}},
		{App: "c\nd"},
	}}
	live, problems := given.Check()
	want := Table{Version: 5, Routes: []paas.Route{
		{App: "a", Hosts: []string{"a.example", "shared.example"}, Down: "H10", Backends: []paas.Backend{b("web.1", "10.0.0.1:5000")}},
		{App: "b", Hosts: []string{"b.example"}},
	}}
	if diff := cmp.Diff(want, live, addrs); diff != "" {
		t.Error(diff)
	}
	wantProblems := []Problem{
		{"a", `host "bad host" is not valid: it has the character " "`},
		{"a", "backend web.2 has the address of another one, 10.0.0.1:5000"},
		{"a", "backend web.3 has no address that can be dialled: invalid AddrPort"},
		{"a", `a backend has no valid instance: "web 4"`},
		{"a", "backend web.5 has no address that can be dialled: 0.0.0.0:1"},
		{"a", "backend web.6 has no address that can be dialled: 10.0.0.6:0"},
		{"b", `the code "H12" cannot stand for an app that is down`},
		{"b", "host shared.example belongs to another app, a"},
		{"a", "the app has a second route"},
		{"", `a route has no valid app: ""`},
		{"c\nd", `a route has no valid app: "c\nd"`},
	}
	if diff := cmp.Diff(wantProblems, problems); diff != "" {
		t.Error(diff)
	}
	if given.Routes[0].Hosts[0] != "A.example." {
		t.Error("the table itself was changed")
	}
}

// FuzzDecodeTable holds that what decodes can be checked, that what passed the check passes it again, and that no host
// leads to two apps.
func FuzzDecodeTable(f *testing.F) {
	f.Add([]byte(`{"version":1,"routes":[{"app":"a","name":"a","hosts":["a.localhost"],"backends":[{"instance":"web.1","addr":"10.0.0.1:5000","release":1}],"down":"H14"}]}`))
	f.Add([]byte(`{"version":1,"routes":[{"app":"a","hosts":["x","X."]},{"app":"b","hosts":["x"]}]}`))
	f.Add([]byte(`{"version":18446744073709551616}`))
	f.Add([]byte(`{"routes":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := DecodeTable(bytes.NewReader(data))
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid {
				t.Fatal(err)
			}
			return
		}
		live, _ := table.Check()
		again, problems := live.Check()
		if diff := cmp.Diff(live, again, addrs); diff != "" || len(problems) > 0 {
			t.Fatalf("%v %s", problems, diff)
		}
		owner := map[string]string{}
		for _, r := range live.Routes {
			for _, h := range r.Hosts {
				if owner[h] != "" {
					t.Fatalf("%s leads to %s and %s", h, owner[h], r.App)
				}
				owner[h] = r.App
			}
		}
		text, err := json.Marshal(live)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeTable(bytes.NewReader(text)); err != nil || !cmp.Equal(back, live, addrs) {
			t.Fatalf("%s: %v", text, err)
		}
	})
}

func TestTableIsBounded(t *testing.T) {
	t.Parallel()
	if _, err := DecodeTable(strings.NewReader(`{"version":1}` + strings.Repeat(" ", MaxTableBytes))); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("got %v", err)
	}
}
