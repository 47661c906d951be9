package router_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas/router"
)

// A full disk: the file that a table is written to before it takes its name has no space for a byte.
func TestOnAFullDiskARouteGoesLiveAndIsOnDiskLater(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	addr, _ := startRouter(t, dir)
	var log bytes.Buffer
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, c.Apply(t.Context(), route("a", "H14")))

	for _, down := range []string{"H10", "H10"} {
		must(t, os.Symlink("/dev/full", filepath.Join(dir, "table.json.tmp")))
		must(t, c.Apply(t.Context(), route("a", down)))
		if got := code(t, addr, "a"); got != down {
			t.Errorf("got %s instead of %s", got, down)
		}
	}
	if n := strings.Count(log.String(), "goes live but is not on disk"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
	if kept, _, err := router.Load(dir); err != nil || kept.Routes[0].Down != "H14" {
		t.Errorf("on disk is %+v, %v", kept, err)
	}

	must(t, c.Apply(t.Context(), route("a", "H10"))) // nothing new, and there is space again
	kept, _, err := router.Load(dir)
	if err != nil || kept.Routes[0].Down != "H10" || kept.Version != c.Table().Version {
		t.Errorf("on disk is %+v, %v", kept, err)
	}
}
