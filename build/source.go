package build

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

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
	committed  time.Time
	plan       plan.Plan
	text       string // of the Dockerfile, for the builder
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
	src := source{commit: commit, committed: files.date}
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
	src, err := inspect(ctx, o.objects, commit, plan.Settings{
		Dockerfile: app.Build.Dockerfile, Root: app.Build.Root, Fallback: app.Build.Fallback, Images: s.opts.Images, Static: s.opts.Static, Cache: app.ID,
		Args: slices.Sorted(maps.Keys(app.Build.Args)), Secrets: slices.Sorted(maps.Keys(secrets)),
	})
	if err != nil {
		return src, err
	}
	if o.noCache && src.plan.Text != "" {
		src.text = plan.OtherCaches(src.text, app.ID, rand.Text()) // which nothing has filled
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
	s.text = s.plan.Text
	if s.text != "" {
		return nil
	}
	text, err := readFile(files, s.plan.Dockerfile, maxDockerfile)
	s.text = string(text)
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
