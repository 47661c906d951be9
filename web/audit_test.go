package web

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"paas"
	"paas/web/client"
)

// seen are the changes that were recorded, without their times.
func (f *fake) seen() []paas.Change {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]paas.Change{}, f.changes...)
}

var untimed = cmpopts.IgnoreFields(paas.Change{}, "Time", "Took", "RequestID")

func TestEveryRouteThatChangesAnythingIsInTheAudit(t *testing.T) {
	b := start(t)
	secret, _, err := b.local(t).CreateToken(within(t), "ci")
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	c := &http.Client{Transport: tr}
	for _, route := range routeList(b.server) {
		method, path, _ := strings.Cut(route, " ")
		if method == http.MethodGet && !strings.HasSuffix(path, "/exec") || strings.HasPrefix(path, "/hook/") {
			continue // the push that a hook belongs to is in the audit
		}
		before := len(b.seen())
		req, err := http.NewRequestWithContext(within(t), method, "http://"+b.tcp+filled(path), strings.NewReader(`{"nonsense": 1}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+secret)
		req.Header.Set("X-Request-Id", "req-1")
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		changes := b.seen()[before:]
		if len(changes) != 1 {
			t.Errorf("%s: %d changes", route, len(changes))
			continue
		}
		got := changes[0]
		if got.User != "root" || got.From != "http 127.0.0.1" || got.Action == "" || got.RequestID != "req-1" || got.Time.IsZero() {
			t.Errorf("%s: %+v", route, got)
		}
		if (got.Code == "") != (resp.StatusCode < 400) {
			t.Errorf("%s: %s, and in the audit %q", route, resp.Status, got.Code)
		}
		if strings.Contains(path, "{app}") && (got.Name != "hello" || got.App != "id-of-hello") {
			t.Errorf("%s: of app %q, %q", route, got.Name, got.App)
		}
	}
}

func TestAChangeHasNamesAndNoValues(t *testing.T) {
	b := startSSH(t)
	ada := connect(t, client.Options{URL: "ssh://paas@" + b.addr, SSHCommand: b.user(t, "ada")})
	value := "s3cret-value"
	if _, err := ada.SetConfig(within(t), "hello", paas.ConfigPatch{"B": &value, "A": &value}, -1, io.Discard); err != nil {
		t.Fatal(err)
	}
	b.onScale = func(context.Context, io.Writer) (paas.Processes, error) {
		return paas.Processes{}, paas.Errorf(paas.NotFound, "there is no process type weeb")
	}
	if _, err := ada.Scale(within(t), "hello", paas.Formation{"web": 2, "weeb": 1}, io.Discard); paas.CodeOf(err) != paas.NotFound {
		t.Fatal(err)
	}
	if _, err := b.local(t).AddDomain(within(t), "hello", "www.example.com"); err != nil {
		t.Fatal(err)
	}
	want := []paas.Change{
		{User: "ada", From: "ssh 127.0.0.1", App: "id-of-hello", Name: "hello", Action: "config:set", Subject: "A, B"},
		{User: "ada", From: "ssh 127.0.0.1", App: "id-of-hello", Name: "hello", Action: "ps:scale", Subject: "web=2, weeb=1", Code: paas.NotFound, Error: "there is no process type weeb"},
		{User: "root", From: "socket", App: "id-of-hello", Name: "hello", Action: "domains:add", Subject: "www.example.com"},
	}
	if diff := cmp.Diff(want, b.seen(), untimed); diff != "" {
		t.Error(diff)
	}
}

func TestAPushAndAPanicAreInTheAudit(t *testing.T) {
	b := startSSH(t)
	b.onReceive = func(context.Context, string, io.Reader, io.Writer, io.Writer) (int, error) { return 1, nil }
	if _, _, code := b.run(t, b.user(t, "ada"), "git-receive-pack 'hello'"); code != 1 {
		t.Errorf("status %d", code)
	}
	b.onScale = func(context.Context, io.Writer) (paas.Processes, error) { panic("oh") }
	if _, err := b.local(t).Scale(within(t), "hello", paas.Formation{"web": 2}, nil); paas.CodeOf(err) != paas.Internal {
		t.Error(err)
	}
	want := []paas.Change{
		{User: "ada", From: "ssh 127.0.0.1", App: "id-of-hello", Name: "hello", Action: "git push", Subject: "main 1a2b3c4", Code: paas.Failed, Error: "git ended with status 1"},
		{User: "root", From: "socket", App: "id-of-hello", Name: "hello", Action: "ps:scale", Subject: "web=2", Code: paas.Internal, Error: "internal error"},
	}
	if diff := cmp.Diff(want, b.seen(), untimed); diff != "" {
		t.Error(diff)
	}
}

func TestAProxyOnThisMachineSaysWhomItSpeaksFor(t *testing.T) {
	b := start(t)
	secret, _, err := b.local(t).CreateToken(within(t), "ci")
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	req, err := http.NewRequestWithContext(within(t), http.MethodPut, "http://"+b.tcp+"/v1/apps/hello/maintenance", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("X-Forwarded-For", "198.51.100.1, 192.0.2.9") // the first is what the client claims
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	seen := b.seen()
	if from := seen[len(seen)-1].From; from != "http 192.0.2.9" {
		t.Errorf("from %s", from)
	}
}
