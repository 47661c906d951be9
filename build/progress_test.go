package build

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

var updateGolden = flag.Bool("update", false, "rewrite the golden files")

// script plays events into a progress, on a clock of its own.
type script struct {
	p   *progress
	now time.Time
}

// at moves the clock to so many milliseconds after the start.
func (s *script) at(ms int) *script {
	s.now = time.UnixMilli(1_700_000_000_000).Add(time.Duration(ms) * time.Millisecond)
	return s
}

func (s *script) start(id, name string) {
	s.p.event(s.now, paas.BuildEvent{Step: id, Name: name, Started: s.now})
}

func (s *script) says(id, text string) {
	s.p.event(s.now, paas.BuildEvent{Step: id, Output: []byte(text)})
}
func (s *script) done(id string) { s.p.event(s.now, paas.BuildEvent{Step: id, Completed: s.now}) }
func (s *script) tick()          { s.p.tick(s.now) }

func (s *script) cached(id, name string) {
	s.p.event(s.now, paas.BuildEvent{Step: id, Name: name, Started: s.now, Completed: s.now, Cached: true})
}

func (s *script) fail(id, text string) {
	s.p.event(s.now, paas.BuildEvent{Step: id, Error: text, Completed: s.now})
}

func (s *script) end(message string) {
	err := s.p.failed("1a2b3c4", paas.Errorf(paas.Failed, "%s", message))
	writeError(s.p.w, err)
}

func TestProgressReadsWell(t *testing.T) {
	for name, play := range map[string]func(s *script){
		"steps": func(s *script) {
			s.p.heading("Building 1a2b3c4 of hello (Dockerfile)")
			s.at(0).start("i", "[internal] load build definition from Dockerfile")
			s.at(10).done("i")
			s.cached("1", "[1/4] FROM docker.io/library/golang:1.26")
			s.at(20).start("2", "[2/4] COPY . .")
			s.at(120).done("2")
			s.start("3", "[3/4] RUN go build -o /hello ./cmd/hello")
			s.at(400).says("3", "go: downloading example.com/a v1.0.0\ngo: down")
			s.at(900).says("3", "loading example.com/b v1.2.0\n")
			s.at(4320).done("3")
			s.start("4", "[4/4] RUN strip /hello")
			s.at(4400).done("4")
			s.start("x", "exporting to image")
			s.at(4500).done("x")
			s.p.heading("Image sha256:12ab34cd56ef… in 4.5s")
		},
		"stages at the same time": func(s *script) {
			s.at(0).start("a", "[api 2/3] RUN make api")
			s.start("w", "[web 2/2] RUN npm ci")
			s.at(100).says("a", "cc api.c\n")
			s.at(200).says("w", "added 12 packages\nadded 13 packages\n")
			s.at(300).says("a", "cc main.c\n")
			s.at(1500).done("w")
			s.at(1700).says("a", "ld api")
			s.at(1800).done("a")
		},
		"mounts": func(s *script) {
			s.at(0).start("1", "[build 3/5] RUN --mount=type=cache,id=app1-npm,target=/root/.npm --mount=type=secret,id=NPM_TOKEN     npm ci")
			s.at(3000).done("1")
		},
		"silent steps": func(s *script) {
			s.p.event(s.at(0).now, paas.BuildEvent{Step: "2", Name: "[2/2] RUN late"})
			s.at(0).start("1", "[1/2] RUN sleep 30")
			s.at(900).tick()
			s.at(1900).tick()
			s.at(2900).tick()
			s.at(30000).done("1")
			s.start("2", "[2/2] RUN late")
			s.at(30100).tick()
			s.at(30200).done("2")
			s.start("i", "[internal] load metadata for docker.io/library/debian:12")
			s.at(32500).tick()
			s.at(33000).done("i")
			s.start("x", "exporting layers")
			s.at(35000).done("x")
		},
		"what a terminal would act on": func(s *script) {
			s.at(0).start("1", "[1/1] RUN \x1b[31mevil\x1b[0m\n  more\tof it")
			s.says("1", "\x1b[2J\x1b]0;title\x07\x1b[1;32mgreen\x1b[0m\n")
			s.says("1", " 10%\r 50%\r100%\r\n 1/9\r9/9\n")
			s.says("1", "bell\x07 back\x08 nul\x00 \xff\xfe c1\u009b31m rtl\u202eevil\n\n\ttab  \n")
			s.says("1", strings.Repeat("é", 3000)+"\nlast")
			s.at(500).done("1")
		},
		"failed step": func(s *script) {
			s.at(0).start("1", "[2/3] RUN go build ./...")
			s.says("1", "main.go:3:1: syntax error\n")
			s.at(300).fail("1", `process "/bin/sh -c go build ./..." did not complete successfully: exit code: 1`)
			s.end("exit code 1")
		},
		"failed step behind other lines": func(s *script) {
			s.at(0).start("1", "[a 2/3] RUN make")
			s.start("2", "[b 2/2] RUN make b")
			for range 6 {
				s.says("1", "one line\nanother line\n")
			}
			s.says("1", "gcc: fatal error: Killed signal terminated program cc1plus\n")
			s.says("2", "b goes on\n")
			s.at(300).fail("1", `process "/bin/sh -c make" did not complete successfully: exit code: 137`)
			s.at(310).fail("2", "context canceled")
			s.end("exit code 137")
		},
		"failed inner step": func(s *script) {
			s.at(0).start("i", "[internal] load metadata for docker.io/library/nosuch:1")
			s.at(900).fail("i", "docker.io/library/nosuch:1: failed to resolve source metadata: pull access denied")
			s.end("failed to solve")
		},
		"the classic builder": func(s *script) {
			s.at(0).start("1", "Step 1/3 : FROM scratch")
			s.at(1).done("1")
			s.cached("2", "Step 2/3 : COPY . .")
			s.start("3", "Step 3/3 : RUN make")
			s.says("3", "make: no rule\n")
			s.end("the build failed at Step 3/3 : RUN make: The command '/bin/sh -c make' returned a non-zero code: 2")
		},
		"failed beside canceled steps": func(s *script) {
			s.at(0).start("1", "[a 2/3] RUN sleep 9")
			s.start("2", "[b 2/2] RUN false")
			s.at(100).fail("1", "context canceled")
			s.fail("2", "exit code: 1")
			s.end("exit code: 1")
		},
		"failed before any step": func(s *script) {
			s.end("dockerfile parse error line 1: unknown instruction: FORM")
		},
		"failed copy": func(s *script) {
			s.at(0).start("1", "[2/2] COPY nosuch /")
			s.at(5).fail("1", `failed to compute cache key: "/nosuch" not found: not found`)
			s.end("x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			play(&script{p: newProgress(&out)})
			golden(t, filepath.Join("testdata", "progress", strings.ReplaceAll(name, " ", "-")+".golden"), out.String())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *updateGolden {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
