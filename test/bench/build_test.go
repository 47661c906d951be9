package bench

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"paas/test/platform"
)

// workshop is a sample whose image takes work: a step that depends on one file, and one that depends on all of them.
var workshop = platform.Fixture{
	Files:    map[string]string{"version": "0\n", "deps": "1\n"},
	Procfile: "-",
	Dockerfile: "FROM debian:bookworm-slim\nWORKDIR /app\nCOPY deps ./\nRUN find /usr/bin /usr/lib -type f -exec sha256sum {} + > /deps.sums\n" +
		"COPY . .\nRUN sha256sum * > /app.sums\nEXPOSE 5000\nCMD [\"/app/probe\", \"web\"]\n",
}

// benchmarkBuild compares the build alone, from its record to its end, with docker build of the same folder.
func benchmarkBuild(b *testing.B, name string, target float64, change bool, theirs []string, ours ...string) {
	app := shared.App(b, workshop)
	app.Push()
	h := newByHand(b, app)
	round := 0
	compare(b, measure{
		Name: name, Reference: "`docker build` of the folder", Target: target,
		Before: func() {
			if round++; change {
				app.Write("version", fmt.Sprintln(round))
				app.Commit("Another")
			}
		},
		Theirs:  func() { h.docker(append(h.build(), theirs...)...) },
		Ours:    func() { app.Do(ours...) },
		Counted: func() time.Duration { return buildTime(b, app) },
	})
}

// buildTime is how long the newest build took.
func buildTime(b *testing.B, app *platform.App) time.Duration {
	b.Helper()
	var info struct{ Seconds float64 }
	if err := json.Unmarshal([]byte(app.Do("paas", "builds:info", "--json").Stdout), &info); err != nil {
		b.Fatal(err)
	}
	return time.Duration(info.Seconds * float64(time.Second))
}

func BenchmarkBuildCold(b *testing.B) {
	benchmarkBuild(b, "build without the cache", 1.1, false, []string{"--no-cache"}, "paas", "builds:create", "--no-cache")
}

func BenchmarkBuildWarm(b *testing.B) {
	benchmarkBuild(b, "build after a one-file change", 1.2, true, nil, "git", "push", "-q", "paas", "main")
}

func BenchmarkBuildUnchanged(b *testing.B) {
	benchmarkBuild(b, "build of what has not changed", 1.3, false, nil, "paas", "builds:create")
}
