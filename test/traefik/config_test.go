package traefik

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/traefik/paerser/file"
	"github.com/traefik/traefik/v3/pkg/config/dynamic"
)

// Every file that router/traefik writes is what Traefik reads: no field is unknown to it, and none has another type. The
// files are the golden ones of that package's tests.
func TestEveryFileIsTraefiksConfiguration(t *testing.T) {
	files, err := filepath.Glob("../../router/traefik/testdata/*/*.yml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var c dynamic.Configuration
		if err := file.DecodeContent(string(text), ".yml", &c); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAnUnknownFieldIsSeen(t *testing.T) {
	var c dynamic.Configuration
	if err := file.DecodeContent(`{"http": {"routers": {"a": {"rules": "x"}}}}`, ".yml", &c); err == nil {
		t.Error("it is read")
	}
}
