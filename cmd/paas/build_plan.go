package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type buildPlanOptions struct {
	*session
	folder string
	commit string
	eject  bool
	json   bool
}

func newBuildPlan(s *session, run func(context.Context, *buildPlanOptions) error) *cobra.Command {
	o := &buildPlanOptions{session: s}
	cmd := &cobra.Command{
		Use:   "build:plan [FOLDER]",
		Short: "Show how a folder would be built, and build nothing",
		Long: `Show how a folder, the present one unless you name another, would be built: the generated Dockerfile, if it has none of its
own. What decided it, and what you should know, goes to the standard error. The server plans, since the base images are its
settings; the folder goes there as with paas deploy.`,
		Example: `  paas build:plan
  paas build:plan --commit 1a2b3c4`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.folder = "."
			if len(args) == 1 {
				o.folder = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.commit, "commit", "", "one that was pushed, instead of a folder")
	jsonFlag(cmd, &o.json)
	return cmd
}

func newBuildEject(s *session, run func(context.Context, *buildPlanOptions) error) *cobra.Command {
	o := &buildPlanOptions{session: s, eject: true}
	cmd := &cobra.Command{
		Use:   "build:eject [FOLDER]",
		Short: "Write the generated Dockerfile into the repository, to change it",
		Long: `Write the Dockerfile that would be generated for a folder, the present one unless you name another, into it, and with it a
.dockerignore where there is none. From the next commit on it is yours: it is built as it stands, and no longer generated.`,
		Example: "  paas build:eject",
		Args:    between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.folder = "."
			if len(args) == 1 {
				o.folder = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runBuildPlan(ctx context.Context, o *buildPlanOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	commit := o.commit
	if commit == "" {
		up, err := o.uploadFolder(ctx, srv, app, o.folder)
		if err != nil {
			return err
		}
		commit = up.Commit
	}
	plan, err := srv.BuildPlan(ctx, app, commit)
	if err != nil {
		return err
	}
	if o.eject {
		if err := o.writePlan(plan); err != nil {
			return err
		}
	}
	if o.json {
		return printJSON(o.out, plan)
	}
	if !o.eject {
		o.describePlan(plan)
		_, err = io.WriteString(o.out, plan.Text)
	}
	return err
}

func (o *buildPlanOptions) describePlan(plan paas.BuildPlan) {
	if plan.Text == "" {
		o.note("It is built by its own %s.", plan.Dockerfile)
	} else {
		o.note("It is built as %s, because of %s.", plan.Language, plan.Because)
	}
	for _, note := range plan.Notes {
		o.note("%s", note)
	}
	if types := slices.Sorted(maps.Keys(plan.ProcessTypes)); len(types) > 0 {
		o.note("Process types: %s", strings.Join(types, ", "))
	}
}

// writePlan writes the generated files where there are none.
func (o *buildPlanOptions) writePlan(plan paas.BuildPlan) error {
	if plan.Text == "" {
		return paas.Errorf(paas.Conflict, "%s is built by its own %s: there is nothing to write", paas.Quote(o.folder), plan.Dockerfile).
			WithHint("edit that one")
	}
	if err := o.writeNew(plan.Dockerfile, plan.Text); err != nil {
		return err
	}
	written := plan.Dockerfile
	if len(plan.Ignore) > 0 {
		err := o.writeNew(".dockerignore", strings.Join(plan.Ignore, "\n")+"\n")
		if err == nil {
			written += " and .dockerignore"
		} else if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	o.note("Wrote %s. They are yours from the next commit on: git add, commit and push.", written)
	return nil
}

func (o *buildPlanOptions) writeNew(name, text string) (err error) {
	path := filepath.Join(o.folder, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return paas.Errorf(paas.Conflict, "%s cannot be written: %w", path, err).WithHint("paas build:plan shows what it would be")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.WriteString(text)
	return err
}
