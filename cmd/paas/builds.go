package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"paas"
	"paas/web/client"
)

func newBuilds(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "builds",
		Short: "List the builds of an app, newest first",
		Long: `List the builds of an app, newest first: each push of the deploy branch makes one, and so do deploy and builds:create.

Piped: id, status, commit, branch, user, start, seconds, image, language.`,
		Example: `  paas builds
  paas builds --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBuilds(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runBuilds(ctx context.Context, s *session, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	builds, err := srv.Builds(ctx, app)
	if err != nil {
		return err
	}
	if len(builds) == 0 && !asJSON {
		s.note("%s has no builds yet. Make one with: git push %s main", app, s.remoteName())
		return nil
	}
	return s.show(asJSON, list(builds), func(p *page) {
		rows := make([][]string, 0, len(builds))
		for _, b := range builds {
			rows = append(rows, []string{
				strconv.Itoa(b.ID), string(b.Status), short(b.Commit), b.Branch, b.User, p.ago(b.CreatedAt), p.seconds(b.Seconds), p.image(b.Image), b.Language,
			})
		}
		p.table([]string{"BUILD", "STATUS", "COMMIT", "BRANCH", "USER", "STARTED", "TOOK", "IMAGE", "LANGUAGE"}, rows)
	})
}

// shortImage is sha256: and as much of the digest as tells images apart.
const shortImage = len("sha256:") + 12

func (p *page) image(digest string) string {
	if !p.tty {
		return digest
	}
	return digest[:min(len(digest), shortImage)]
}

// buildOptions are those of commands about one build.
type buildOptions struct {
	*session
	id   int // 0: the newest
	json bool
}

func newBuild(s *session, cmd *cobra.Command, run func(context.Context, *buildOptions) error) *cobra.Command {
	o := &buildOptions{session: s}
	cmd.Args = between(0, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if o.id, err = optionalNumber("build", "", args); err != nil {
			return err
		}
		return run(cmd.Context(), o)
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

// build returns the server, the app and the build that is meant.
func (o *buildOptions) build(ctx context.Context) (srv *client.Client, app string, id int, err error) {
	if srv, app, err = o.target(ctx); err != nil || o.id != 0 {
		return srv, app, o.id, err
	}
	builds, err := srv.Builds(ctx, app)
	if err != nil {
		return nil, "", 0, err
	}
	if len(builds) == 0 {
		return nil, "", 0, paas.Errorf(paas.NotFound, "%s has no build yet", app).WithHint("git push %s main", o.remoteName())
	}
	return srv, app, builds[0].ID, nil
}

func newBuildsInfo(s *session, run func(context.Context, *buildOptions) error) *cobra.Command {
	return newBuild(s, &cobra.Command{
		Use:     "builds:info [BUILD]",
		Short:   "Show a build",
		Long:    "Show a build, the newest unless you name another.",
		Example: "  paas builds:info\n  paas builds:info 3 --json",
	}, run)
}

func runBuildsInfo(ctx context.Context, o *buildOptions) error {
	srv, app, id, err := o.build(ctx)
	if err != nil {
		return err
	}
	b, err := srv.Build(ctx, app, id)
	if err != nil {
		return err
	}
	return o.showBuild(b)
}

func (o *buildOptions) showBuild(b paas.BuildInfo) error {
	return o.show(o.json, b, func(p *page) {
		fields := [][2]string{
			{"id", strconv.Itoa(b.ID)},
			{"status", string(b.Status)},
			{"commit", b.Commit},
			{"branch", b.Branch},
			{"user", b.User},
			{"created", p.ago(b.CreatedAt)},
			{"seconds", p.seconds(b.Seconds)},
			{"source", string(b.Source)},
			{"reference", b.Reference},
			{"language", b.Language},
			{"dockerfile", b.Dockerfile},
		}
		for _, base := range b.Bases {
			fields = append(fields, [2]string{"base " + base.Ref, base.Digest})
		}
		p.fields(append(fields, [2]string{"image", b.Image}, [2]string{"error", b.Error})...)
	})
}

func newBuildsLog(s *session, run func(context.Context, *buildOptions) error) *cobra.Command {
	return newBuild(s, &cobra.Command{
		Use:   "builds:log [BUILD]",
		Short: "Print the log of a build",
		Long: `Print the log of a build, the newest unless you name another; one that is under way is followed to its end. Exits with 0
for a failed build, too: reading its log worked.`,
		Example: "  paas builds:log\n  paas builds:log 3",
	}, run)
}

func runBuildsLog(ctx context.Context, o *buildOptions) error {
	srv, app, id, err := o.build(ctx)
	if err != nil {
		return err
	}
	return srv.BuildLog(ctx, app, id, o.colours(o.out), o.out)
}

func newBuildsCancel(s *session, run func(context.Context, *buildOptions) error) *cobra.Command {
	return newBuild(s, &cobra.Command{
		Use:     "builds:cancel [BUILD]",
		Short:   "Cancel a build",
		Long:    "Cancel a build that is waiting or under way, the newest unless you name another. The push that made it fails.",
		Example: "  paas builds:cancel\n  paas builds:cancel 3",
	}, run)
}

func runBuildsCancel(ctx context.Context, o *buildOptions) error {
	srv, app, id, err := o.build(ctx)
	if err != nil {
		return err
	}
	b, err := srv.CancelBuild(ctx, app, id)
	if err != nil {
		return err
	}
	o.note("Canceled build %d of %s.", b.ID, app)
	if !o.json {
		return nil
	}
	return o.showBuild(b)
}
