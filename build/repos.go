package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"paas"
)

// Repos is the directory of bare git repositories, one an app: <dir>/<app id>.git. It runs the git binary, always with
// a constant argv and an environment of its own, never through a shell. Paths come from app ids alone.
type Repos struct {
	dir   string
	hooks string
	git   string // the binary
	opts  RepoOptions
}

// RepoOptions of Repos.
type RepoOptions struct {
	// Hook is the absolute path of the paasd binary, which git runs as the pre-receive hook of every repository.
	Hook string
	// Socket is the path of paasd's unix socket, where the hook calls back.
	Socket string
	Limits Limits
	// Submodules says where those of commits are fetched from.
	Submodules Submodules
}

// appID is what an app's id may look like; no other word ever becomes a path.
var appID = regexp.MustCompile(`^[a-z0-9]{1,32}$`)

func checkID(app string) error {
	if !appID.MatchString(app) {
		return fmt.Errorf("%q is not an app id", app)
	}
	return nil
}

// OpenRepos prepares dir and the shared hooks directory in it. It wants git on the PATH.
func OpenRepos(dir string, opts RepoOptions) (*Repos, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, paas.Errorf(paas.Unavailable, "git is not installed: %w", err).WithHint("apt install git")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	opts.Limits = opts.Limits.withDefaults()
	r := &Repos{dir: dir, hooks: filepath.Join(dir, "hooks"), git: git, opts: opts}
	if err := os.MkdirAll(r.hooks, 0o700); err != nil {
		return nil, err
	}
	return r, r.linkHook()
}

// linkHook points pre-receive at the present paasd binary, in one step: a push that comes in meanwhile finds the old
// link or the new one.
func (r *Repos) linkHook() error {
	if r.opts.Hook == "" {
		return nil
	}
	if to, err := os.Readlink(filepath.Join(r.hooks, "pre-receive")); err == nil && to == r.opts.Hook {
		return nil // and the disk may be too full for another
	}
	next := filepath.Join(r.hooks, ".pre-receive.next")
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(r.opts.Hook, next); err != nil {
		return err
	}
	return os.Rename(next, filepath.Join(r.hooks, "pre-receive"))
}

// Path is where the repository of the app (an id) is, whether it exists or not.
func (r *Repos) Path(app string) string {
	return filepath.Join(r.dir, app+".git")
}

// Create makes the app's repository; one that exists already is left as it is. A repository is there whole or not at
// all.
func (r *Repos) Create(ctx context.Context, app string) (err error) {
	if err := checkID(app); err != nil {
		return err
	}
	path := r.Path(app)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp, err := os.MkdirTemp(r.dir, tempPrefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if _, err := r.output(ctx, nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", tmp); err != nil {
		return fmt.Errorf("create the repository of %s: %w", app, err)
	}
	if err := writeAttributes(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// writeAttributes switches off, for every path and above what the tree says, the two attributes that would make
// `git archive` leave files out or rewrite them: what is committed is what is built.
func writeAttributes(repo string) error {
	info := filepath.Join(repo, "info")
	if err := os.MkdirAll(info, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(info, "attributes"), []byte("* -export-ignore -export-subst\n"), 0o600)
}

// Remove deletes the app's repository; none is fine.
func (r *Repos) Remove(_ context.Context, app string) error {
	if err := checkID(app); err != nil {
		return err
	}
	gone, err := os.MkdirTemp(r.dir, tempPrefix)
	if err != nil {
		return err
	}
	// Renamed first, so that no half of a repository is ever found under the app's path.
	err = os.Rename(r.Path(app), filepath.Join(gone, "repo"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(gone), os.RemoveAll(filepath.Join(r.dir, app+modulesSuffix)))
}

// tempPrefix marks what Create and Remove had in hand; after a crash Sweep removes it.
const tempPrefix = ".tmp-"

// Sweep removes what git processes and we ourselves left behind when the host or paasd went down: half-made
// repositories, quarantined objects of pushes that never ended, lock files. Call it before any push is let in.
func (r *Repos) Sweep(ctx context.Context) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		path := filepath.Join(r.dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), tempPrefix):
			err = os.RemoveAll(path)
		case strings.HasSuffix(e.Name(), ".git"):
			err = sweepRepo(path)
		}
		if err != nil {
			return fmt.Errorf("sweep %s: %w", e.Name(), err)
		}
	}
	return nil
}
