package web

import (
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

// routeList is the router's own list, as `METHOD /path/{param}`.
func routeList(s *Server) []string {
	var all []string
	for _, r := range s.echo.Routes() {
		parts := strings.Split(r.Path, "/")
		for i, p := range parts {
			if name, ok := strings.CutPrefix(p, ":"); ok {
				parts[i] = "{" + name + "}"
			}
		}
		all = append(all, r.Method+" "+strings.Join(parts, "/"))
	}
	slices.Sort(all)
	return all
}

// filled is a path of a route with its parameters given.
func filled(path string) string {
	return strings.NewReplacer("{app}", "hello", "{version}", "1", "{id}", "1", "{host}", "a.example", "{name}", "x", "{instance}", "web.1", "{page}", "503").Replace(path)
}

func TestNoRouteOpensWithoutAnIdentity(t *testing.T) {
	b := start(t)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	c := &http.Client{Transport: tr}
	headers := map[string]http.Header{
		"nothing":         nil,
		"an empty token":  {"Authorization": {"Bearer "}},
		"no token of us":  {"Authorization": {"Bearer x"}},
		"unknown token":   {"Authorization": {"Bearer " + newToken()}},
		"a password":      {"Authorization": {"Basic cm9vdDpyb290"}},
		"a claimed user":  {"X-Paas-User": {"root"}, "X-Forwarded-For": {"127.0.0.1"}},
		"a push's header": {client.HeaderPush: {"push1"}},
	}
	for _, route := range routeList(b.server) {
		method, path, _ := strings.Cut(route, " ")
		if path == healthPath {
			continue
		}
		for name, header := range headers {
			req, err := http.NewRequestWithContext(within(t), method, "http://"+b.tcp+filled(path), strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = header.Clone()
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %s: %s", route, name, resp.Status)
			}
		}
	}
	if call := b.lastCall(); call != "" {
		t.Errorf("called %s", call)
	}
}

func TestARequestThatCameThroughNoDoorIsNobodys(t *testing.T) {
	b := start(t)
	for _, route := range routeList(b.server) {
		method, path, _ := strings.Cut(route, " ")
		if path == healthPath {
			continue
		}
		w := &discard{header: http.Header{}}
		req, err := http.NewRequestWithContext(within(t), method, filled(path), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		b.server.echo.ServeHTTP(w, req)
		if w.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", route, w.status)
		}
	}
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

func TestHealthNeedsNoIdentity(t *testing.T) {
	b := start(t)
	tr := &http.Transport{}
	t.Cleanup(tr.CloseIdleConnections)
	req, err := http.NewRequestWithContext(within(t), "GET", "http://"+b.tcp+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
}

func TestATokenIsItsUserUntilItIsRemoved(t *testing.T) {
	b := start(t)
	local := b.local(t)
	secret, token, err := local.CreateToken(within(t), "ci")
	if err != nil || !strings.HasPrefix(secret, "paas_") || len(secret) != 45 || token.User != "root" || token.Sum != "" {
		t.Fatalf("%q %+v %v", secret, token, err)
	}
	remote := connect(t, client.Options{URL: "http://" + b.tcp, Token: secret})
	if _, err := remote.Releases(within(t), "hello"); err != nil || b.lastCall() != "root: Releases hello" {
		t.Errorf("%v, called %q", err, b.lastCall())
	}
	if err := remote.PreReceive(within(t), "push1", "", nil, nil, nil); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("the hook's way in is open: %v", err)
	}
	listed, err := local.Tokens(within(t))
	if err != nil || len(listed) != 1 || listed[0].Sum != "" {
		t.Errorf("%+v %v", listed, err)
	}
	if _, err := local.RemoveToken(within(t), "ci"); err != nil {
		t.Error(err)
	}
	if _, err := remote.Apps(within(t)); paas.CodeOf(err) != paas.Unauthorized {
		t.Errorf("after its removal: %v", err)
	}
	if strings.Contains(b.log.String(), secret) {
		t.Error("the log has the secret")
	}
}

func TestKeysAreAddedListedAndRemoved(t *testing.T) {
	b := start(t)
	c := b.local(t)
	line := authorized(t, ed25519Key(t))
	key, err := c.AddKey(within(t), "ada", line+" ada@laptop")
	if err != nil || key.Public != line || key.CreatedAt.IsZero() {
		t.Fatalf("%+v %v", key, err)
	}
	if _, err := c.AddKey(within(t), "ada", line); paas.CodeOf(err) != paas.Conflict {
		t.Error(err)
	}
	if keys, err := c.Keys(within(t)); err != nil || len(keys) != 1 || keys[0] != key {
		t.Errorf("%+v %v", keys, err)
	}
	if removed, err := c.RemoveKey(within(t), "ada"); err != nil || removed != key {
		t.Errorf("%+v %v", removed, err)
	}
	if _, err := c.RemoveKey(within(t), "ada"); paas.CodeOf(err) != paas.NotFound {
		t.Error(err)
	}
}

func TestAMethodThatAPathDoesNotHaveIs405(t *testing.T) {
	b := start(t)
	raw := b.raw(t)
	for _, route := range []string{
		"DELETE /v1/apps/a/releases/1", "PUT /v1/apps/a/releases/1", "PATCH /v1/apps/a/releases/1", "POST /v1/apps/a/releases/1",
		"POST /v1/apps/a/releases", "DELETE /v1/apps/a/releases", "DELETE /v1/apps/a/builds/1", "PUT /v1/apps/a/config", "GET /hook/pre-receive",
	} {
		method, path, _ := strings.Cut(route, " ")
		resp, body := do(t, raw, method, path, "", nil)
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" || !strings.Contains(body, `"code":"invalid"`) {
			t.Errorf("%s: %s %s %s", route, resp.Status, resp.Header.Get("Allow"), body)
		}
	}
	if resp, body := do(t, raw, "GET", "/v1/nothing", "", nil); resp.StatusCode != 404 || !strings.Contains(body, `"code":"not_found"`) {
		t.Errorf("%s %s", resp.Status, body)
	}
}

// document reads the mappings of a YAML file that has them in block form, two spaces a level; all else is left out.
func document(t *testing.T) map[string][]string {
	t.Helper()
	data, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	children := map[string][]string{}
	var path []string
	for line := range strings.Lines(string(data)) {
		text := strings.TrimLeft(line, " ")
		depth := (len(line) - len(text)) / 2
		key, _, ok := strings.Cut(strings.TrimSpace(text), ":")
		if !ok || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "-") || depth > len(path) {
			continue
		}
		parent := strings.Join(path[:depth], ">")
		children[parent] = append(children[parent], key)
		path = append(path[:depth:depth], key)
	}
	return children
}

func TestTheDocumentHasEachRouteAndNoOther(t *testing.T) {
	doc := document(t)
	var documented []string
	for _, path := range doc["paths"] {
		for _, method := range doc["paths>"+path] {
			if method != "parameters" {
				documented = append(documented, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(documented)
	s := NewServer(newFake().services(), Options{})
	if diff := cmp.Diff(routeList(s), documented); diff != "" {
		t.Errorf("routes (-) and openapi.yaml (+): %s", diff)
	}
}

func TestTheDocumentHasEachFieldOfWhatIsSent(t *testing.T) {
	doc := document(t)
	schemas := map[string]any{
		"Fault": client.Fault{}, "Error": client.Failure{}, "Event": client.Event{}, "Version": client.VersionInfo{}, "Name": client.NameBody{},
		"App": paas.AppInfo{}, "Page": paas.PageInfo{}, "RouteTable": paas.RouteTable{}, "Route": paas.RouteStatus{}, "Backend": paas.BackendStatus{}, "ConfigChange": paas.ConfigChange{}, "CheckSetting": paas.CheckSetting{}, "ChecksChange": paas.ChecksChange{}, "Release": paas.ReleaseInfo{}, "Rollback": client.RollbackBody{},
		"Process": paas.ProcessStatus{}, "Instance": paas.InstanceStatus{}, "Processes": paas.Processes{}, "Target": client.TargetBody{},
		"Build": paas.BuildInfo{}, "RunRequest": paas.RunRequest{}, "Run": paas.RunInfo{}, "Schedule": paas.Schedule{}, "ScheduleState": paas.ScheduleInfo{}, "SchedulePatch": paas.SchedulePatch{}, "LogLine": paas.LogLine{}, "Domain": paas.Domain{},
		"Host": client.HostBody{}, "Certificate": paas.Certificate{}, "NewCertificate": client.CertBody{}, "Key": paas.Key{}, "NewKey": client.KeyBody{}, "NewToken": client.NewToken{}, "Push": client.PushBody{},
		"LedgerCheck": paas.LedgerCheck{}, "RollbackPreview": paas.RollbackPreview{}, "ReleaseDiff": paas.ReleaseDiff{},
		"ExecRequest": paas.ExecRequest{}, "Collect": client.CollectBody{}, "Collection": paas.Collection{}, "Collected": paas.Collected{},
	}
	for name, v := range schemas {
		got := slices.Sorted(slices.Values(doc["components>schemas>"+name+">properties"]))
		if diff := cmp.Diff(jsonFields(reflect.TypeOf(v)), got); diff != "" {
			t.Errorf("%s: fields (-) and openapi.yaml (+): %s", name, diff)
		}
	}
}

func jsonFields(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "-" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestClientAddressesAreNotTakenFromHeaders(t *testing.T) {
	s := NewServer(newFake().services(), Options{})
	req, err := http.NewRequestWithContext(within(t), "GET", "/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.RemoteAddr = "192.0.2.1:1234"
	req.Header.Set(echo.HeaderXForwardedFor, "127.0.0.1")
	req.Header.Set(echo.HeaderXRealIP, "127.0.0.1")
	if ip := s.echo.NewContext(req, nil).RealIP(); ip != "192.0.2.1" {
		t.Error(ip)
	}
}
