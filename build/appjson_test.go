package build

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

var appTypes = paas.ProcessTypes{{Name: "web"}, {Name: "worker"}, {Name: "release"}}

func TestAppJSON(t *testing.T) {
	var got strings.Builder
	for _, tc := range []struct{ name, text string }{
		{"empty object", `{}`},
		{"byte order mark", "\ufeff{}"},
		{"a path", `{"healthchecks":{"web":[{"type":"startup","name":"up","description":"d","path":"/up"}]}}`},
		{"a path is / where nothing is said", `{"healthchecks":{"web":[{}]}}`},
		{"listening alone", `{"healthchecks":{"web":[{"type":"startup","listening":true}]}}`},
		{"time to start", `{"healthchecks":{"web":[{"type":"startup","path":"/up","initialDelay":10,"timeout":2,"attempts":5,"wait":1}]}}`},
		{"some of it", `{"healthchecks":{"web":[{"type":"startup","path":"/up","timeout":20}]}}`},
		{"startup and liveness", `{"healthchecks":{"web":[{"type":"startup","path":"/up"},{"type":"liveness","path":"/up","wait":4,"attempts":3}]}}`},
		{"two paths", `{"healthchecks":{"web":[{"type":"startup","path":"/up"},{"type":"liveness","path":"/live"}]}}`},
		{"readiness", `{"healthchecks":{"web":[{"type":"readiness","path":"/ready"}]}}`},
		{"a command", `{"healthchecks":{"web":[{"type":"startup","command":["/bin/check"]}]}}`},
		{"uptime of a worker", `{"healthchecks":{"worker":[{"type":"startup","uptime":8}]}}`},
		{"uptime of web", `{"healthchecks":{"web":[{"type":"startup","uptime":8}]}}`},
		{"a path of a worker", `{"healthchecks":{"worker":[{"path":"/up"}]}}`},
		{"a type that is not there", `{"healthchecks":{"clock":[{"path":"/up"}],"release":[]}}`},
		{"what has no counterpart", `{"healthchecks":{"web":[{"path":"/up","content":"ok","httpHeaders":[],"port":80,"scheme":"https","onFailure":{}}]}}`},
		{"keys of others", `{"name":"x","scripts":{},"formation":{},"a b":1,"\u001b[2J":1}`},
		{"nothing", ``},
		{"no JSON", "{\n  \"healthchecks\": {\n    web: []\n  }\n}"},
		{"a comma too many", "{\n  \"a\": 1,\n}"},
		{"cut off", "{\n  \"healthchecks\": {\n"},
		{"two values", "{}\n{}"},
		{"a list", "[]"},
		{"twice", "{\n \"healthchecks\": {},\n \"healthchecks\": {}\n}"},
		{"no object", "{\n \"healthchecks\": null\n}"},
		{"no list", "{\n \"healthchecks\": {\n  \"web\": {\"path\": \"/up\"}\n }\n}"},
		{"no check", "{\n \"healthchecks\": {\n  \"web\": [\n   \"/up\"\n  ]\n }\n}"},
		{"unknown type", "{\n \"healthchecks\": {\n  \"web\": [\n   {\n    \"type\": \"strtup\"\n   }\n  ]\n }\n}"},
		{"type of a type", "{\"healthchecks\": {\"web\": [{\n\"type\": 7}]}}"},
		{"path that is none", "{\"healthchecks\": {\"web\": [\n{\"path\": \"up\"}]}}"},
		{"path of another type", "{\"healthchecks\": {\"web\": [\n{\"path\": true}]}}"},
		{"a number in quotes", "{\"healthchecks\": {\"web\": [{\"path\": \"/up\",\n\"timeout\": \"10\"}]}}"},
		{"a fraction", "{\"healthchecks\": {\"web\": [{\"path\": \"/up\",\n\"timeout\": 1.5}]}}"},
		{"less than none", "{\"healthchecks\": {\"web\": [{\"path\": \"/up\",\n\"wait\": -1}]}}"},
		{"far too much", "{\"healthchecks\": {\"web\": [{\"path\": \"/up\",\n\"attempts\": 1e99}]}}"},
		{"too long to start", "{\"healthchecks\": {\"web\": [\n{\"path\": \"/up\", \"attempts\": 3600, \"timeout\": 60}]}}"},
		{"listening in words", "{\"healthchecks\": {\"web\": [{\"listening\":\n\"yes\"}]}}"},
		{"not UTF-8", "{\"\xff\": 1}"},
	} {
		m, err := parseAppJSON([]byte(tc.text), appTypes)
		got.WriteString("== " + tc.name + "\n")
		if err != nil {
			writeError(&got, err)
			continue
		}
		checks, err := json.Marshal(m.checks)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString(string(checks) + "\n")
		if len(m.ignored) > 0 {
			got.WriteString("not applied: " + strings.Join(m.ignored, ", ") + "\n")
		}
	}
	golden(t, filepath.Join("testdata", "appjson.golden"), got.String())
}

func TestPushedAppJSONGivesTheChecks(t *testing.T) {
	w := newWorld(t, Options{})
	var got paas.Checks
	w.deployer.plays(func(_ context.Context, b paas.Build, _ io.Writer) error {
		got = b.Checks
		return nil
	})
	c := w.checkout("hello")
	c.commit(map[string]string{
		"Dockerfile": "FROM scratch\n",
		"app.json":   `{"name":"Hello","stack":"heroku-24","healthchecks":{"web":[{"type":"startup","path":"/up","attempts":4,"content":"ok"}]}}`,
	})
	c.push("main").want(t, true,
		"remote: -----> Checks: path=/up timeout=35 (app.json)", "remote:        Not applied from app.json: stack, healthchecks.web[0].content")
	if diff := cmp.Diff(paas.Checks{Path: "/up", Timeout: 35}, got); diff != "" {
		t.Error(diff)
	}
	c.commit(map[string]string{"app.json": `{}`})
	c.push("main").want(t, true)
	if diff := cmp.Diff(paas.Checks{}, got); diff != "" {
		t.Error("the next commit says nothing:", diff)
	}
}

func FuzzAppJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"healthchecks":{"web":[{"type":"startup","path":"/up","attempts":3,"wait":1,"timeout":2}],"worker":[{"uptime":3}]}}`, `[`, "{\n\"a\":\n1}",
		`{"healthchecks":{"web":[{"type":"liveness","wait":4}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseAppJSON(text, appTypes)
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid || strings.ContainsAny(err.Error(), "\n\x1b\x00") {
				t.Fatalf("error %q", err)
			}
			return
		}
		if strings.ContainsAny(strings.Join(m.ignored, " "), "\n\x1b\x00") {
			t.Fatalf("ignored %q", m.ignored)
		}
		patch := paas.ChecksPatch{}
		for name, value := range m.checks.Values() {
			patch[name] = &value
		}
		if len(patch) > 0 {
			if err := patch.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
