package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestMetricsAreForWhoMayComeIn(t *testing.T) {
	b := start(t)
	secret, _, err := b.local(t).CreateToken(within(t), "prometheus")
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	for header, want := range map[string]int{"": 401, "Bearer " + secret: 200} {
		req, err := http.NewRequestWithContext(within(t), http.MethodGet, "http://"+b.tcp+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", header)
		resp, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || (want == 200) != strings.HasSuffix(b.lastCall(), ": Metrics") {
			t.Errorf("%.10q: %s, called %q", header, resp.Status, b.lastCall())
		}
	}
}
