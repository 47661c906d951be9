package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"paas"
	"paas/web/client"
)

type deployOptions struct {
	*session
	folder   string
	archive  string // a file, or - for the standard input
	image    string
	procfile string // a file with the process types of image
	noCache  bool
	detach   bool
	json     bool
}

func newDeploy(s *session, run func(context.Context, *deployOptions) error) *cobra.Command {
	o := &deployOptions{session: s}
	cmd := &cobra.Command{
		Use:   "deploy [FOLDER]",
		Short: "Deploy a folder, an archive or an image, without a push",
		Long: `Deploy a folder as it is, whether committed or not, an archive, or an image that was made elsewhere. It is built and released
as a push is, and moves no branch.

Of a folder, what .gitignore excludes stays here. An archive is a tar, gzipped or not; where all of it is in one folder, that
folder is left out. Links that lead out of it are refused.

An image is pulled, and kept by its digest: what its name means later changes nothing. Its own command is web; --procfile
names a file with others. For a private registry: paas registry:login.

Interrupting a deploy before the release begins cancels it.`,
		Example: `  paas deploy .
  paas deploy --image ghcr.io/example/app:1.2
  paas deploy --archive release.tar.gz
  git archive HEAD | paas deploy --archive -`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.folder = args[0]
			}
			if err := o.check(); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.archive, "archive", "", "a tar, gzipped or not; - for the standard input")
	cmd.Flags().StringVar(&o.image, "image", "", "an image that was made elsewhere")
	cmd.Flags().StringVar(&o.procfile, "procfile", "", "a file with the process types of --image")
	buildFlags(cmd, &o.noCache, &o.detach)
	jsonFlag(cmd, &o.json)
	return cmd
}

func (o *deployOptions) check() error {
	given := 0
	for _, source := range []string{o.folder, o.archive, o.image} {
		if source != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return usage("deploy", "give one of a folder, an archive and an image")
	case o.procfile != "" && o.image == "":
		return usage("deploy", "--procfile is for an image; a folder or an archive has its own")
	case o.noCache && o.image != "":
		return usage("deploy", "--no-cache is for what is built, not for an image")
	}
	return nil
}

// buildFlags are those of commands that build.
func buildFlags(cmd *cobra.Command, noCache, detach *bool) {
	cmd.Flags().BoolVar(noCache, "no-cache", false, "use nothing that earlier builds have left")
	cmd.Flags().BoolVarP(detach, "detach", "d", false, "return as soon as the build is queued")
}

func runDeploy(ctx context.Context, o *deployOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	if o.image != "" {
		return o.deployImage(ctx, srv, app)
	}
	up, err := o.upload(ctx, srv, app)
	if err != nil {
		return err
	}
	o.note("-----> Uploaded %s, %s, as %s", counted(up.Files, "file"), up.Bytes, short(up.Commit))
	if up.Folder != "" && o.archive != "" {
		o.note("       All of it is in the folder %s, which is left out", paas.Quote(up.Folder))
	}
	return o.createBuild(ctx, srv, app, paas.BuildRequest{Commit: up.Commit, NoCache: o.noCache, Detach: o.detach}, o.json)
}

func (o *deployOptions) deployImage(ctx context.Context, srv *client.Client, app string) error {
	req := paas.BuildRequest{Image: o.image, Detach: o.detach}
	if o.procfile != "" {
		text, err := os.ReadFile(o.procfile)
		if err != nil {
			return paas.Errorf(paas.Invalid, "the Procfile cannot be read: %w", err).WithHint("paas deploy --image %s --procfile FILE", o.image)
		}
		req.Procfile = string(text)
	}
	return o.createBuild(ctx, srv, app, req, o.json)
}

func (o *deployOptions) upload(ctx context.Context, srv *client.Client, app string) (paas.Upload, error) {
	switch o.archive {
	case "":
		return o.uploadFolder(ctx, srv, app, o.folder)
	case "-":
		return srv.Upload(ctx, app, o.in)
	}
	f, err := os.Open(o.archive)
	if err != nil {
		return paas.Upload{}, paas.Errorf(paas.Invalid, "the archive cannot be read: %w", err).WithHint("paas deploy --archive FILE")
	}
	defer func() { _ = f.Close() }() // only read
	return srv.Upload(ctx, app, f)
}

// uploadFolder sends a folder, "" being the present one.
func (s *session) uploadFolder(ctx context.Context, srv *client.Client, app, folder string) (paas.Upload, error) {
	if folder == "" {
		folder = "."
	}
	files, err := s.filesOf(ctx, folder)
	if err != nil {
		return paas.Upload{}, err
	}
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := pack(w, folder, files)
		_ = w.CloseWithError(err) // which never fails
		packed <- err
	}()
	up, err := srv.Upload(ctx, app, r)
	_ = r.CloseWithError(io.ErrClosedPipe) // which never fails, and ends pack
	if packErr := <-packed; packErr != nil && !errors.Is(packErr, io.ErrClosedPipe) {
		err = packErr
	}
	return up, err
}

// createBuild has a commit built and deployed, and shows what comes of it.
func (s *session) createBuild(ctx context.Context, srv *client.Client, app string, req paas.BuildRequest, asJSON bool) error {
	req.Colours = s.colours(s.err)
	result, err := srv.CreateBuild(ctx, app, req, s.err)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, result)
	}
	if req.Detach {
		s.note("Build %d of %s is queued. Follow it with: paas builds:log %d -a %s", result.ID, app, result.ID, app)
		return nil
	}
	s.note("Released v%d of build %d.", result.Release, result.ID)
	return nil
}

type buildsCreateOptions struct {
	*session
	commit  string
	noCache bool
	detach  bool
	json    bool
}

func newBuildsCreate(s *session, run func(context.Context, *buildsCreateOptions) error) *cobra.Command {
	o := &buildsCreateOptions{session: s}
	cmd := &cobra.Command{
		Use:   "builds:create",
		Short: "Build a commit that was pushed before, and release it",
		Long: `Build a commit that was pushed or uploaded before, that of the newest build unless you name another, and release it. It
moves no branch. Interrupting it before the release begins cancels it.`,
		Example: `  paas builds:create --no-cache
  paas builds:create --commit 1a2b3c4`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.commit, "commit", "", "the commit, or the beginning of its id")
	buildFlags(cmd, &o.noCache, &o.detach)
	jsonFlag(cmd, &o.json)
	return cmd
}

func runBuildsCreate(ctx context.Context, o *buildsCreateOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	return o.createBuild(ctx, srv, app, paas.BuildRequest{Commit: o.commit, NoCache: o.noCache, Detach: o.detach}, o.json)
}

// readable says what of a folder cannot be sent.
func unreadable(name string, err error) error {
	return paas.Errorf(paas.Invalid, "%s cannot be sent: %w", paas.Quote(name), err).WithHint("correct that, or name it in .gitignore")
}

// changed is a file that somebody writes to.
func changed(name string) error {
	return unreadable(name, fmt.Errorf("it changed while it was read"))
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
