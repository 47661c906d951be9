package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/web/client"
)

func TestConfigCarriesEveryTextUnchanged(t *testing.T) {
	b := start(t)
	c := b.local(t)
	want := paas.Config{
		"EQ": "a=b=c", "SPACE": " a  b ", "LINES": "a\nb\r\n", "QUOTES": `'"\`, "DOLLAR": "$HOME ${X} `id`", "EMOJI": "🚀\u2028", "EMPTY": "",
		"HTML": "<a>&amp;", "LARGE": strings.Repeat("x", 32<<10),
	}
	patch := paas.ConfigPatch{}
	for k, v := range want {
		patch[k] = &v
	}
	if _, err := c.SetConfig(within(t), "hello", patch, -1, nil); err != nil {
		t.Fatal(err)
	}
	got, version, err := c.Config(within(t), "hello")
	if err != nil || version != 7 {
		t.Fatal(version, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	bad := "\xff\xfe"
	if _, err := c.SetConfig(within(t), "hello", paas.ConfigPatch{"A": &bad}, -1, nil); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("bytes that JSON would change: %v", err)
	}
}

func TestAStaleChangeOfConfigIs412(t *testing.T) {
	b := start(t)
	raw := b.raw(t)
	resp, _ := do(t, raw, "GET", "/v1/apps/hello/config", "", nil)
	if resp.Header.Get("ETag") != `"7"` {
		t.Errorf("ETag %s", resp.Header.Get("ETag"))
	}
	for _, accept := range []string{"application/json", client.MediaNDJSON} {
		for tag, want := range map[string]int{`"7"`: 200, `*`: 200, `"6"`: 412} {
			resp, body := do(t, raw, "PATCH", "/v1/apps/hello/config", `{"A":"1"}`, http.Header{"If-Match": {tag}, "Accept": {accept}})
			if resp.StatusCode != want {
				t.Errorf("If-Match %s, Accept %s: %s %s", tag, accept, resp.Status, body)
			}
		}
	}
	_, err := b.local(t).SetConfig(within(t), "hello", paas.ConfigPatch{"A": nil}, 3, nil)
	if paas.CodeOf(err) != paas.Stale {
		t.Error(err)
	}
}
