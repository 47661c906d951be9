package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"paas"
	"paas/web/client"
)

// The client has the methods of the services: what works in the daemon works through it.
var (
	_ Apps      = (*client.Client)(nil)
	_ Configs   = (*client.Client)(nil)
	_ Checks    = (*client.Client)(nil)
	_ Releases  = (*client.Client)(nil)
	_ Processes = (*client.Client)(nil)
	_ Runs      = (*client.Client)(nil)
	_ Schedules = (*client.Client)(nil)
	_ Builds    = (*client.Client)(nil)
	_ Domains   = (*client.Client)(nil)
	_ Garbage   = (*client.Client)(nil)
	_ Logs      = (*client.Client)(nil)
)

// everyCall is each method of the client that reaches a service, and the call it becomes.
func everyCall(c *client.Client) map[string]func(context.Context) error {
	one := "1"
	return map[string]func(context.Context) error{
		"Apps":                func(ctx context.Context) error { _, err := c.Apps(ctx); return err },
		"App hello":           func(ctx context.Context) error { _, err := c.App(ctx, "hello"); return err },
		"CreateApp hello":     func(ctx context.Context) error { _, err := c.CreateApp(ctx, "hello"); return err },
		"RenameApp hello bye": func(ctx context.Context) error { _, err := c.RenameApp(ctx, "hello", "bye", nil); return err },
		"DestroyApp hello":    func(ctx context.Context) error { return c.DestroyApp(ctx, "hello", nil) },
		"Config hello":        func(ctx context.Context) error { _, _, err := c.Config(ctx, "hello"); return err },
		"SetConfig hello [A B] 7": func(ctx context.Context) error {
			_, err := c.SetConfig(ctx, "hello", paas.ConfigPatch{"A": &one, "B": nil}, 7, nil)
			return err
		},
		"Checks hello": func(ctx context.Context) error { _, err := c.Checks(ctx, "hello"); return err },
		"SetChecks hello [path timeout]": func(ctx context.Context) error {
			_, err := c.SetChecks(ctx, "hello", paas.ChecksPatch{"timeout": &one, "path": nil}, nil)
			return err
		},
		"Releases hello":  func(ctx context.Context) error { _, err := c.Releases(ctx, "hello"); return err },
		"Release hello 3": func(ctx context.Context) error { _, err := c.Release(ctx, "hello", 3); return err },
		"VerifyReleases hello": func(ctx context.Context) error {
			check, err := c.VerifyReleases(ctx, "hello")
			if err == nil && check != (paas.LedgerCheck{Releases: 2, Verified: true}) {
				err = fmt.Errorf("got %+v", check)
			}
			return err
		},
		"PreviewRollback hello 3": func(ctx context.Context) error { _, err := c.PreviewRollback(ctx, "hello", 3); return err },
		"Rollback hello 0":        func(ctx context.Context) error { _, err := c.Rollback(ctx, "hello", 0, nil); return err },
		"Processes hello":         func(ctx context.Context) error { _, err := c.Processes(ctx, "hello"); return err },
		"Scale hello map[web:4]": func(ctx context.Context) error {
			_, err := c.Scale(ctx, "hello", paas.Formation{"web": 4}, nil)
			return err
		},
		"Resize hello map[web:512mb:0.5cpu worker:]": func(ctx context.Context) error {
			_, err := c.Resize(ctx, "hello", paas.Sizes{"web": {Memory: 512 << 20, CPU: 500}, "worker": {}}, nil)
			return err
		},
		"Restart hello web.1": func(ctx context.Context) error { _, err := c.Restart(ctx, "hello", "web.1", nil); return err },
		"Stop hello worker":   func(ctx context.Context) error { _, err := c.Stop(ctx, "hello", "worker", nil); return err },
		"Exec hello web.1 [ls -l] map[A:1] true {80 24}": func(ctx context.Context) error {
			req := paas.ExecRequest{
				Command: []string{"ls", "-l"}, Env: map[string]string{"A": "1"}, TTY: true, Terminal: paas.TerminalSize{Cols: 80, Rows: 24},
			}
			_, err := c.Exec(ctx, "hello", "web.1", req, paas.Stdio{})
			return err
		},
		"CreateRun hello [true]": func(ctx context.Context) error {
			_, err := c.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"true"}})
			return err
		},
		"AttachRun hello 17": func(ctx context.Context) error { _, err := c.AttachRun(ctx, "hello", 17, paas.Stdio{}); return err },
		"Runs hello 50":      func(ctx context.Context) error { _, err := c.Runs(ctx, "hello", 50); return err },
		"Schedules hello":    func(ctx context.Context) error { _, err := c.Schedules(ctx, "hello"); return err },
		"AddSchedule hello nightly @daily [true]": func(ctx context.Context) error {
			_, err := c.AddSchedule(ctx, "hello", paas.Schedule{Name: "nightly", Cron: "@daily", Command: []string{"true"}})
			return err
		},
		"SetSchedule hello nightly false": func(ctx context.Context) error {
			_, err := c.SetSchedule(ctx, "hello", "nightly", paas.SchedulePatch{Enabled: new(bool)})
			return err
		},
		"RemoveSchedule hello nightly": func(ctx context.Context) error { _, err := c.RemoveSchedule(ctx, "hello", "nightly"); return err },
		"RunSchedule hello nightly":    func(ctx context.Context) error { _, err := c.RunSchedule(ctx, "hello", "nightly"); return err },
		"Run hello 17":                 func(ctx context.Context) error { _, err := c.Run(ctx, "hello", 17); return err },
		"StopRun hello 17":             func(ctx context.Context) error { _, err := c.StopRun(ctx, "hello", 17); return err },
		"Builds hello":                 func(ctx context.Context) error { _, err := c.Builds(ctx, "hello"); return err },
		"Build hello 2":                func(ctx context.Context) error { _, err := c.Build(ctx, "hello", 2); return err },
		"BuildLog hello 2 true":        func(ctx context.Context) error { return c.BuildLog(ctx, "hello", 2, true, io.Discard) },
		"CancelBuild hello 2":          func(ctx context.Context) error { _, err := c.CancelBuild(ctx, "hello", 2); return err },
		"Domains hello":                func(ctx context.Context) error { _, err := c.Domains(ctx, "hello"); return err },
		"AddDomain hello a.example":    func(ctx context.Context) error { _, err := c.AddDomain(ctx, "hello", "a.example"); return err },
		"RemoveDomain hello a.example": func(ctx context.Context) error { _, err := c.RemoveDomain(ctx, "hello", "a.example"); return err },
		"Routing hello":                func(ctx context.Context) error { _, err := c.Routing(ctx, "hello"); return err },
		"SetRouting hello 1": func(ctx context.Context) error {
			_, err := c.SetRouting(ctx, "hello", paas.RoutingPatch{"canonical": nil})
			return err
		},
		"SetPaused hello true":  func(ctx context.Context) error { _, err := c.SetPaused(ctx, "hello", true); return err },
		"SetPaused hello false": func(ctx context.Context) error { _, err := c.SetPaused(ctx, "hello", false); return err },
		"RemoveDomain hello example.com/api v1": func(ctx context.Context) error {
			_, err := c.RemoveDomain(ctx, "hello", "example.com/api v1")
			return err
		},
		"Collect true": func(ctx context.Context) error {
			found, err := c.Collect(ctx, true, nil)
			if err == nil && (!found.DryRun || found.Freed == nil) {
				err = fmt.Errorf("got %+v", found)
			}
			return err
		},
		"SetMaintenance hello true":  func(ctx context.Context) error { _, err := c.SetMaintenance(ctx, "hello", true); return err },
		"SetMaintenance hello false": func(ctx context.Context) error { _, err := c.SetMaintenance(ctx, "hello", false); return err },
		"Logs hello":                 func(ctx context.Context) error { return c.Logs(ctx, "hello", paas.LogQuery{}, nil) },
		"PreReceive push1": func(ctx context.Context) error {
			return c.PreReceive(ctx, "push1", "0 1 refs/heads/main\n", nil, nil, nil)
		},
	}
}

func TestEachClientCallReachesItsServiceInTheNameOfTheUser(t *testing.T) {
	b := start(t)
	for want, call := range everyCall(b.local(t)) {
		t.Run(want, func(t *testing.T) {
			if err := call(within(t)); err != nil {
				t.Fatal(err)
			}
			if got := b.lastCall(); got != "root: "+want {
				t.Errorf("called %q", got)
			}
		})
	}
}

func TestAnErrorArrivesWithItsCodeMessageAndHint(t *testing.T) {
	codes := []paas.Code{
		paas.Invalid, paas.Unauthorized, paas.NotFound, paas.Conflict, paas.Stale, paas.Failed, paas.Unavailable, paas.RateLimited, paas.Canceled,
	}
	b := start(t)
	calls := everyCall(b.local(t))
	for _, code := range codes {
		b.err = paas.Errorf(code, "the thing is %s", code).WithHint("paas try %s", code).Because(errors.New("a secret cause"))
		for name, call := range calls {
			err := call(within(t))
			e, ok := errors.AsType[*paas.Error](err)
			if !ok || e.Code != code || e.Message != "the thing is "+string(code) && !strings.HasPrefix(name, "PreReceive") {
				t.Errorf("%s: %s: got %v (%s)", name, code, err, paas.CodeOf(err))
			} else if e.Hint != "paas try "+string(code) && !strings.HasPrefix(name, "PreReceive") {
				t.Errorf("%s: %s: hint %q", name, code, e.Hint)
			}
		}
	}
}

func TestAnInternalErrorIsForTheLogOnly(t *testing.T) {
	b := start(t)
	b.err = fmt.Errorf("read bucket: %w", errors.New("page 7 is torn"))
	for name, call := range everyCall(b.local(t)) {
		err := call(within(t))
		if paas.CodeOf(err) != paas.Internal || !strings.HasPrefix(err.Error(), "internal error (request id ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(b.log.String(), "page 7 is torn") {
		t.Error("the log does not say what happened")
	}
}

func TestAFullDiskIsNoInternalErrorWhoeverMeetsIt(t *testing.T) {
	b := start(t)
	b.err = fmt.Errorf("open the log of build 3: %w", &os.PathError{Op: "open", Path: "/data/builds/x/3.log", Err: syscall.ENOSPC})
	for name, call := range everyCall(b.local(t)) {
		err := call(within(t))
		if paas.CodeOf(err) != paas.Unavailable || !strings.HasSuffix(err.Error(), "no space left on the server") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if log := b.log.String(); !strings.Contains(log, "/data/builds/x/3.log") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log says %s", log)
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	b := start(t)
	b.onScale = func(context.Context, io.Writer) (paas.Processes, error) { panic("out of order") }
	b.onLog = func(context.Context, io.Writer) error { panic("out of order") }
	c := b.local(t)
	_, err := c.Scale(within(t), "hello", paas.Formation{"web": 1}, nil)
	if paas.CodeOf(err) != paas.Internal {
		t.Error(err)
	}
	if err := c.BuildLog(within(t), "hello", 1, false, io.Discard); paas.CodeOf(err) != paas.Internal {
		t.Error(err)
	}
	if err := c.DestroyApp(within(t), "hello", nil); err != nil {
		t.Errorf("the server does not go on: %v", err)
	}
}

func TestListsAreNeverNull(t *testing.T) {
	b := start(t)
	raw := b.raw(t)
	for path, want := range map[string]string{
		"/v1/apps": "[]", "/v1/apps/a/releases": "[]", "/v1/apps/a/builds": "[]", "/v1/apps/a/runs": "[]", "/v1/apps/a/domains": "[]",
		"/v1/apps/a/formation": "[]", "/v1/keys": "[]", "/v1/tokens": "[]", "/v1/registries": "[]", "/v1/apps/a/config": "{}", "/v1/apps/a/checks": "[]",
		"/v1/apps/a/instances": `{"formation":[],"instances":[],"queue":[]}`,
	} {
		resp, body := do(t, raw, "GET", path, "", nil)
		if resp.StatusCode != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: %s %s", path, resp.Status, body)
		}
	}
}

// do makes a request as it is and returns the answer with its body.
func do(t *testing.T, c *http.Client, method, path, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), method, "http://paas"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

func TestBadRequestsAreRefusedBeforeAnyService(t *testing.T) {
	b := start(t)
	raw := b.raw(t)
	tests := []struct {
		name, method, path, body string
		header                   http.Header
	}{
		{name: "unknown field", method: "POST", path: "/v1/apps", body: `{"name":"a","admin":true}`},
		{name: "two values", method: "POST", path: "/v1/apps", body: `{"name":"a"}{"name":"b"}`},
		{name: "trailing words", method: "POST", path: "/v1/apps", body: `{"name":"a"} x`},
		{name: "empty", method: "POST", path: "/v1/apps"},
		{name: "not json", method: "POST", path: "/v1/apps", body: `name=a`},
		{name: "wrong type", method: "POST", path: "/v1/apps", body: `{"name":7}`},
		{name: "too large", method: "POST", path: "/v1/apps", body: `{"name":"` + strings.Repeat("a", 1<<20) + `"}`},
		{name: "not utf-8", method: "PATCH", path: "/v1/apps/a/config", body: "{\"A\":\"\xff\"}"},
		{name: "no vars", method: "PATCH", path: "/v1/apps/a/config", body: `{}`},
		{name: "null", method: "PATCH", path: "/v1/apps/a/config", body: `null`},
		{name: "reserved var", method: "PATCH", path: "/v1/apps/a/config", body: `{"PORT":"1"}`},
		{name: "number as value", method: "PATCH", path: "/v1/apps/a/config", body: `{"A":1}`},
		{name: "no checks", method: "PATCH", path: "/v1/apps/a/checks", body: `{}`},
		{name: "null checks", method: "PATCH", path: "/v1/apps/a/checks", body: `null`},
		{name: "unknown check", method: "PATCH", path: "/v1/apps/a/checks", body: `{"colour":"red"}`},
		{name: "number as check", method: "PATCH", path: "/v1/apps/a/checks", body: `{"timeout":60}`},
		{name: "path elsewhere", method: "PATCH", path: "/v1/apps/a/checks", body: `{"path":"http://169.254.169.254/"}`},
		{name: "weak tag", method: "PATCH", path: "/v1/apps/a/config", body: `{"A":"1"}`, header: http.Header{"If-Match": {`W/"7"`}}},
		{name: "bare tag", method: "PATCH", path: "/v1/apps/a/config", body: `{"A":"1"}`, header: http.Header{"If-Match": {`7`}}},
		{name: "two tags", method: "PATCH", path: "/v1/apps/a/config", body: `{"A":"1"}`, header: http.Header{"If-Match": {`"7"`, `"8"`}}},
		{name: "release v3", method: "GET", path: "/v1/apps/a/releases/v3"},
		{name: "release 0", method: "GET", path: "/v1/apps/a/releases/0"},
		{name: "rollback to -1", method: "POST", path: "/v1/apps/a/rollback", body: `{"version":-1}`},
		{name: "scale web=x", method: "PATCH", path: "/v1/apps/a/formation", body: `{"web":"x"}`},
		{name: "scale web=1.5", method: "PATCH", path: "/v1/apps/a/formation", body: `{"web":1.5}`},
		{name: "resize web=big", method: "PATCH", path: "/v1/apps/a/sizes", body: `{"web":"big"}`},
		{name: "resize web=512", method: "PATCH", path: "/v1/apps/a/sizes", body: `{"web":512}`},
		{name: "restart ;id", method: "POST", path: "/v1/apps/a/restart", body: `{"target":";id"}`},
		{name: "log source", method: "GET", path: "/v1/apps/a/logs?source=kernel"},
		{name: "log lines", method: "GET", path: "/v1/apps/a/logs?lines=-1"},
		{name: "log since", method: "GET", path: "/v1/apps/a/logs?since=yesterday"},
		{name: "log follow", method: "GET", path: "/v1/apps/a/logs?follow=maybe"},
		{name: "key name", method: "POST", path: "/v1/keys", body: `{"name":"-x","key":"ssh-ed25519 AAAA"}`},
		{name: "key", method: "POST", path: "/v1/keys", body: `{"name":"x","key":"ssh-ed25519 AAAA"}`},
		{name: "registry", method: "POST", path: "/v1/registries", body: `{"host":"a b","user":"u","password":"p"}`},
		{name: "registry user", method: "POST", path: "/v1/registries", body: `{"host":"ghcr.io","user":"a:b","password":"p"}`},
		{name: "registry password", method: "POST", path: "/v1/registries", body: `{"host":"ghcr.io","user":"a","password":""}`},
		{name: "token name", method: "POST", path: "/v1/tokens", body: `{"name":"a b"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := do(t, raw, tt.method, tt.path, tt.body, tt.header)
			if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"code":"invalid"`) {
				t.Errorf("%s %s", resp.Status, body)
			}
			if call := b.lastCall(); call != "" {
				t.Errorf("called %s", call)
			}
		})
	}
}

// hostileNames is what no app can be called.
var hostileNames = []string{
	"a;id", "$(id)", "../x", "..", ".", "-rf", strings.Repeat("a", 64), "ünïcode", "a\nb", "a\x00b", "a/b", "A", "a-", "paas", "api", "www", "a b", "%2e%2e", "'a'", "a.git",
}

func TestHostileAppNamesAreRefused(t *testing.T) {
	b := start(t)
	raw := b.raw(t)
	c := b.local(t)
	for _, name := range hostileNames {
		if _, err := c.CreateApp(within(t), name); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("create %q: %v", name, err)
		}
		if _, err := c.App(within(t), name); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("the client on %q: %v", name, err)
		}
		for _, path := range []string{"/v1/apps/%s", "/v1/apps/%s/config", "/v1/apps/%s/releases"} {
			resp, body := do(t, raw, "GET", fmt.Sprintf(path, escapeAll(name)), "", nil)
			if resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s of %q: %s %s", path, name, resp.Status, body)
			}
		}
	}
	if call := b.lastCall(); call != "" {
		t.Errorf("called %s", call)
	}
}

// escapeAll writes every byte as %xx.
func escapeAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

func TestARequestHasOneID(t *testing.T) {
	b := start(t)
	raw := b.raw(t)
	resp, _ := do(t, raw, "GET", "/v1/apps", "", http.Header{"X-Request-Id": {"req-1"}})
	if got := resp.Header.Values("X-Request-Id"); len(got) != 1 || got[0] != "req-1" {
		t.Errorf("a well-formed id became %q", got)
	}
	resp, body := do(t, raw, "GET", "/v1/apps/A", "", http.Header{"X-Request-Id": {"a b\"<script>"}})
	id := resp.Header.Get("X-Request-Id")
	if !requestIDForm.MatchString(id) || !strings.Contains(body, `"request_id":"`+id+`"`) {
		t.Errorf("a bad id became %q in %s", id, body)
	}
	if !strings.Contains(b.log.String(), "request_id="+id) {
		t.Error("the log does not know the id")
	}
}

func TestVersion(t *testing.T) {
	b := start(t)
	if v, err := b.local(t).Version(within(t)); v != "v1.2.3" || err != nil {
		t.Error(v, err)
	}
}
