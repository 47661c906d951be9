package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"paas"
)

const (
	// submoduleTime is what fetching one submodule may take; submoduleDepth how deep one may be in another.
	submoduleTime  = 10 * time.Minute
	submoduleDepth = 3
	maxSubmodules  = 100
	// modulesSuffix names the folder of an app's submodules, beside its repository.
	modulesSuffix = ".modules"
	// fetchedRefs are the commits that a submodule's repository has whole.
	fetchedRefs = ownRefs + "/fetched/"
	// maxFetches of one submodule are kept; then it is fetched anew.
	maxFetches = 20
	sizeEvery  = 200 * time.Millisecond
)

// fetched is a submodule's commit, in a repository of its own.
type fetched struct {
	objects
	path   string // in the source
	commit objectID
}

// fetchSubmodules brings the submodules of the source, if the platform fetches any, and says so. The app's lane is held.
func (a *attempt) fetchSubmodules(ctx context.Context) error {
	if len(a.src.submodules) == 0 {
		return nil
	}
	if len(a.s.Repos.opts.Submodules.Hosts) == 0 {
		a.show.note("Submodules are not fetched: %s", list(a.src.submodules))
		return nil
	}
	f := fetcher{app: a.app.ID, repos: a.s.Repos, show: a.show}
	err := f.all(ctx, inTree{objects: a.objects, commit: a.src.commit, paths: a.src.submodules})
	a.src.fetched = f.done
	return err
}

// fetcher fetches the submodules of one source.
type fetcher struct {
	app   string
	repos *Repos
	show  *progress
	done  []fetched
}

// inTree are the submodules of one commit.
type inTree struct {
	objects objects
	commit  objectID
	paths   []string
	prefix  string // of the paths in the source, with a slash at its end
	base    string // the URL of the repository, "" for the app's own
	depth   int
}

func (f *fetcher) all(ctx context.Context, in inTree) error {
	modules, err := in.objects.modules(ctx, in.commit)
	if err != nil {
		return err
	}
	for _, path := range in.paths {
		m, ok := modules[path]
		if !ok {
			m = module{path: path}
		}
		switch {
		case len(f.done) >= maxSubmodules:
			return m.refused("is one of more than %d", maxSubmodules).WithHint("commit what they have instead of them")
		case in.depth >= submoduleDepth:
			return m.refused("is %d submodules deep, which is too deep", in.depth+1).WithHint("commit what it has instead of it")
		}
		if err := f.one(ctx, in, m); err != nil {
			return err
		}
	}
	return nil
}

// one fetches a submodule, and those that it has itself.
func (f *fetcher) one(ctx context.Context, in inTree, m module) error {
	commit, err := in.objects.link(ctx, in.commit, m.path)
	if err != nil {
		return err
	}
	u, err := m.address(in.base)
	if err != nil {
		return err
	}
	addrs, err := f.repos.opts.Submodules.Hosts.locate(ctx, u)
	if err != nil {
		return err
	}
	f.show.note("Submodule %s: %s of %s", quotePath(in.prefix+m.path), commit.short(), u)
	o, err := f.repos.moduleRepo(ctx, f.app, u)
	if err != nil {
		return err
	}
	if !o.fetched(ctx, commit) {
		if err := o.fetch(ctx, u, addrs, commit, m); err != nil {
			return err
		}
	}
	paths, err := o.census(ctx, commit)
	if err != nil {
		return err
	}
	f.done = append(f.done, fetched{objects: o, path: in.prefix + m.path, commit: commit})
	return f.all(ctx, inTree{objects: o, commit: commit, paths: paths, prefix: in.prefix + m.path + "/", base: u.String(), depth: in.depth + 1})
}

// link is the commit that a tree has for a submodule.
func (o objects) link(ctx context.Context, commit objectID, path string) (objectID, error) {
	out, err := o.output(ctx, "ls-tree", "-z", "--full-tree", string(commit), "--", path)
	if err != nil {
		return "", err
	}
	words := strings.Fields(string(out))
	if len(words) < 3 || words[0] != modeSubmodule || !fullID.MatchString(words[2]) {
		return "", fmt.Errorf("%q is no submodule", path)
	}
	return objectID(words[2]), nil
}

// moduleRepo is the repository that an app has of what is at u, ready to be fetched into.
func (r *Repos) moduleRepo(ctx context.Context, app string, u *url.URL) (objects, error) {
	if err := checkID(app); err != nil {
		return objects{}, err
	}
	sum := sha256.Sum256([]byte(u.String()))
	path := filepath.Join(r.dir, app+modulesSuffix, hex.EncodeToString(sum[:16])+".git")
	o := objects{repos: r, path: path}
	if err := sweepRepo(path); err != nil { // nobody else is there, but for a git that was killed
		return o, err
	}
	if packs, err := filepath.Glob(filepath.Join(path, "objects", "pack", "*.pack")); err != nil || len(packs) >= maxFetches {
		if err := errors.Join(err, os.RemoveAll(path)); err != nil {
			return o, err
		}
	}
	if _, err := os.Stat(filepath.Join(path, "info", "attributes")); err == nil { // what is written last
		return o, nil
	}
	if err := os.RemoveAll(path); err != nil {
		return o, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return o, err
	}
	if _, err := r.output(ctx, nil, "init", "--quiet", "--bare", "--template=", path); err != nil {
		return o, err
	}
	return o, writeAttributes(path)
}

func (o objects) fetched(ctx context.Context, commit objectID) bool {
	_, err := o.output(ctx, "rev-parse", "--quiet", "--verify", fetchedRefs+string(commit)+"^{commit}")
	return err == nil
}

// fetch brings one commit without its history, over https, from the addresses given and nowhere else: no redirects, credentials,
// helpers, prompts or other transports.
func (o objects) fetch(ctx context.Context, u *url.URL, addrs []netip.Addr, commit objectID, m module) error {
	ctx, cancel := context.WithTimeoutCause(ctx, submoduleTime, m.failed("could not be fetched within %s", submoduleTime))
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	limit := int64(o.repos.opts.Limits.SourceBytes)
	var watch sync.WaitGroup
	watch.Go(func() {
		watchSize(ctx, o.path, limit, func() { stop(m.failed("is larger than %s", o.repos.opts.Limits.SourceBytes)) })
	})
	env := []string{"GIT_ALLOW_PROTOCOL=https"}
	if ca := o.repos.opts.Submodules.CA; ca != "" {
		env = append(env, "GIT_SSL_CAINFO="+ca)
	}
	ref := fetchedRefs + string(commit)
	_, err := o.repos.output(ctx, env, append(fetchSettings(u, addrs), "--git-dir="+o.path, "fetch", "--quiet", "--depth=1", "--no-tags",
		"--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-gc", "--", u.String(), string(commit)+":"+ref)...)
	cause := context.Cause(ctx)
	stop(nil)
	watch.Wait()
	said, isGit := errors.AsType[*gitError](err)
	switch {
	case err != nil && cause != nil:
		return cause
	case isGit:
		return m.failed("could not be fetched from %s: %s", u, lastLine(said.stderr)).Because(err)
	}
	return err
}

func (m module) failed(format string, args ...any) *paas.Error {
	e := m.refused(format, args...)
	e.Code = paas.Failed
	return e.WithHint("check that `git ls-remote` can read its URL without credentials, and that its commit was pushed there")
}

func fetchSettings(u *url.URL, addrs []netip.Addr) []string {
	settings := []string{
		"-c", "http.followRedirects=false", "-c", "http.sslVerify=true", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=30",
		"-c", "http.proxy=", "-c", "credential.helper=", "-c", "core.askPass=", "-c", "core.hooksPath=/dev/null", "-c", "protocol.version=2",
		"-c", "fetch.fsckObjects=true", "-c", "fetch.unpackLimit=1", "-c", "fetch.bundleURI=", "-c", "transfer.bundleURI=false",
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || len(addrs) == 0 {
		return settings
	}
	var at []string
	for _, a := range addrs {
		at = append(at, a.Unmap().String())
	}
	return append(settings, "-c", "http.curloptResolve="+u.Hostname()+":"+portOf(u)+":"+strings.Join(at, ","))
}

func lastLine(text string) string {
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// watchSize calls over when what is below dir comes to more than limit bytes, until ctx ends.
func watchSize(ctx context.Context, dir string, limit int64, over func()) {
	tick := time.NewTicker(sizeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var size int64
		_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // gone since
			}
			if info, err := d.Info(); err == nil && d.Type().IsRegular() {
				size += info.Size()
			}
			return nil
		})
		if size > limit {
			over()
			return
		}
	}
}
