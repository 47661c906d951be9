package build

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/moby/patternmatcher/ignorefile"

	"paas"
	"paas/build/plan"
)

const (
	dockerfile      = "Dockerfile"
	dockerignore    = ".dockerignore"
	dockerfileRules = ".dockerignore" // behind a Dockerfile's name: takes the place of .dockerignore where there is one
	procfile        = "Procfile"
	appJSON         = "app.json"
	gitmodules      = ".gitmodules"

	maxDockerfile   = 1 << 20
	maxDockerignore = 1 << 20
)

// source is a commit that can be built, and what its tree says of the build.
type source struct {
	commit     objectID
	plan       plan.Plan
	types      paas.ProcessTypes
	procfile   bool // whether types come from a Procfile
	app        manifest
	ignore     []string // patterns of files that the builder does not get
	submodules []string // paths whose content git does not have
	fetched    []fetched
}

// inspect reads what decides the build, before anything is built. What can never be built is paas.Invalid. with has what the
// settings of the app and the platform say.
func inspect(ctx context.Context, o objects, commit objectID, with plan.Settings) (source, error) {
	files, err := openTree(ctx, o, commit)
	if err != nil {
		return source{}, err
	}
	src := source{commit: commit}
	if src.submodules, err = o.census(ctx, commit); err == nil {
		err = src.read(files, with)
	}
	if closeErr := files.close(); err == nil {
		err = closeErr
	}
	return src, err
}

// inspect reads what decides the build of a commit of app.
func (s *Service) inspect(ctx context.Context, app paas.App, o order, commit objectID) (source, error) {
	secrets, err := s.Records.BuildSecretValues(app.ID)
	if err != nil {
		return source{}, err
	}
	cache := app.ID
	if o.noCache {
		cache = rand.Text() // what nothing has filled
	}
	src, err := inspect(ctx, o.objects, commit, plan.Settings{
		Dockerfile: app.Build.Dockerfile, Root: app.Build.Root, Fallback: app.Build.Fallback, Images: s.opts.Images, Static: s.opts.Static, Cache: cache,
		Args: slices.Sorted(maps.Keys(app.Build.Args)), Secrets: slices.Sorted(maps.Keys(secrets)),
	})
	if err != nil {
		return src, err
	}
	return src, s.checkConfig(app, src.app)
}

// how says what decided how the image is made.
func (s *source) how() string {
	if s.plan.Text == "" {
		return quotePath(s.plan.Dockerfile)
	}
	return s.plan.Language + ", because of " + quotePath(s.plan.Because)
}

// read fills in what the files say.
func (s *source) read(files fs.FS, with plan.Settings) error {
	if err := s.readProcfile(files); err != nil {
		return err
	}
	if err := s.readManifest(files); err != nil {
		return err
	}
	if err := s.makePlan(files, s.app.settings(with, s.procfile)); err != nil {
		return err
	}
	s.types = s.app.processTypes(s.types, s.procfile)
	if err := s.app.settle(s.types); err != nil {
		return err
	}
	return s.readIgnore(files)
}

// makePlan decides how the image is made.
func (s *source) makePlan(files fs.FS, with plan.Settings) (err error) {
	if s.plan, err = plan.Make(files, with); err != nil {
		return err
	}
	if !s.procfile && s.plan.Types != nil {
		s.types = s.plan.Types
	}
	if s.plan.Text != "" {
		return nil
	}
	_, err = readFile(files, s.plan.Dockerfile, maxDockerfile)
	return err
}

// readProcfile fills in the process types; without a Procfile the image's own command is web.
func (s *source) readProcfile(files fs.FS) error {
	text, err := readFile(files, procfile, MaxProcfileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		s.types = paas.ProcessTypes{{Name: paas.Web}}
		return nil
	}
	if err != nil {
		return err
	}
	s.procfile = true
	s.types, err = ParseProcfile(text)
	return err
}

// readManifest reads app.json and heroku.yml.
func (s *source) readManifest(files fs.FS) error {
	for _, f := range []struct {
		name string
		read func([]byte) error
	}{{appJSON, s.app.readAppJSON}, {herokuYML, s.app.readHerokuYML}} {
		text, err := readFile(files, f.name, MaxManifestBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = f.read(text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readIgnore finds the patterns that keep files from the builder.
func (s *source) readIgnore(files fs.FS) error {
	for _, name := range []string{s.plan.Dockerfile + dockerfileRules, dockerignore} {
		text, err := readFile(files, name, maxDockerignore)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if s.ignore, err = ignorefile.ReadAll(bytes.NewReader(text)); err == nil {
			_, err = newIgnore(s.ignore)
		}
		if err != nil {
			return paas.Errorf(paas.Invalid, "%s cannot be read: %s", quotePath(name), err).WithHint("correct the pattern, commit and push again")
		}
		return nil
	}
	s.ignore = s.plan.Ignore
	return nil
}

// readFile reads a regular file of at most limit bytes. fs.ErrNotExist: there is none.
func readFile(files fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(files, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, paas.Errorf(paas.Invalid, "%s is not a regular file", quotePath(name)).WithHint("commit the file itself, not a link or a directory")
	case info.Size() > limit:
		return nil, paas.Errorf(paas.Invalid, "%s is %d bytes, more than the %d that are read", quotePath(name), info.Size(), limit).
			WithHint("make it smaller, commit and push again")
	}
	return fs.ReadFile(files, name)
}

// describe says where the process types come from.
func (s *source) describe() string {
	names := make([]string, 0, len(s.types))
	for _, t := range s.types {
		names = append(names, t.Name)
	}
	from := "the image's own command"
	switch {
	case s.app.runs || !s.procfile && s.app.types != nil:
		from = herokuYML
	case s.procfile:
		from = procfile
	case s.plan.Types != nil:
		from = s.plan.Because
	}
	return strings.Join(names, ", ") + " (" + from + ")"
}

// open streams the commit's tree as a tar for the builder. The stream ends when ctx does; close ends it early and
// returns why it failed, if it did of its own accord. lfs is called, from another goroutine, for each file that is a
// Git LFS pointer.
func (s *source) open(ctx context.Context, o objects, lfs func(path string)) (src io.Reader, end func() error) {
	ctx, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		err := s.archive(ctx, o, w, lfs)
		w.CloseWithError(err)
		failed <- err
	}()
	return r, func() error {
		r.CloseWithError(errEnough)
		cancel()
		if err := <-failed; !errors.Is(err, errEnough) && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

// errEnough ends a source stream whose reader is done with it.
var errEnough = errors.New("the builder has read enough")

// archive runs git archive on the commit and filters its tar into w, file by file.
func (s *source) archive(ctx context.Context, o objects, w io.Writer, lfs func(string)) error {
	keep, err := newIgnore(s.ignore, s.plan.Dockerfile, dockerignore, s.plan.Dockerfile+dockerfileRules)
	if err != nil {
		return err
	}
	out := tar.NewWriter(&tally{w: w, limits: o.repos.opts.Limits})
	if err := s.addGenerated(out); err != nil {
		return err
	}
	if err := o.archive(ctx, s.commit, "", func(in io.Reader) error { return filterTar(in, out, keep, lfs) }); err != nil {
		return err
	}
	if err := s.addSubmodules(ctx, out, keep, lfs); err != nil {
		return err
	}
	return out.Close()
}

// archive runs git archive on a commit, with prefix before each path, and has read take what it writes.
func (o objects) archive(ctx context.Context, commit objectID, prefix string, read func(io.Reader) error) error {
	stderr := capped{max: 4 << 10}
	cmd := o.repos.command(ctx, o.env, "--git-dir="+o.path, "-c", "tar.umask=0022", "archive", "--format=tar", "--prefix="+prefix, string(commit))
	cmd.Stderr = &stderr
	tarball, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	readErr := read(tarball)
	if readErr != nil {
		_ = cmd.Cancel() // nobody reads on; wait says how it ended
	}
	code, err := wait(ctx, cmd)
	switch {
	case readErr != nil:
		return readErr
	case err != nil:
		return err
	case code != 0:
		return &gitError{command: "archive", code: code, stderr: stderr.text()}
	}
	return nil
}

// addGenerated puts the generated Dockerfile, if there is one, at the root of the tree, which has none.
func (s *source) addGenerated(out *tar.Writer) error {
	if s.plan.Text == "" {
		return nil
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: dockerfile, Mode: 0o644, Size: int64(len(s.plan.Text)), Format: tar.FormatPAX}
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.WriteString(out, s.plan.Text)
	return err
}
