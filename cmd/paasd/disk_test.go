package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"paas"
)

const gigabyte = 1000 * megabyte

// host is a machine whose file systems a test makes up.
type host struct {
	disk
	volumes   map[string]*volume
	root      string // of the engine
	away      bool   // the engine does not answer
	collected int
	frees     paas.Bytes // of the engine's volume, with each collection
	fails     error
}

func newHost(data, engine *volume) *host {
	h := &host{volumes: map[string]*volume{"/data": data, "/docker": engine}, root: "/docker"}
	h.disk = disk{dataDir: "/data", log: slog.New(slog.DiscardHandler)}
	h.look = func(path string) (volume, error) {
		v := h.volumes[path]
		if v == nil {
			return volume{}, os.ErrNotExist
		}
		found := *v
		found.path = path
		return found, nil
	}
	h.engineRoot = func(context.Context) (string, error) {
		if h.away {
			return "", paas.Errorf(paas.Unavailable, "the engine is away")
		}
		return h.root, nil
	}
	h.collect = func(context.Context, io.Writer) error {
		h.collected++
		engine.free += h.frees
		if data.device == engine.device && data != engine {
			data.free += h.frees
		}
		return h.fails
	}
	return h
}

// build asks for room for one and returns what the pusher was told meanwhile.
func (h *host) build(t *testing.T) (said string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = h.ToBuild(t.Context(), &out)
	return out.String(), err
}

func wantFull(t *testing.T, err error, message string) {
	t.Helper()
	e, ok := errors.AsType[*paas.Error](err)
	if !ok || e.Message != message || e.Code != paas.Unavailable || e.Hint != paas.SpaceHint || !paas.OutOfSpace(err) {
		t.Errorf("the error is %v, not %q with its hint", err, message)
	}
}

func TestADiskWithRoomRefusesNothingAndIsNotCollected(t *testing.T) {
	h := newHost(&volume{device: 1, free: buildFloor, size: 8 * gigabyte}, &volume{device: 2, free: buildFloor, size: 8 * gigabyte})
	if said, err := h.build(t); err != nil || said != "" || h.collected != 0 {
		t.Errorf("%v, %q, %d collections", err, said, h.collected)
	}
	if err := errors.Join(h.ToWrite(), h.ToReceive()); err != nil {
		t.Error(err)
	}
	if n := h.Missing(t.Context()); n != 0 {
		t.Errorf("%s are missing", n)
	}
}

func TestWritesAreRefusedBelowTheirOwnSmallerFloor(t *testing.T) {
	data := &volume{device: 1, free: writeFloor, size: 8 * gigabyte}
	h := newHost(data, data)
	if err := errors.Join(h.ToWrite(), h.ToReceive()); err != nil {
		t.Error(err)
	}
	data.free = 12 * megabyte
	wantFull(t, h.ToWrite(), "no space left on /data: 12 MB free of 8 GB, and a change wants 16 MB")
	wantFull(t, h.ToReceive(), "no space left on /data: 12 MB free of 8 GB, and a push wants 16 MB")
}

func TestABuildOnAShortEngineDiskIsLetInWhenACollectionFreesEnough(t *testing.T) {
	h := newHost(&volume{device: 1, free: gigabyte, size: 8 * gigabyte}, &volume{device: 2, free: 12 * megabyte, size: 80 * gigabyte})
	h.frees = buildFloor
	said, err := h.build(t)
	if err != nil || h.collected != 1 || !strings.Contains(said, "Little space is left on /docker (12 MB)") {
		t.Errorf("%v, %d collections, said %q", err, h.collected, said)
	}
}

func TestABuildIsRefusedAfterACollectionThatFreesTooLittle(t *testing.T) {
	h := newHost(&volume{device: 1, free: gigabyte, size: 8 * gigabyte}, &volume{device: 2, free: 12 * megabyte, size: 80 * gigabyte})
	h.frees = 10 * megabyte
	_, err := h.build(t)
	wantFull(t, err, "no space left on /docker: 22 MB free of 80 GB, and a build wants 256 MB")
	if h.collected != 1 {
		t.Errorf("%d collections", h.collected)
	}
	h.fails = errors.New("the engine is away")
	if _, err := h.build(t); !paas.OutOfSpace(err) {
		t.Errorf("a collection that fails: %v", err)
	}
}

func TestADataDirectoryOfItsOwnIsNotHelpedByACollection(t *testing.T) {
	h := newHost(&volume{device: 1, free: 12 * megabyte, size: 8 * gigabyte}, &volume{device: 2, free: gigabyte, size: 80 * gigabyte})
	_, err := h.build(t)
	wantFull(t, err, "no space left on /data: 12 MB free of 8 GB, and a build wants 256 MB")
	if n := h.Missing(t.Context()); h.collected != 0 || n != 0 {
		t.Errorf("%d collections, %s missing", h.collected, n)
	}
}

func TestADataDirectoryOnTheEnginesDiskIsHelpedByACollection(t *testing.T) {
	data := &volume{device: 1, free: 12 * megabyte, size: 8 * gigabyte}
	h := newHost(data, data)
	if n := h.Missing(t.Context()); n != roomAfter-12*megabyte {
		t.Errorf("%s are missing", n)
	}
	h.frees = gigabyte
	if _, err := h.build(t); err != nil || h.collected != 1 {
		t.Errorf("%v, %d collections", err, h.collected)
	}
}

func TestAnEngineDiskThatCannotBeLookedAtIsPassedOver(t *testing.T) {
	for name, change := range map[string]func(*host){
		"an engine elsewhere":       func(h *host) { h.root = "" },
		"an engine that is away":    func(h *host) { h.away = true },
		"a folder that we see none": func(h *host) { h.root = "/nowhere" },
	} {
		h := newHost(&volume{device: 1, free: gigabyte, size: 8 * gigabyte}, &volume{device: 2, free: 0, size: 80 * gigabyte})
		change(h)
		if _, err := h.build(t); err != nil || h.collected != 0 {
			t.Errorf("%s: %v, %d collections", name, err, h.collected)
		}
	}
	h := newHost(&volume{device: 1, free: gigabyte, size: 8 * gigabyte}, &volume{device: 2, free: 0, size: 80 * gigabyte})
	h.away = true
	if n := h.Missing(t.Context()); n != 0 {
		t.Errorf("%s are missing", n)
	}
	h.away = false // and is asked again
	if n := h.Missing(t.Context()); n != roomAfter {
		t.Errorf("%s are missing", n)
	}
}

func TestARealFileSystemIsLookedAt(t *testing.T) {
	v, err := look(t.TempDir())
	if err != nil || v.size <= 0 || v.free < 0 || v.free > v.size || v.device == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := look("/no/such/folder"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestTheBoundOfTheBuildCacheIsReadFromFlagAndEnvironment(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  string
		want paas.Bytes
	}{
		{want: 10 * gigabyte},
		{env: "512MB", want: 512 * megabyte},
		{args: []string{"--build-cache", "2GB"}, env: "512MB", want: 2 * gigabyte},
		{args: []string{"--build-cache=0"}, want: 0},
	} {
		var opts options
		cmd := &cobra.Command{}
		opts.bind(cmd.Flags())
		if err := cmd.Flags().Parse(c.args); err != nil {
			t.Fatal(err)
		}
		getenv := func(name string) string {
			if name == "PAAS_BUILD_CACHE" {
				return c.env
			}
			return ""
		}
		if err := fromEnv(cmd, getenv); err != nil || opts.builds.cache != c.want {
			t.Errorf("%v with %q: %s, %v; want %s", c.args, c.env, opts.builds.cache, err, c.want)
		}
	}
}
