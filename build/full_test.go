package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// smallDisk has room for what its fields do not refuse.
type smallDisk struct {
	receive, build error
	said           string      // while it makes room for a build
	grown          atomic.Bool // it has room for all now
}

func (d *smallDisk) ToReceive() error {
	if d.grown.Load() {
		return nil
	}
	return d.receive
}

func (d *smallDisk) ToBuild(_ context.Context, progress io.Writer) error {
	if d.grown.Load() {
		return nil
	}
	_, _ = io.WriteString(progress, d.said)
	return d.build
}

func TestAPushIsRefusedBeforeItIsReceivedWhenThereIsNoRoomForIt(t *testing.T) {
	w := newWorld(t, Options{})
	w.svc.Room = &smallDisk{receive: paas.NoSpace(nil, "on /data: 12 MB free of 8 GB")}
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, false, "no space left on /data: 12 MB free of 8 GB", paas.SpaceHint)
	if all := w.statuses("hello"); len(all) != 0 {
		t.Errorf("builds: %v", all)
	}
}

func TestABuildIsRefusedWhenThereIsNoRoomForIt(t *testing.T) {
	w := newWorld(t, Options{})
	disk := &smallDisk{build: paas.NoSpace(nil, "on /docker: 12 MB free of 8 GB"), said: "Making room\n"}
	w.svc.Room = disk
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, false, "remote:        Making room", "remote:  !     no space left on /docker: 12 MB free of 8 GB", "remote:  !     "+paas.SpaceHint)
	if diff := cmp.Diff([]paas.BuildStatus{paas.BuildFailed}, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
	if n := w.builder.count(); n != 0 {
		t.Errorf("%d images were built", n)
	}
	disk.grown.Store(true)
	c.push("main").want(t, true)
}

func TestABuildThatTheEngineHadNoSpaceForSaysSoAndWhatFreesSome(t *testing.T) {
	w := newWorld(t, Options{})
	w.builder.plays(func(_ context.Context, _ paas.ImageSpec, events func(paas.BuildEvent)) error {
		events(paas.BuildEvent{Step: "a", Name: "[2/2] COPY . .", Error: "failed to copy files: write /x: no space left on device"})
		cause := paas.NoSpace(errors.New("write /x: no space left on device"), "on the Docker engine's disk")
		return paas.Errorf(paas.Failed, "the build failed at [2/2] COPY . .: %w", cause)
	})
	c := w.checkout("hello")
	commit := c.app()
	c.push("main").want(t, false,
		"remote:  !     the build of "+commit[:7]+" failed at [2/2] COPY . .: no space left on the host", "remote:  !     "+paas.SpaceHint)
}

func TestTheEndOfABuildThatTheStoreHadNoSpaceForIsRecordedLater(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	w.records.fill(true)
	c.push("main").want(t, false, "no space left for paas.db")
	if diff := cmp.Diff([]paas.BuildStatus{paas.BuildBuilding}, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
	w.svc.payOwed()
	w.records.fill(false)
	w.svc.payOwed()
	if diff := cmp.Diff([]paas.BuildStatus{paas.BuildFailed}, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
	if len(w.svc.owed) != 0 {
		t.Errorf("still owed: %v", w.svc.owed)
	}
	c.push("main").want(t, true)
}

func TestRecoverGoesOnWithoutSpaceForTheEndsOfInterruptedBuilds(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.records.AppendBuild(paas.Build{App: "idhello", Status: paas.BuildBuilding}); err != nil {
		t.Fatal(err)
	}
	w.records.fill(true)
	if err := w.svc.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.records.fill(false)
	w.svc.payOwed()
	if diff := cmp.Diff([]paas.BuildStatus{paas.BuildFailed}, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
}

// fullFile takes size bytes and no more.
type fullFile struct {
	content bytes.Buffer
	size    int
}

func (f *fullFile) Write(p []byte) (int, error) {
	n, _ := f.content.Write(p[:min(len(p), f.size-f.content.Len())])
	if n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (f *fullFile) Close() error { return nil }

func TestABuildLogSaysHowMuchOfItTheDiskDidNotTake(t *testing.T) {
	file := &fullFile{size: len("one\ntw")}
	log := &buildLog{file: file, max: 1 << 20, changed: make(chan struct{})}
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("a write to a full disk: %d, %v", n, err)
		}
	}
	file.size = 1 << 20
	log.ending([]byte("four\n"))
	want := "one\ntw\n       … 8 bytes of the log are missing here: no space left\nfour\n"
	if diff := cmp.Diff(want, file.content.String()); diff != "" {
		t.Error(diff)
	}
	if err := log.close(); err != nil {
		t.Error(err)
	}
}

func TestABuildLogThatEndsOnAFullDiskSaysWhatItLacks(t *testing.T) {
	log := &buildLog{file: &fullFile{size: 4}, max: 1 << 20, changed: make(chan struct{})}
	log.ending([]byte("one\ntwo\n"))
	if err := log.close(); !paas.OutOfSpace(err) || !strings.Contains(err.Error(), "4 bytes are missing") {
		t.Error(err)
	}
}

func TestGitsWordsForAFullDiskAreUnderstood(t *testing.T) {
	full := fmt.Errorf("create the repository: %w", &gitError{command: "init", code: 128, stderr: "fatal: write error: No space left on device"})
	if !paas.OutOfSpace(full) {
		t.Errorf("%v is not understood", full)
	}
	if other := error(&gitError{command: "init", code: 128, stderr: "fatal: bad object"}); paas.OutOfSpace(other) {
		t.Errorf("%v passes for a full disk", other)
	}
}

func TestAnEavesdropperHearsAWordThatGoesByInPieces(t *testing.T) {
	for text, want := range map[string]bool{
		"fatal: No space left on device\n": true, "No spa|ce le|ft on device": true, "N|o| |s|p|a|c|e| |l|e|f|t| |o|n| |d|e|v|i|c|e": true,
		"No space left on| another device": false, "": false, "No space left on devic": false,
	} {
		var heard atomic.Bool
		var out strings.Builder
		e := &eavesdropper{w: &out, word: fullDisk, heard: &heard}
		for piece := range strings.SplitSeq(text, "|") {
			if n, err := e.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Errorf("%q: %d, %v", piece, n, err)
			}
		}
		if heard.Load() != want || out.String() != strings.ReplaceAll(text, "|", "") {
			t.Errorf("of %q it heard it: %t, and passed on %q", text, heard.Load(), out.String())
		}
	}
}
