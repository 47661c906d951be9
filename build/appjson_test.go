package build

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
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
		{"nothing", ` `},
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

		{"formation", `{"formation":{"web":{"quantity":2,"size":"standard-1x"},"worker":{"quantity":0},"clock":{"quantity":1}}}`},
		{"sizes", `{"formation":{"web":{"size":"512MB:0.5cpu"},"worker":{"quantity":1,"size":"2cpu"},"clock":{"size":"1gb"}}}`},
		{"a size that is no text", "{\"formation\": {\"web\": {\n\"size\": 512}}}"},
		{"formation of Dokku", `{"formation":{"web":{"quantity":2,"max_parallel":1,"autoscaling":{}},"worker":{}}}`},
		{"formation of release", `{"formation":{"release":{"quantity":1}}}`},
		{"formation is a list", "{\n\"formation\": [1]}"},
		{"formation of a number", "{\"formation\": {\n\"web\": 2}}"},
		{"a quantity in words", "{\"formation\": {\"web\": {\n\"quantity\": \"2\"}}}"},
		{"too many", "{\"formation\": {\"web\":\n{\"quantity\": 31}}}"},
		{"too many of a type that is not there", "{\"formation\": {\"clock\":\n{\"quantity\": -1}}}"},

		{"env", `{"env":{"A":"a","B":{"value":"b","description":"d","required":true},"C":{"generator":"secret"},"D":{"description":"d"},"E":{"required":false},"F":""}}`},
		{"env of Dokku", `{"env":{"A":{"value":"a","sync":true,"prompt":1}}}`},
		{"env is a list", "{\n\"env\": []}"},
		{"env is a number", "{\"env\": {\n\"A\": 5}}"},
		{"a value is a number", "{\"env\": {\"A\": {\n\"value\": 5}}}"},
		{"a value holds NUL", "{\"env\": {\"A\":\n\"a\\u0000b\"}}"},
		{"PORT", "{\"env\": {\"A\": \"a\",\n\"PORT\": \"80\"}}"},
		{"PAAS_", "{\"env\": {\n\"PAAS_APP\": {\"required\": false}}}"},
		{"a key that is none", "{\"env\": {\n\"A-B\": \"a\"}}"},
		{"a key with a control character", "{\"env\": {\n\"A\\u001b[2J\": \"a\"}}"},
		{"a generator that is none", "{\"env\": {\"A\": {\n\"generator\": \"uuid\"}}}"},
		{"value and generator", "{\"env\": {\"A\": {\n\"generator\": \"secret\", \"value\": \"x\"}}}"},
		{"required in words", "{\"env\": {\"A\": {\n\"required\": \"yes\"}}}"},
		{"a description that is none", "{\"env\": {\"A\": {\n\"description\": 1}}}"},

		{"postdeploy", `{"scripts":{"postdeploy":" rake db:seed ","test":"rake"}}`},
		{"postdeploy with a size", `{"scripts":{"postdeploy":{"command":"rake db:seed","size":"eco"}}}`},
		{"scripts of Dokku", `{"scripts":{"dokku":{"predeploy":"a","postdeploy":"b","x":"c"}}}`},
		{"scripts is a list", "{\n\"scripts\": []}"},
		{"scripts.dokku is a list", "{\n\"scripts\": {\n\"dokku\": []}}"},
		{"postdeploy is a list", "{\n\"scripts\": {\n\"postdeploy\": []}}"},
		{"postdeploy without a command", "{\n\"scripts\": {\n\"postdeploy\": {\"size\": \"x\"}}}"},
		{"postdeploy is empty", "{\n\"scripts\": {\n\"postdeploy\": \" \"}}"},
		{"postdeploy of two lines", "{\n\"scripts\": {\n\"postdeploy\": \"a\\nb\"}}"},

		{"cron", `{"cron":[{"command":"a b","schedule":"0 1 * * *"},{"command":"c","schedule":"@daily","maintenance":true}]}`},
		{"cron is an object", "{\n\"cron\": {}}"},
		{"a schedule is none", "{\n\"cron\": [\n{\"command\": \"a\",\n\"schedule\": \"0 25 * * *\"}]}"},
		{"a schedule is a number", "{\n\"cron\": [\n{\"command\": \"a\",\n\"schedule\": 5}]}"},
		{"a schedule is missing", "{\n\"cron\": [\n{\"command\": \"a\"}]}"},
		{"a schedule without a command", "{\n\"cron\": [\n{\"schedule\": \"@daily\"}]}"},
		{"a schedule is a string", "{\n\"cron\": [\n\"0 1 * * * a\"]}"},

		{"what there is not", `{"addons":["heroku-postgresql"],"buildpacks":[{"url":"heroku/python"}],"stack":"heroku-24","image":"x","environments":{"test":{}}}`},
		{"a Dockerfile", `{"build":{"dockerfile":"./docker//web.Dockerfile","target":"x"}}`},
		{"a Dockerfile that is none", "{\n\"build\": {\n\"dockerfile\": 1}}"},
		{"build is a list", "{\n\"build\": []}"},
	} {
		got.WriteString("== " + tc.name + "\n")
		m, err := manifestOf(tc.text, "", appTypes)
		show(t, &got, m, err)
	}
	golden(t, filepath.Join("testdata", "appjson.golden"), got.String())
}

// manifestOf reads an app.json and a heroku.yml; "" is one that is not there.
func manifestOf(appText, herokuText string, types paas.ProcessTypes) (m manifest, err error) {
	if appText != "" {
		err = m.readAppJSON([]byte(appText))
	}
	if err == nil && herokuText != "" {
		err = m.readHerokuYML([]byte(herokuText))
	}
	if err == nil {
		err = m.settle(m.processTypes(types, true))
	}
	return m, err
}

// show prints all that a manifest says, or why there is none.
func show(t *testing.T, w *strings.Builder, m manifest, err error) {
	t.Helper()
	if err != nil {
		writeError(w, err)
		return
	}
	shown := []struct {
		name  string
		value any
	}{
		{"checks", m.checks},
		{"formation", m.Formation},
		{"sizes", m.Sizes},
		{"env", m.Env},
		{"postdeploy", m.Postdeploy},
		{"dockerfile", m.dockerfile},
		{"args", m.args},
		{"types", m.types},
		{"run", m.runs},
		{"release", m.release},
	}
	for _, s := range shown {
		text, err := json.Marshal(s.value)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains([]string{"null", "{}", `""`, "false"}, string(text)) {
			w.WriteString(s.name + ": " + string(text) + "\n")
		}
	}
	for _, file := range []string{appJSON, herokuYML} {
		if what := m.ignored[file]; len(what) > 0 {
			w.WriteString("not applied from " + file + ": " + strings.Join(what, ", ") + "\n")
		}
	}
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
		"remote: -----> Checks: path=/up timeout=35 (app.json)", "remote:        Not applied from app.json: stack (the Dockerfile decides), healthchecks.web[0].content")
	if diff := cmp.Diff(paas.Checks{Path: "/up", Timeout: 35}, got); diff != "" {
		t.Error(diff)
	}
	c.commit(map[string]string{"app.json": `{}`})
	c.push("main").want(t, true)
	if diff := cmp.Diff(paas.Checks{}, got); diff != "" {
		t.Error("the next commit says nothing:", diff)
	}
}

// wellFormed holds what every manifest does that was read without an error.
func wellFormed(t *testing.T, m manifest) {
	t.Helper()
	for _, what := range m.ignored {
		if strings.ContainsAny(strings.Join(what, " "), "\n\x1b\x00") {
			t.Fatalf("ignored %q", what)
		}
	}
	if p, err := paas.BuildPath("", m.dockerfile); err != nil || p != m.dockerfile || p != "" && !filepath.IsLocal(p) || plain(p) != p {
		t.Fatalf("dockerfile %q", m.dockerfile)
	}
	if len(m.Formation) > 0 {
		if err := m.Formation.Validate(append(slices.Clone(appTypes), m.types...)); err != nil {
			t.Fatal(err)
		}
	}
	for key, v := range m.Env {
		if err := (paas.ConfigPatch{key: v.Value}).Validate(); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range m.args {
		if paas.ValidateBuildArg(name, value) != nil {
			t.Fatalf("argument %q", name)
		}
	}
	for _, typ := range append(slices.Clone(m.types), paas.ProcessType{Name: "x", Command: m.Postdeploy + m.release}) {
		if !paas.ValidProcessType(typ.Name) || strings.ContainsAny(typ.Command, "\n\x1b\x00") {
			t.Fatalf("type %q", typ)
		}
	}
}

func FuzzAppJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"healthchecks":{"web":[{"type":"startup","path":"/up","attempts":3,"wait":1,"timeout":2}],"worker":[{"uptime":3}]}}`, `[`, "{\n\"a\":\n1}",
		`{"healthchecks":{"web":[{"type":"liveness","wait":4}]}}`,
		`{"formation":{"web":{"quantity":2}},"env":{"A":"a","B":{"generator":"secret"}},"scripts":{"postdeploy":"x"},"build":{"dockerfile":"a/b"}}`,
		`{"cron":[{"command":"a","schedule":"*/5 1-3 * jan,feb mon"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := manifestOf(string(text), "", appTypes)
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid || strings.ContainsAny(err.Error(), "\n\x1b\x00") {
				t.Fatalf("error %q", err)
			}
			return
		}
		wellFormed(t, m)
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
