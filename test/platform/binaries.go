package platform

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Binaries is a folder of freshly built programs: paasd and paas with the race detector, the fixture probe, the sample
// app hello, the reaper and the machine. All are static: they run in images FROM scratch.
type Binaries struct{ Dir string }

// Path of one of the programs.
func (b Binaries) Path(name string) string { return filepath.Join(b.Dir, name) }

// with is b, in the folder dir, with another paasd and paas; b itself where own is empty.
func (b Binaries) with(own, dir string) (Binaries, error) {
	if own == "" {
		return b, nil
	}
	if err := copyDir(b.Dir, dir); err != nil {
		return b, err
	}
	for _, name := range []string{"paasd", "paas"} {
		if err := copyFile(filepath.Join(own, name), filepath.Join(dir, name)); err != nil {
			return b, err
		}
	}
	return Binaries{dir}, nil
}

// buildOnce builds at most once a process; other test processes wait for it, and find all of it in go's build cache.
var buildOnce = sync.OnceValues(func() (Binaries, error) {
	root, err := Root()
	if err != nil {
		return Binaries{}, err
	}
	return buildAll(filepath.Join(root, ".cache", "test"), root)
})

// Build makes the programs, or finds those that the present source makes. They stay in .cache/test.
func Build() (Binaries, error) { return buildOnce() }

// Root is the folder of the module that holds the test.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "test", "platform", "doc.go")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("the tests do not run inside the repository")
}

// target is what one call of go build makes.
type target struct {
	dir  string // of its module, below the root
	env  []string
	args []string
}

func targets() []target {
	static := "CGO_ENABLED=0"
	return []target{
		{env: []string{"CGO_ENABLED=1"}, args: []string{
			"-race", "-tags", "osusergo,netgo", "-ldflags", "-linkmode external -extldflags -static", "./cmd/paasd", "./cmd/paas",
		}},
		{env: []string{static}, args: []string{"./test/probe", "./test/platform/reaper", "./test/platform/machine"}},
		{dir: "examples/hello", env: []string{static}, args: []string{"-ldflags=-s", "."}},
	}
}

// buildAll keeps each set of programs in a folder named by its content, so that a set in use is never written to.
func buildAll(cache, root string) (Binaries, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return Binaries{}, err
	}
	lock, err := lockFile(filepath.Join(cache, "build.lock"), syscall.LOCK_EX)
	if err != nil {
		return Binaries{}, err
	}
	defer lock.Close()
	latest := filepath.Join(cache, "latest")
	if err := os.MkdirAll(latest, 0o755); err != nil {
		return Binaries{}, err
	}
	for _, t := range targets() {
		if err := t.build(latest, root); err != nil {
			return Binaries{}, err
		}
	}
	return keep(cache, latest)
}

const buildTime = 10 * time.Minute

func (t target) build(out, root string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	args := slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-o", out + "/"}, t.args)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(root, t.dir)
	cmd.Env = append(os.Environ(), t.env...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %q: %w\n%s", args, err, said)
	}
	return nil
}

// unused is how long a set of programs stays after its last use.
const unused = 24 * time.Hour

func keep(cache, latest string) (Binaries, error) {
	sum, err := sumOf(latest)
	if err != nil {
		return Binaries{}, err
	}
	kept := filepath.Join(cache, "bin-"+sum)
	if _, err := os.Stat(kept); err != nil {
		if err := copyDir(latest, kept); err != nil {
			return Binaries{}, err
		}
	}
	now := time.Now()
	if err := os.Chtimes(kept, now, now); err != nil {
		return Binaries{}, err
	}
	return Binaries{kept}, dropUnused(cache, now)
}

func copyDir(from, to string) error {
	half := to + ".new"
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	if err := os.CopyFS(half, os.DirFS(from)); err != nil {
		return err
	}
	return os.Rename(half, to)
}

func dropUnused(cache string, now time.Time) error {
	sets, err := filepath.Glob(filepath.Join(cache, "bin-*"))
	if err != nil {
		return err
	}
	for _, set := range sets {
		info, err := os.Stat(set)
		if err != nil || now.Sub(info.ModTime()) < unused {
			continue
		}
		if err := os.RemoveAll(set); err != nil {
			return err
		}
	}
	return nil
}

func sumOf(dir string) (string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, f := range files {
		if err := addFile(sum, filepath.Join(dir, f.Name())); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

func addFile(w io.Writer, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %d\n", filepath.Base(path), len(content))
	_, err = io.Copy(w, bytes.NewReader(content))
	return err
}

// lockFile opens the file with a lock on it, which closing it lifts.
func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		_ = f.Close() // the error that counts is that of the lock
		return nil, err
	}
	return f, nil
}
