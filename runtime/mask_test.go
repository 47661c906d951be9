package runtime

import (
	"strings"
	"testing"
	"time"

	"paas"
)

func TestAMaskFindsSecretsHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	const key = "-----BEGIN-----\nAAAABBBB\nCCCC\n-----END-----\n"
	secrets := map[string]string{"TOKEN": "s3cr3tvalue", "LONGER": "s3cr3tvalue-and-more", "KEY": key, "SHORT": "ab"}
	for text, want := range map[string]string{
		"npm s3cr3tvalue!\n":             "npm ********!\n",
		"s3cr3tvalue-and-more.":          "********.",
		"s3cr3tvalues3cr3tvalue":         "****************",
		"s3cr3tva":                       "s3cr3tva",
		"about ab\n":                     "about ab\n",
		"x" + key + "y":                  "x********y",
		"only CCCC of it":                "only ******** of it",
		"xs3cr3ts3cr3tvalue-and-mores3c": "xs3cr3t********s3c",
	} {
		for size := 1; size <= len(text); size++ { // in pieces of each size
			m := newMask(secrets)
			var out strings.Builder
			events := func(e paas.BuildEvent) { out.Write(e.Output) }
			for at := 0; at < len(text); at += size {
				m.event(traced{BuildEvent: paas.BuildEvent{Step: "a", Output: []byte(text[at:min(len(text), at+size)])}, stream: 1}, events)
				m.event(traced{BuildEvent: paas.BuildEvent{Step: "a", Output: []byte("!")}, stream: 2}, func(paas.BuildEvent) {})
			}
			m.event(traced{BuildEvent: paas.BuildEvent{Step: "a", Completed: time.Now()}}, events)
			if got := out.String(); got != want {
				t.Errorf("%q in pieces of %d: %q, want %q", text, size, got, want)
			}
		}
	}
}

func TestAMaskCoversNamesAndErrors(t *testing.T) {
	t.Parallel()
	m := newMask(map[string]string{"TOKEN": "s3cr3tvalue"})
	m.event(traced{BuildEvent: paas.BuildEvent{Step: "a", Name: "RUN echo s3cr3tvalue", Error: "no s3cr3tvalue"}}, func(e paas.BuildEvent) {
		if e.Name != "RUN echo ********" || e.Error != "no ********" {
			t.Errorf("%+v", e)
		}
	})
	if newMask(map[string]string{"A": "x"}) != nil || newMask(nil) != nil {
		t.Error("there is nothing to mask, and a mask")
	}
}

func FuzzMask(f *testing.F) {
	f.Add("abcd", "xxabcdxx", 3)
	f.Add("aaaa", "aaaaaaaaaaaaab", 2)
	f.Fuzz(func(t *testing.T, secret, text string, size int) {
		m := newMask(map[string]string{"S": secret})
		if m == nil || size < 1 || strings.Contains(secret, "*") {
			return
		}
		var out strings.Builder
		events := func(e paas.BuildEvent) { out.Write(e.Output) }
		for at := 0; at < len(text); at += size {
			m.event(traced{BuildEvent: paas.BuildEvent{Step: "a", Output: []byte(text[at:min(len(text), at+size)])}}, events)
		}
		m.end(events)
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q has %q", out.String(), secret)
		}
	})
}
