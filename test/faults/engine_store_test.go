package faults

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
)

// F-4: paasd starts on no store that it cannot trust. It says which file and what to do, leaves that file alone, and the
// apps do not notice; and what it says to do works.
func TestF4ADamagedOrNewerStoreIsRefused(t *testing.T) {
	p := suite.ProveAlone(t, "F-4", "a damaged store, a newer one, a lost key: paasd refuses, names the file and the way back, apps run on", platform.Options{})
	app := p.App(platform.Fixture{})
	app.Push()
	app.Do("paas", "config:set", "A=1")
	before := wantFleet(t, p.Platform, app.Name, "2", "web.1")
	load := app.Load("/", steady)
	if err := p.Stop(); err != nil {
		p.Fatal(err)
	}
	backup := readStore(t, p.Platform)
	page := os.Getpagesize()
	for _, fault := range []struct {
		name   string
		damage func(db []byte) []byte
		says   string
	}{
		{"truncated", func(db []byte) []byte { return db[:4*page] }, "damaged"}, // the second half may be spare
		{"empty", func([]byte) []byte { return nil }, "damaged"},
		{"zeroed pages", func(db []byte) []byte { clear(db[2*page : 8*page]); return db }, "damaged"},
		{"garbage", func(db []byte) []byte { return bytes.Repeat([]byte("garbage\n"), len(db)/8) }, "damaged"},
		{"a newer schema", newerSchema, "newer"},
		{"a garbled record", func(db []byte) []byte { return bytes.ReplaceAll(db, []byte(`"name":"app1"`), []byte(`"name":#app1"`)) }, "damaged"},
	} {
		bad := maps.Clone(backup)
		bad["paas.db"] = fault.damage(bytes.Clone(backup["paas.db"]))
		refused(t, p.Platform, bad, "paas.db", fault.name, fault.says)
	}
	bad := maps.Clone(backup)
	delete(bad, "master.key")
	refused(t, p.Platform, bad, "master.key", "the master key is gone", "missing")

	writeStore(t, p.Platform, backup) // as each of them said
	if err := p.Serve(); err != nil {
		p.Fatal(err)
	}
	if after := wantFleet(t, p.Platform, app.Name, "2", "web.1"); !maps.Equal(before, after) {
		p.Errorf("other containers run than before: %v, %v", before, after)
	}
	app.Do("paas", "config:set", "A=2")
	app.Get("/env?key=A").Must(t, 200, "2")
	clean(p, load)
}

// refused runs paasd on these files and wants it to name one of them, and the way back, and to change none.
func refused(t *testing.T, p *platform.Platform, files map[string][]byte, file, fault, says string) {
	t.Helper()
	writeStore(t, p, files)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	out, err := p.Daemon(ctx, "serve", "--data-dir", p.DataDir(), "--http-addr", p.SpareAddr(0), "--ssh-addr", p.SpareAddr(1),
		"--api-addr", p.SpareAddr(2)).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("%s: paasd runs: %v\n%s", fault, err, out)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("%s: paasd says so after %s", fault, took)
	}
	for _, text := range []string{filepath.Join(p.DataDir(), file), says, "apps run on", "put paas.db and master.key of "} {
		if !strings.Contains(string(out), text) {
			t.Errorf("%s: paasd does not say %q:\n%s", fault, text, out)
		}
	}
	if bytes.Contains(out, []byte("panic")) || bytes.Count(out, []byte("\n")) > 3 {
		t.Errorf("%s: paasd says more than it should:\n%s", fault, out)
	}
	if after := readStore(t, p); !maps.EqualFunc(files, after, bytes.Equal) {
		t.Errorf("%s: paasd changed a file", fault)
	}
}

// newerSchema counts up what is in the file after the key of the schema's number.
func newerSchema(db []byte) []byte {
	key := []byte("schema\x00\x00\x00\x00\x00\x00\x00")
	for at, next := 0, 0; next >= 0; at += next + len(key) {
		if next = bytes.Index(db[at:], key); next >= 0 {
			db[at+next+len(key)] += 100
		}
	}
	return db
}

// readStore is the files of a backup, by name, as far as they are there.
func readStore(t *testing.T, p *platform.Platform) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"paas.db", "master.key"} {
		content, err := os.ReadFile(filepath.Join(p.DataDir(), name))
		if err == nil {
			files[name] = content
		} else if !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return files
}

// writeStore makes them the files, and removes what is not among them.
func writeStore(t *testing.T, p *platform.Platform, files map[string][]byte) {
	t.Helper()
	for _, name := range []string{"paas.db", "master.key"} {
		path := filepath.Join(p.DataDir(), name)
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if content, ok := files[name]; ok {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
