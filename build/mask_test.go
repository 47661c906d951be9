package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas"
)

const token = "npm_s3cr3t-t0ken"

func TestAMaskHidesSecretsHoweverTheirTextComes(t *testing.T) {
	key := "-----BEGIN KEY-----\nMIIEvQIBADANBg\nab\n-----END KEY-----\n"
	m := newMask(map[string]string{"A": token, "B": token + "-longer", "SHORT": "true", "KEY": key, "EMPTY": ""})
	for text, want := range map[string]string{
		"x " + token + " y":               "x [masked] y",
		token + token:                     "[masked][masked]",
		token + "-longer":                 "[masked]",
		"true":                            "true",
		"MIIEvQIBADANBg":                  "[masked]",
		token[:8] + "\x1b[0m" + token[8:]: "[masked]",
		"\x1b[31mred\x1b[0m":              "\x1b[31mred\x1b[0m",
		token[:len(token)-1]:              token[:len(token)-1],
		token[:3] + token:                 token[:3] + "[masked]",
	} {
		if got := m.line(text); got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
	}
	text := "one " + token[:5] + token + "\n" + key + "two " + token + "-long" + token + "-longer end " + token[:7]
	want := m.text(text)
	for size := 1; size <= len(text); size++ {
		var got strings.Builder
		var h hiding
		for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
			got.Write(h.feed(m, []byte(rest[:min(size, len(rest))])))
		}
		got.Write(h.end(m))
		if strings.Contains(got.String(), token) || strings.Contains(got.String(), "MIIE") {
			t.Errorf("in pieces of %d: %q", size, got.String())
		}
		if got.String() != want {
			t.Errorf("in pieces of %d: %q, not %q", size, got.String(), want)
		}
	}
}

func TestAMaskedErrorIsStillItself(t *testing.T) {
	m := newMask(map[string]string{"A": token})
	if got := m.error(errGone); !errors.Is(got, errGone) {
		t.Errorf("got %v", got)
	}
	cause := fmt.Errorf("pull %s: %w", token, os.ErrNotExist)
	for _, err := range []error{cause, paas.Errorf(paas.Failed, "%w", cause).WithHint("try %s", token)} {
		got := m.error(err)
		if !errors.Is(got, os.ErrNotExist) || paas.CodeOf(got) != paas.CodeOf(err) || strings.Contains(fmt.Sprint(got, paas.Advice(got), errors.Unwrap(got)), token) {
			t.Errorf("got %v, %v", got, errors.Unwrap(got))
		}
	}
}

// A build that says its secret in every way that it has: in pieces, over the end of a line that is cut, in the name of a
// step, in colours and in the error.
func TestBuildSecretsAreNowhereInWhatABuildLeaves(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	w.records.secrets = map[string]string{"NPM_TOKEN": token}
	w.builder.plays(func(_ context.Context, spec paas.ImageSpec, events func(paas.BuildEvent)) error {
		if spec.Secrets["NPM_TOKEN"] != token {
			t.Errorf("the builder has %v", spec.Secrets)
		}
		s := script{}
		s.at(0)
		says := func(text string) { events(paas.BuildEvent{Step: "1", Output: []byte(text)}) }
		events(paas.BuildEvent{Step: "1", Name: "[1/1] RUN echo " + token, Started: s.now})
		says("token " + token[:6])
		says(token[6:] + " is mine\n")
		says(strings.Repeat("x", maxLine-5) + token + "\n")
		says("\x1b[31m" + token[:4] + "\x1b[0m" + token[4:] + "\n")
		says("\x1b[32mgreen\x1b[0m\n")
		says("last " + token)
		events(paas.BuildEvent{Step: "1", Completed: s.now, Error: "process /bin/sh -c echo " + token + " failed: exit code: 1"})
		return paas.Errorf(paas.Failed, "echo %s failed: exit code: 1", token)
	})
	r := c.push("main")
	r.want(t, false, "RUN echo [masked]", "token [masked] is mine", "last [masked]", "green")
	b, err := w.records.Build("idhello", 1)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(w.svc.opts.Dir, "idhello", "1.log"))
	if err != nil {
		t.Fatal(err)
	}
	var log, shown strings.Builder
	for _, to := range []struct {
		colours bool
		w       io.Writer
	}{{false, &log}, {true, &shown}} {
		if err := w.svc.BuildLog(t.Context(), "hello", 1, to.colours, to.w); err != nil {
			t.Fatal(err)
		}
	}
	for where, text := range map[string]string{
		"the push": r.text, "the record": fmt.Sprintf("%+v", b), "the file": string(file), "the log": log.String(), "the log in colours": shown.String(),
	} {
		for _, part := range []string{token, token[:6], token[6:]} {
			if strings.Contains(text, part) {
				t.Errorf("%s has the secret:\n%s", where, text)
			}
		}
	}
	if strings.ContainsRune(r.text+log.String(), '\x1b') {
		t.Errorf("colours where there may be none:\n%q\n%q", r.text, log.String())
	}
	if !strings.Contains(shown.String(), "\x1b[32mgreen\x1b[0m") {
		t.Errorf("no colours:\n%q", shown.String())
	}
}

func TestAReleaseSaysNothingToATerminalBehindAPush(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	w.deployer.plays(func(_ context.Context, _ paas.Build, progress io.Writer) error {
		_, err := io.WriteString(progress, "       | \x1b]0;title\x07\x1b[31mmigrated\x1b[0m\n")
		return err
	})
	r := c.push("main")
	r.want(t, true, "| migrated")
	if strings.ContainsAny(r.text, "\x1b\x07") {
		t.Errorf("%q", r.text)
	}
}

func TestABuildForATerminalHasColoursAndNoMore(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	w.builder.plays(func(_ context.Context, _ paas.ImageSpec, events func(paas.BuildEvent)) error {
		s := script{}
		s.at(0)
		events(paas.BuildEvent{Step: "1", Name: "[1/1] RUN make", Started: s.now, Output: []byte("\x1b[2J\x1b[32mgreen\x1b[0m\n")})
		events(paas.BuildEvent{Step: "1", Completed: s.now})
		return nil
	})
	for colours, want := range map[bool]string{true: "| \x1b[32mgreen\x1b[0m\n", false: "| green\n"} {
		var out strings.Builder
		if _, err := w.svc.CreateBuild(t.Context(), "hello", paas.BuildRequest{Colours: colours}, &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("colours %v: %q", colours, out.String())
		}
	}
}
