package conformance

import (
	"bytes"
	crand "crypto/rand"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

func TestIII1OneReleaseForManyKeys(t *testing.T) {
	p := prove(t, "III-1", "config:set A=1 B=2 is one release that names A and B and no value")
	a := p.deployed(platform.Fixture{})
	r := a.Do("paas", "config:set", "A=first-value", "B=second-value").Says("A", "B", "v2")
	a.WantReleases(2, "Set A, B config vars")
	ledger := a.Do("paas", "releases", "--json").Stdout + a.Do("paas", "releases:info", "v2", "--json").Stdout
	for _, value := range []string{"first-value", "second-value"} {
		if strings.Contains(ledger+r.String()[len("$ paas config:set A=first-value B=second-value"):], value) {
			p.Errorf("the ledger or the answer has the value %s:\n%s%s", value, ledger, r)
		}
	}
	if keys := a.Releases()[0].ConfigKeys; !slices.Equal(keys, []string{"A", "B"}) {
		p.Errorf("v2 has the config keys %q", keys)
	}
	if a.Value("A") != "first-value" || a.Value("B") != "second-value" {
		p.Errorf("the process has A=%s B=%s", a.Value("A"), a.Value("B"))
	}
}

func TestIII2TheSameAgainMakesNone(t *testing.T) {
	p := prove(t, "III-2", "setting what is set makes no release, and says so")
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "config:set", "A=1", "B=2")
	before := a.Container("web.1")
	a.Do("paas", "config:set", "A=1", "B=2").Says("Nothing changed")
	a.WantReleases(2, "")
	if now := a.Container("web.1"); now.ID != before.ID {
		p.Error("the instance was replaced")
	}
}

func TestIII3WhatStartsLaterSeesIt(t *testing.T) {
	p := prove(t, "III-3", "what starts later sees the new value; other apps nothing")
	a, other := p.deployed(platform.Fixture{Procfile: "web: /probe web\nworker: /probe env STAGE\n"}), p.deployed(platform.Fixture{})
	untouched := other.Container("web.1")
	a.Do("paas", "config:set", "STAGE=one")
	a.Do("paas", "config:set", "STAGE=two")
	a.Do("paas", "scale", "web=2")
	for _, name := range []string{"web.1", "web.2"} {
		if got := a.Direct(name, http.MethodGet, "/env?key=STAGE", "").Body; got != "two" {
			p.Errorf("%s has %q", name, got)
		}
	}
	if got := a.Do("paas", "run", "worker").Stdout; got != "two" {
		p.Errorf("a run has %q", got)
	}
	if got := other.Value("STAGE"); got != "" {
		p.Errorf("another app has %q", got)
	}
	other.WantReleases(1, "")
	if other.Container("web.1").ID != untouched.ID {
		p.Error("another app's instance was replaced")
	}
}

// awkward are config values that get lost where text is passed on carelessly.
func awkward() map[string]string {
	long := make([]byte, 32<<10)
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // any text will do
	for i := range long {
		long[i] = ' ' + byte(dice.IntN('~'-' '+1))
	}
	return map[string]string{
		"EQUALS": "a=b==c=", "SPACE": "  two  words  ", "NEWLINE": "first\nsecond\n\n", "QUOTES": `it's "quoted" \"twice\"`,
		"DOLLAR": "$HOME ${PATH} $(id) `id`", "EMOJI": "🐘 naïve ☃", "EMPTY": "", "TAB": "\ta\tb\\t\\", "HASH": "#no # comment", "LONG": string(long),
	}
}

func TestIII4ValuesStayByteIdentical(t *testing.T) {
	p := prove(t, "III-4", "any value is byte-identical in the process and through config --shell")
	a := p.deployed(platform.Fixture{})
	values := awkward()
	keys := slices.Sorted(maps.Keys(values))
	args := []string{"paas", "config:set"}
	for _, key := range keys {
		args = append(args, key+"="+values[key])
	}
	a.Do(args...)
	env := a.Env()
	shell := a.Do("paas", "config", "--shell").Stdout
	script := shell + "\nprintf '%s\\0'"
	for _, key := range keys {
		script += ` "$` + key + `"`
	}
	evaluated := strings.Split(a.Exec(platform.Cmd{Args: []string{"sh"}, Stdin: strings.NewReader(script)}).Want(0).Stdout, "\x00")
	b := p.app(platform.Fixture{NoProbe: true})
	b.Exec(platform.Cmd{Args: []string{"paas", "config:set", "-"}, Stdin: strings.NewReader(shell)}).Want(0)
	for i, key := range keys {
		if env[key] != values[key] {
			p.Errorf("%s in the process: %s", key, cmp.Diff(values[key], env[key]))
		}
		if i >= len(evaluated) || evaluated[i] != values[key] {
			p.Errorf("%s through a shell differs", key)
		}
	}
	if diff := cmp.Diff(values, b.Config()); diff != "" {
		p.Errorf("config --shell read back by config:set -: %s", diff)
	}
}

func TestIII6ABuildSeesNoConfig(t *testing.T) {
	p := prove(t, "III-6", "RUN env in a Dockerfile shows no app config")
	a := p.app(platform.Fixture{Dockerfile: showEnv})
	a.Write("nonce", p.Dir+a.Name)
	a.Commit("A step of its own")
	a.Do("paas", "config:set", "CANARY=sings-in-no-build")
	r := a.Push().Says(`"PATH":`)
	if strings.Contains(r.String(), "CANARY") || strings.Contains(r.String(), "sings") {
		p.Errorf("the build had the config\n%s", r)
	}
	if got := a.Value("CANARY"); got != "sings-in-no-build" {
		p.Errorf("the app has %q", got)
	}
}

func TestIII7UnsetIsOneRelease(t *testing.T) {
	p := prove(t, "III-7", "config:unset: gone, one release")
	a := p.app(platform.Fixture{})
	a.Do("paas", "config:set", "A=1", "B=2", "C=3")
	a.Push()
	a.Do("paas", "config:unset", "A", "B")
	a.WantReleases(2, "Remove A, B config vars")
	if diff := cmp.Diff(map[string]string{"C": "3"}, a.Config()); diff != "" {
		p.Errorf("the config: %s", diff)
	}
	env := a.Env()
	if _, there := env["A"]; there || env["C"] != "3" {
		p.Errorf("the process has A=%q (%v), C=%q", env["A"], there, env["C"])
	}
	a.Do("paas", "config:unset", "A").Says("Nothing changed")
	a.WantReleases(2, "")
}

func TestIII8TwoAtOnceBothSurvive(t *testing.T) {
	p := prove(t, "III-8", "two sets at once: both survive; a stale If-Match gets 412")
	a := p.deployed(platform.Fixture{})
	token := p.token(a.Name)
	path := "/v1/apps/" + a.Name + "/config"
	seen := p.api(token, http.MethodGet, path, "").Must(p, http.StatusOK).Header.Get("ETag")
	var both sync.WaitGroup
	for _, pair := range []string{"LEFT=1", "RIGHT=2"} {
		both.Go(func() {
			if r := a.Run("paas", "config:set", pair); r.Code != 0 {
				p.Errorf("%s", r)
			}
		})
	}
	both.Wait()
	if diff := cmp.Diff(map[string]string{"LEFT": "1", "RIGHT": "2"}, a.Config()); diff != "" {
		p.Error(diff)
	}
	a.WantReleases(3, "")
	if seen == "" {
		p.Error("the config has no ETag")
	}
	p.api(token, http.MethodPatch, path, `{"LATE":"1"}`, "If-Match", seen).Must(p, http.StatusPreconditionFailed)
	a.WantReleases(3, "")
	now := p.api(token, http.MethodGet, path, "").Must(p, http.StatusOK).Header.Get("ETag")
	p.api(token, http.MethodPatch, path, `{"TIMELY":"1"}`, "If-Match", now).Must(p, http.StatusOK)
	a.WantReleases(4, "Set TIMELY config vars")
}

func TestIII9NoEnvironments(t *testing.T) {
	p := prove(t, "III-9", "no verb groups config into environments")
	help := p.Do(p, "paas", "help").Stdout
	var verbs []string
	for word := range strings.FieldsSeq(help) {
		if strings.HasPrefix(word, "config") && !strings.HasSuffix(word, ".") {
			verbs = append(verbs, strings.Trim(word, ",:"))
		}
	}
	slices.Sort(verbs)
	known := []string{"config", "config:edit", "config:get", "config:set", "config:unset"}
	if verbs = slices.Compact(verbs); !slices.Equal(verbs, known) {
		p.Errorf("the verbs of config are %q", verbs)
	}
	for _, verb := range known {
		flags := p.Do(p, "paas", "help", verb).Stdout
		for _, grouping := range []string{"--environment", "--stage", "--group", "--profile"} {
			if strings.Contains(flags, grouping) {
				p.Errorf("%s has the flag %s", verb, grouping)
			}
		}
	}
	a := p.app(platform.Fixture{NoProbe: true})
	a.Run("paas", "config:set", "--environment", "staging", "A=1").Want(2)
	if config := a.Config(); len(config) > 0 {
		p.Errorf("something was set: %v", config)
	}
}

func TestIII10ReservedKeysAreRefused(t *testing.T) {
	p := prove(t, "III-10", "PORT or PAAS_X: refused with the reason")
	a := p.deployed(platform.Fixture{})
	token := p.token(a.Name)
	for _, key := range []string{"PORT", "PAAS_APP", "PAAS_X"} {
		a.Run("paas", "config:set", "FINE=1", key+"=1").Want(2).Says(key, "reserved")
		a.Run("paas", "run", "-e", key+"=1", "--", "/probe", "env").Want(2).Says(key, "reserved")
		p.api(token, http.MethodPatch, "/v1/apps/"+a.Name+"/config", `{"FINE":"1","`+key+`":"1"}`).Must(p, http.StatusBadRequest, key, "reserved")
	}
	a.WantReleases(1, "")
	if _, there := a.Env()["FINE"]; there {
		p.Error("what came with it was set")
	}
}

func TestIII5ASecretIsNowhereElse(t *testing.T) {
	p := prove(t, "III-5", "a secret is in no image, label, log, release, or process list")
	secret := "s3cret-" + crand.Text()
	a := p.app(platform.Fixture{Dockerfile: showEnv, Procfile: "web: /probe web\nrelease: /probe exit 0\n"})
	a.Write("nonce", p.Dir+a.Name)
	a.Commit("A step of its own")
	watched := watchProcesses(secret)
	a.Exec(platform.Cmd{Args: []string{"paas", "config:set", "-"}, Stdin: strings.NewReader("SECRET='" + secret + "'\n")}).Want(0)
	pushed := a.Push()
	if got := a.Value("SECRET"); got != secret {
		p.Fatalf("the process has %q", got)
	}
	more := a.Do("paas", "config:set", "OTHER=1")
	ran := a.Do("paas", "run", "--", "/probe", "exit", "0")
	rolled := a.Do("paas", "rollback")
	seen := watched()
	image, c := a.Releases()[0].Image, a.Container("web.1")
	for what, text := range map[string]string{
		"a command's output":    pushed.String() + more.String() + ran.String() + rolled.String(),
		"the build's log":       a.Do("paas", "builds:log").Stdout,
		"the app's log":         a.Logs(),
		"a release":             a.Do("paas", "releases", "--json").Stdout + a.Do("paas", "releases:info", "--json").Stdout,
		"ps":                    a.Do("paas", "ps", "--json").Stdout,
		"a run's record":        a.Do("paas", "run:list", "--json").Stdout,
		"the image's history":   p.Engine("history", "--no-trunc", image),
		"the image's config":    p.Engine("image", "inspect", image),
		"a label":               a.Inspect(c.ID, "{{json .Config.Labels}} {{json .Args}}"),
		"paasd's log":           p.Platform.Log(),
		"a process's arguments": seen,
	} {
		if strings.Contains(text, secret) {
			p.Errorf("the secret is in %s", what)
		}
	}
	var layers bytes.Buffer
	p.save(&layers, image)
	if bytes.Contains(layers.Bytes(), []byte(secret)) {
		p.Error("the secret is in a layer of the image")
	}
}
