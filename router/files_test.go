package router_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas"
	"paas/router"
)

func TestFilesAreNamedByTheirContent(t *testing.T) {
	dir := t.TempDir()
	files := router.FilesIn(dir)
	name, err := files.Put([]byte("<h1>back soon</h1>"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := files.Put([]byte("<h1>back soon</h1>"))
	if err != nil || again != name {
		t.Errorf("got %s, %v", again, err)
	}
	if data, err := files.Get(name); err != nil || string(data) != "<h1>back soon</h1>" {
		t.Errorf("got %q, %v", data, err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "files", name)); err != nil || fi.Mode() != 0o600 {
		t.Errorf("got %v, %v", fi, err)
	}
}

func TestFilesThatAreNotWhatTheirNameSaysAreNone(t *testing.T) {
	dir := t.TempDir()
	files := router.FilesIn(dir)
	name, err := files.Put([]byte("whole"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "files", name)
	if err := os.WriteFile(path, []byte("who"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{name, "", "../table.json", strings.Repeat("0", 64)} {
		if _, err := files.Get(name); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("%q: got %v", name, err)
		}
	}
	if again, err := files.Put([]byte("whole")); err != nil || again != name {
		t.Errorf("got %s, %v", again, err)
	}
	if data, err := files.Get(name); err != nil || string(data) != "whole" {
		t.Errorf("after another Put: got %q, %v", data, err)
	}
}

func TestFilesThatNobodyNamesGo(t *testing.T) {
	dir := t.TempDir()
	files := router.FilesIn(dir)
	if err := files.Retain(func(string) bool { return false }); err != nil {
		t.Errorf("with none: %v", err)
	}
	kept, err := files.Put([]byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := files.Put([]byte("gone"))
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "files", "tmp-1")
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := files.Retain(func(name string) bool { return name == kept }); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Get(kept); err != nil {
		t.Error(err)
	}
	if _, err := files.Get(gone); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what was half written stays: %v", err)
	}
}
