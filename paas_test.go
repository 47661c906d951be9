package paas

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAppNames(t *testing.T) {
	for _, name := range []string{"a", "hello", "my-app-2", strings.Repeat("a", 30)} {
		if err := ValidateAppName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", "a;id", "$(id)", "../x", "-rf", strings.Repeat("a", 31), strings.Repeat("a", 64), "héllo", "a\nb", "a b", "A", "1a", "a-", "a_b", "paas",
		"api", "www", "a/b", "a.b", "a\x00",
	} {
		err := ValidateAppName(name)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != Invalid || e.Hint == "" || strings.ContainsAny(e.Message, "\n\x00") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestConfigKeys(t *testing.T) {
	for _, key := range []string{"A", "_", "a1", "DATABASE_URL"} {
		if err := ValidateConfigKey(key); err != nil {
			t.Error(err)
		}
	}
	for _, key := range []string{"", "1A", "A B", "A-B", "A=B", "PORT", "PAAS_APP", "PAAS_", "É", "A\n"} {
		if err := ValidateConfigKey(key); CodeOf(err) != Invalid {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func ptr(s string) *string { return &s }

func TestConfigApply(t *testing.T) {
	c := Config{"A": "1", "B": "2"}
	next, set, removed, err := c.Apply(ConfigPatch{"A": ptr("1"), "B": ptr("3"), "C": ptr(""), "D": nil})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{"A": "1", "B": "3", "C": ""}
	if diff := cmp.Diff(want, next) + cmp.Diff([]string{"B", "C"}, set) + cmp.Diff([]string(nil), removed); diff != "" {
		t.Error(diff)
	}
	if c["B"] != "2" {
		t.Error("Apply changed the config it was called on")
	}
	if _, _, removed, _ = next.Apply(ConfigPatch{"C": nil}); len(removed) != 1 {
		t.Errorf("removed %q", removed)
	}
	for name, patch := range map[string]ConfigPatch{
		"nothing": {}, "a NUL": {"A": ptr("x\x00")}, "too much": {"A": ptr(strings.Repeat("x", MaxConfigBytes))}, "a bad key": {"1": nil},
	} {
		if _, _, _, err := c.Apply(patch); CodeOf(err) != Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, _, err := (Config{}).Apply(ConfigPatch{"A": ptr(strings.Repeat("x", MaxConfigBytes-1))}); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
}

func TestMask(t *testing.T) {
	c := Config{"KEY": "s3cret!", "FLAG": "1", "EMPTY": ""}
	if got := c.Mask("connect to db:s3cret!@host 1 time"); got != "connect to db:********@host 1 time" {
		t.Error(got)
	}
}

func TestParseFormation(t *testing.T) {
	f, err := ParseFormation([]string{"web=4", "worker=0"})
	if diff := cmp.Diff(Formation{"web": 4, "worker": 0}, f); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, arg := range []string{"web", "web=x", "web=-1", "web=", "=1", "web=1.5", "web=31", "we b=1", "web=1=2"} {
		if _, err := ParseFormation([]string{arg}); CodeOf(err) != Invalid {
			t.Errorf("%q: %v", arg, err)
		}
	}
	if _, err := ParseFormation([]string{"web=1", "web=2"}); CodeOf(err) != Invalid {
		t.Error("the same type twice")
	}
}

func TestQuantities(t *testing.T) {
	f := Formation{"worker": 2}
	for typ, want := range map[string]int{"web": 1, "worker": 2, "clock": 0} {
		if got := f.Quantity(typ); got != want {
			t.Errorf("%s=%d", typ, got)
		}
	}
	types := ProcessTypes{{Name: "web"}, {Name: "release"}}
	if err := (Formation{"release": 1}).Validate(types); CodeOf(err) != NotFound {
		t.Errorf("the release command cannot be scaled: %v", err)
	}
}

func TestInstanceNames(t *testing.T) {
	for name, want := range map[string]string{"web.1": "web 1 true", "a.b.2": " 0 false", "web.0": " 0 false", "web": " 0 false", ".1": " 0 false", "web.x": " 0 false"} {
		typ, n, ok := ParseInstanceName(name)
		if got := fmt.Sprintf("%s %d %v", typ, n, ok); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestDiffNamesKeysAndNoValues(t *testing.T) {
	from := Release{Image: Image{ID: "a"}, Types: ProcessTypes{{"web", "x"}, {"old", "x"}}}
	to := Release{Image: Image{ID: "b"}, Types: ProcessTypes{{"web", "y"}, {"new", "x"}}}
	got := DiffReleases(from, to, Config{"A": "1", "B": "1"}, Config{"B": "2", "C": "1"})
	want := ReleaseDiff{Added: []string{"C", "type new"}, Removed: []string{"A", "type old"}, Changed: []string{"B", "type web", "image"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("start web.1: %w", Errorf(Unavailable, "the engine is away: %w", cause).WithHint("wait"))
	if CodeOf(err) != Unavailable || !errors.Is(err, cause) || CodeOf(cause) != Internal || CodeOf(nil) != "" {
		t.Error(err)
	}
	if got := Quote("a\n" + strings.Repeat("x", 100)); strings.Contains(got, "\n") || len(got) > 100 {
		t.Error(got)
	}
}

func TestLogLines(t *testing.T) {
	l := LogLine{Time: time.Date(2026, 11, 23, 6, 36, 1, 123456789, time.UTC), Source: LogApp, Process: "web.1", Text: "hi"}
	if got := l.String(); got != "2026-11-23T06:36:01.123456+00:00 app[web.1]: hi" {
		t.Error(got)
	}
	for _, c := range []struct {
		q    LogQuery
		want bool
	}{
		{LogQuery{}, true},
		{LogQuery{Process: "web"}, true},
		{LogQuery{Process: "web.1"}, true},
		{LogQuery{Process: "web.2"}, false},
		{LogQuery{Process: "we"}, false},
		{LogQuery{Source: LogRouter}, false},
		{LogQuery{Since: l.Time.Add(time.Second)}, false},
	} {
		if got := c.q.Match(l); got != c.want {
			t.Errorf("%+v: %v", c.q, got)
		}
	}
}

func TestACommandThatNoProcessCanBeGivenIsRefused(t *testing.T) {
	ok := []string{"sh", "-c", "", "…"}
	if err := ValidateCommand(ok, map[string]string{"A": "", "_b": "\n"}, "do this"); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		command []string
		env     map[string]string
		want    string
	}{
		"nothing":              {nil, nil, "no command given"},
		"no program":           {[]string{"", "x"}, nil, "no command given"},
		"a NUL":                {[]string{"a", "b\x00c"}, nil, `the argument "b\x00c" holds a NUL byte`},
		"a NUL in a variable":  {ok, map[string]string{"A": "\x00"}, "the value of A holds a NUL byte"},
		"a name of none":       {ok, map[string]string{"A=B": ""}, `config key "A=B" is not valid`},
		"the platform's":       {ok, map[string]string{"PORT": "1"}, "config key PORT is reserved"},
		"too much":             {[]string{"a", strings.Repeat("x", MaxCommandBytes)}, nil, "more than 65536"},
		"too much in variable": {ok, map[string]string{"A": strings.Repeat("x", MaxCommandBytes)}, "more than 65536"},
	} {
		err := ValidateCommand(c.command, c.env, "do this")
		e, isOurs := errors.AsType[*Error](err)
		if !isOurs || e.Code != Invalid || e.Hint == "" || !strings.Contains(e.Message, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
