package build

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"paas"
)

// Where git keeps a push's new objects until the hook has agreed to it.
const (
	envQuarantine = "GIT_QUARANTINE_PATH"
	envObjects    = "GIT_OBJECT_DIRECTORY"
	envAlternates = "GIT_ALTERNATE_OBJECT_DIRECTORIES"
	envShallow    = "GIT_SHALLOW_FILE" // where a push lacks a part of its history
)

// quarantineEnv picks the variables that the other half of the hook needs.
func quarantineEnv(getenv func(string) string) map[string]string {
	env := map[string]string{}
	for _, k := range []string{envQuarantine, envObjects, envAlternates, envShallow} {
		if v := getenv(k); v != "" {
			env[k] = v
		}
	}
	return env
}

// objects reads one repository; for a push in hand also the objects that git holds in quarantine.
type objects struct {
	repos *Repos
	path  string
	env   []string
}

// objects opens the app's repository as the hook of a push sees it; hookEnv may be nil.
func (r *Repos) objects(app string, hookEnv map[string]string) (objects, error) {
	if err := checkID(app); err != nil {
		return objects{}, err
	}
	o := objects{repos: r, path: r.Path(app)}
	dir := hookEnv[envObjects]
	if dir == "" {
		return o, nil // the push brought no new objects
	}
	main := filepath.Join(o.path, "objects")
	if err := inside(main, dir); err != nil {
		return objects{}, err
	}
	if q := hookEnv[envQuarantine]; q != "" {
		if err := inside(main, q); err != nil {
			return objects{}, err
		}
	}
	o.env = withObjects(dir, main) // the alternates are not taken from the hook: there is one right answer
	if shallow := hookEnv[envShallow]; shallow != "" {
		if err := inside(o.path, shallow); err != nil {
			return objects{}, err
		}
		o.env = append(o.env, envShallow+"="+shallow)
	}
	return o, nil
}

// withObjects is the environment of git where new objects are in dir, besides those in main.
func withObjects(dir, main string) []string {
	// Quoted, since a bare colon would split it.
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(main) + `"`
	return []string{envObjects + "=" + dir, envAlternates + "=" + quoted}
}

// inside says whether dir, as it really is on the disk, lies below root.
func inside(root, dir string) error {
	refused := paas.Errorf(paas.Invalid, "the push names objects outside of its repository")
	if !filepath.IsAbs(dir) {
		return refused
	}
	realRoot, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	realDir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return refused.Because(err)
	}
	rel, err := filepath.Rel(realRoot, realDir)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return refused
	}
	return nil
}

func (o objects) output(ctx context.Context, args ...string) ([]byte, error) {
	return o.repos.output(ctx, o.env, append([]string{"--git-dir=" + o.path}, args...)...)
}

func (o objects) feed(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	return o.repos.feed(ctx, o.env, stdin, append([]string{"--git-dir=" + o.path}, args...)...)
}

// heads maps the names of the repository's branches, without refs/heads/, to their commits.
func (o objects) heads(ctx context.Context) (map[string]string, error) {
	out, err := o.output(ctx, "for-each-ref", "--format=%(objectname) %(refname)", branchPrefix)
	if err != nil {
		return nil, err
	}
	heads := map[string]string{}
	for line := range strings.Lines(string(out)) {
		id, ref, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		heads[strings.TrimPrefix(ref, branchPrefix)] = id
	}
	return heads, nil
}

// whole refuses a commit that, or whose history, lacks something: git will not move a branch to it after the hook. Clients take for
// granted that a repository has all that its refs stand upon, and one that took a push from a shallow clone does not.
func (o objects) whole(ctx context.Context, app paas.App, commit objectID) error {
	_, err := o.output(ctx, "rev-list", "--quiet", "--objects", string(commit), "--not", "--all")
	if _, ok := errors.AsType[*gitError](err); !ok || paas.OutOfSpace(err) {
		return err
	}
	if !o.isShallow() {
		return paas.Errorf(paas.Invalid, "the push lacks a part of %s", commit.short()).WithHint("git fsck, then push again").Because(err)
	}
	return errOlder(app).Because(err)
}

// shallowFile lists the commits whose parents a repository has not.
const shallowFile = "shallow"

func (o objects) isShallow() bool {
	_, err := os.Stat(filepath.Join(o.path, shallowFile))
	return err == nil
}

func errOlder(app paas.App) *paas.Error {
	return paas.Errorf(paas.Conflict, "this commit stands upon older ones than %s has: an earlier push came from a shallow clone", app.Name).
		WithHint("push from a clone without what came after it: git clone --no-local --single-branch --branch BRANCH . ../fresh")
}

// isAncestor says whether old is reachable from id; a commit is its own ancestor.
func (o objects) isAncestor(ctx context.Context, old, id objectID) (bool, error) {
	_, err := o.output(ctx, "merge-base", "--is-ancestor", string(old), string(id))
	if e, ok := errors.AsType[*gitError](err); ok && e.code == 1 {
		return false, nil
	}
	return err == nil, err
}

// moveBranch sets a branch that is at from to the commit to; the zero id stands for no branch.
func (o objects) moveBranch(ctx context.Context, branch string, to, from objectID) error {
	args := []string{"update-ref", branchPrefix + branch, string(to), string(from)}
	if to.zero() {
		args = []string{"update-ref", "-d", branchPrefix + branch, string(from)}
	}
	_, err := o.output(ctx, args...)
	return err
}

// setHead makes branch what a clone checks out.
func (o objects) setHead(ctx context.Context, branch string) error {
	_, err := o.output(ctx, "symbolic-ref", "HEAD", branchPrefix+branch)
	return err
}

// commit is the full id of the commit that an abbreviated id names. A *gitError: there is none, or several.
func (o objects) commit(ctx context.Context, short string) (objectID, error) {
	out, err := o.output(ctx, "rev-parse", "--quiet", "--verify", "--end-of-options", short+"^{commit}")
	return objectID(strings.TrimSpace(string(out))), err
}
