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
	for _, c := range []struct {
		header string
		status int
	}{{"", 401}, {"Bearer " + secret, 200}} {
		req, err := http.NewRequestWithContext(within(t), http.MethodGet, "http://"+b.tcp+"/metrics", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", c.header)
		resp, err := (&http.Client{Transport: tr}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status || (c.status == 200) != strings.HasSuffix(b.lastCall(), ": Metrics") {
			t.Errorf("%.10q: %s, called %q", c.header, resp.Status, b.lastCall())
		}
	}
}
