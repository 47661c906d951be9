package build

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/patternmatcher/ignorefile"

	"paas"
)

const (
	dockerfile      = "Dockerfile"
	dockerignore    = ".dockerignore"
	dockerfileRules = "Dockerfile.dockerignore" // takes the place of .dockerignore where there is one
	procfile        = "Procfile"
	appJSON         = "app.json"
	gitmodules      = ".gitmodules"

	maxDockerfile   = 1 << 20
	maxDockerignore = 1 << 20
)

// source is a commit that can be built, and what its tree says of the build.
type source struct {
	commit     objectID
	types      paas.ProcessTypes
	procfile   bool     // whether types come from a Procfile
	app        manifest // of the app.json
	ignore     []string // patterns of files that the builder does not get
	submodules []string // paths whose content git does not have
}

// inspect reads what decides the build, before anything is built. What can never be built is paas.Invalid.
func inspect(ctx context.Context, o objects, commit objectID) (source, error) {
	src := source{commit: commit}
	if kind, err := o.kind(ctx, commit); err != nil {
		return src, fmt.Errorf("look at %s: %w", commit.short(), err)
	} else if kind != "commit" {
		return src, paas.Errorf(paas.Invalid, "%s is a %s, not a commit", commit.short(), kind).WithHint("git push paas HEAD:main")
	}
	root, err := o.root(ctx, commit, dockerfile, dockerfileRules, dockerignore, procfile, appJSON, herokuYML, gitmodules)
	if err != nil {
		return src, err
	}
	if err := checkDockerfile(root, commit); err != nil {
		return src, err
	}
	if err := src.readProcfile(ctx, o, root); err != nil {
		return src, err
	}
	if err := src.readManifest(ctx, o, root); err != nil {
		return src, err
	}
	if err := src.readIgnore(ctx, o, root); err != nil {
		return src, err
	}
	if _, ok := root[gitmodules]; ok {
		src.submodules, err = o.submodules(ctx, commit)
	}
	return src, err
}

func checkDockerfile(root map[string]entry, commit objectID) error {
	e, ok := root[dockerfile]
	switch {
	case !ok:
		return paas.Errorf(paas.Invalid, "there is no Dockerfile in commit %s", commit.short()).
			WithHint("add a file named Dockerfile to the root of the repository, commit it and push again")
	case !e.file():
		return paas.Errorf(paas.Invalid, "Dockerfile in commit %s is not a regular file", commit.short()).
			WithHint("commit the file itself at the root of the repository, not a link or a directory")
	case e.size > maxDockerfile:
		return paas.Errorf(paas.Invalid, "Dockerfile in commit %s is %d bytes, more than the %d that it may be", commit.short(), e.size, maxDockerfile)
	}
	return nil
}

// readProcfile fills in the process types; without a Procfile the image's own command is web.
func (s *source) readProcfile(ctx context.Context, o objects, root map[string]entry) error {
	e, ok := root[procfile]
	if !ok {
		s.types = paas.ProcessTypes{{Name: paas.Web}}
		return nil
	}
	text, err := o.blob(ctx, procfile, e, MaxProcfileBytes)
	if err != nil {
		return err
	}
	s.procfile = true
	s.types, err = ParseProcfile(text)
	return err
}

// readManifest reads app.json and heroku.yml.
func (s *source) readManifest(ctx context.Context, o objects, root map[string]entry) error {
	for _, f := range []struct {
		name string
		read func([]byte) error
	}{{appJSON, s.app.readAppJSON}, {herokuYML, s.app.readHerokuYML}} {
		e, ok := root[f.name]
		if !ok {
			continue
		}
		text, err := o.blob(ctx, f.name, e, MaxManifestBytes)
		if err == nil {
			err = f.read(text)
		}
		if err != nil {
			return err
		}
	}
	s.types = s.app.processTypes(s.types, s.procfile)
	return s.app.settle(s.types)
}

func (s *source) readIgnore(ctx context.Context, o objects, root map[string]entry) error {
	for _, name := range []string{dockerfileRules, dockerignore} {
		e, ok := root[name]
		if !ok {
			continue
		}
		text, err := o.blob(ctx, name, e, maxDockerignore)
		if err != nil {
			return err
		}
		if s.ignore, err = ignorefile.ReadAll(bytes.NewReader(text)); err == nil {
			_, err = newIgnore(s.ignore)
		}
		if err != nil {
			return paas.Errorf(paas.Invalid, "%s cannot be read: %s", name, err).WithHint("correct the pattern, commit and push again")
		}
		return nil
	}
	return nil
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
	keep, err := newIgnore(s.ignore)
	if err != nil {
		return err
	}
	stderr := capped{max: 4 << 10}
	cmd := o.repos.command(ctx, o.env, "--git-dir="+o.path, "-c", "tar.umask=0022", "archive", "--format=tar", string(s.commit))
	cmd.Stderr = &stderr
	tarball, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	out := tar.NewWriter(w)
	filterErr := filterTar(tarball, out, keep, lfs)
	if filterErr != nil {
		_ = cmd.Cancel() // nobody reads on; wait says how it ended
	}
	code, err := wait(ctx, cmd)
	switch {
	case filterErr != nil:
		return filterErr
	case err != nil:
		return err
	case code != 0:
		return &gitError{command: "archive", code: code, stderr: stderr.text()}
	}
	return out.Close()
}
