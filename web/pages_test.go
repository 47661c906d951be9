package web

import (
	"net/http"
	"testing"

	"paas"
)

func TestAPageIsSentAsItIs(t *testing.T) {
	b := start(t)
	if _, err := b.local(t).SetPage(within(t), "hello", paas.PageUnavailable, "<h1>sorry</h1>"); err != nil || b.lastCall() != "root: SetPage hello 503 <h1>sorry</h1>" {
		t.Errorf("%v, called %q", err, b.lastCall())
	}
	if err := b.local(t).RemovePage(within(t), "hello", paas.PageUnavailable); err != nil || b.lastCall() != "root: RemovePage hello 503" {
		t.Errorf("%v, called %q", err, b.lastCall())
	}
	for kind, want := range map[string]int{
		"text/html": 200, "text/html; charset=UTF-8": 200, "": 400, "text/plain": 400, "application/json": 400, "text/html; charset=latin1": 400, "text/": 400,
	} {
		resp, body := do(t, b.raw(t), "PUT", "/v1/apps/hello/pages/503", "<p>", http.Header{"Content-Type": {kind}})
		if resp.StatusCode != want {
			t.Errorf("%q: %s %s", kind, resp.Status, body)
		}
	}
}
