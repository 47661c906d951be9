package paas_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestRoutingTakesWhatIsSetAndSaysWhatChanged(t *testing.T) {
	patch := paas.RoutingPatch(patchOf(strings.Fields("timeout=2m idle-timeout=90 max-body=1.5MB max-requests=500 https=redirect canonical=WWW.example.com.")...))
	r, changed, err := paas.Routing{}.Apply(patch)
	if err != nil {
		t.Fatal(err)
	}
	want := paas.Routing{
		Timeout: 120, IdleTimeout: 90, MaxBody: 1_500_000, MaxRequests: 500, HTTPS: paas.HTTPSRedirect, Canonical: "www.example.com",
	}
	if diff := cmp.Diff(want, r); diff != "" || len(changed) != len(patch) {
		t.Error(diff, changed)
	}
	same, changed, err := r.Apply(paas.RoutingPatch(patchOf("timeout=120", "https=redirect")))
	if same != r || changed != nil || err != nil {
		t.Error("nothing changes:", same, changed, err)
	}
	next, changed, err := r.Apply(paas.RoutingPatch(patchOf("timeout", "canonical", "max-body=2MB")))
	if err != nil || next.Timeout != 0 || next.Canonical != "" || len(changed) != 3 {
		t.Error(next, changed, err)
	}
	got := map[string]string{}
	for _, s := range next.Settings() {
		got[s.Name] = s.Value
		if s.Set != (s.Name != "timeout" && s.Name != "canonical") {
			t.Errorf("%+v", s)
		}
	}
	if diff := cmp.Diff(map[string]string{
		"timeout": "30", "idle-timeout": "90", "max-body": "2000000", "max-requests": "500", "https": "redirect", "canonical": "",
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRoutingRefusesWhatIsNotASetting(t *testing.T) {
	for arg, want := range map[string]string{
		"timeout=0": "timeout=0 is not a number of seconds", "timeout=": "the setting \"timeout\" has no value", "max-body=much": "is not an amount of bytes",
		"max-requests=0": "is not a number from 1 to", "https=yes": "https is optional or redirect", "nosuch=1": "the router has no setting \"nosuch\"",
	} {
		err := paas.RoutingPatch(patchOf(arg)).Validate()
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(strings.ReplaceAll(err.Error(), "setting timeout", `setting "timeout"`), want) {
			t.Errorf("%s: %v", arg, err)
		}
	}
	if err := (paas.RoutingPatch{}).Validate(); paas.CodeOf(err) != paas.Invalid {
		t.Error(err)
	}
}
