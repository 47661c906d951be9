package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"paas"
	"paas/web/client"
)

type releaseOptions struct {
	*session
	version int // 0: the newest
	json    bool
}

func newReleasesInfo(s *session, run func(context.Context, *releaseOptions) error) *cobra.Command {
	o := &releaseOptions{session: s}
	cmd := &cobra.Command{
		Use:   "releases:info [RELEASE]",
		Short: "Show one release: what it is, what it changed, how long it took",
		Long:  `Show one release, the newest unless you name another: what it is, what it changed, how long each phase of its deployment took, and the error if it failed.`,
		Example: `  paas releases:info
  paas releases:info v3 --json`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.version, err = optionalNumber("release", "v", args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runReleasesInfo(ctx context.Context, o *releaseOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	if o.version == 0 {
		if o.version, err = newestRelease(ctx, srv, app, o.remoteName()); err != nil {
			return err
		}
	}
	r, err := srv.Release(ctx, app, o.version)
	if err != nil {
		return err
	}
	r.ConfigKeys, r.Phases, r.Diff = list(r.ConfigKeys), list(r.Phases), diffLists(r.Diff)
	return o.show(o.json, r, func(p *page) { p.release(r) })
}

func newestRelease(ctx context.Context, srv *client.Client, app, remote string) (int, error) {
	releases, err := srv.Releases(ctx, app)
	if err != nil {
		return 0, err
	}
	if len(releases) == 0 {
		return 0, paas.Errorf(paas.NotFound, "%s has no release yet", app).WithHint("git push %s main", remote)
	}
	return releases[0].Version, nil
}

func (p *page) release(r paas.ReleaseDetail) {
	build := ""
	if r.Build != 0 {
		build = strconv.Itoa(r.Build)
	}
	fields := [][2]string{
		{"release", version(r.Version)},
		{"status", string(r.Status)},
		{"current", strconv.FormatBool(r.Current)},
		{"description", r.Description},
		{"user", r.User},
		{"created", p.ago(r.CreatedAt)},
		{"commit", r.Commit},
		{"build", build},
		{"image", r.Image},
		{"config_keys", strings.Join(r.ConfigKeys, " ")},
	}
	for _, typ := range slices.Sorted(maps.Keys(r.ProcessTypes)) {
		fields = append(fields, [2]string{"process " + typ, r.ProcessTypes[typ]})
	}
	fields = append(append(fields, diffFields(r.Diff)...), [2]string{"phases", phases(r.Phases)})
	if !p.tty {
		fields = append(fields, [2]string{"error", r.Error})
	}
	p.fields(fields...)
	if p.tty && r.Error != "" {
		p.paragraph("error", r.Error)
	}
}

// diffLists makes the lists of a diff empty ones where they are nil.
func diffLists(d paas.ReleaseDiff) paas.ReleaseDiff {
	return paas.ReleaseDiff{Added: list(d.Added), Removed: list(d.Removed), Changed: list(d.Changed)}
}

func diffFields(d paas.ReleaseDiff) [][2]string {
	return [][2]string{
		{"added", strings.Join(d.Added, ", ")}, {"removed", strings.Join(d.Removed, ", ")}, {"changed", strings.Join(d.Changed, ", ")},
	}
}

// paragraph shows text of several lines under its name.
func (p *page) paragraph(name, text string) {
	p.line(name + ":")
	for line := range strings.Lines(text) {
		p.line("  " + clean(strings.TrimRight(line, "\n")))
	}
}

func phases(list []paas.Phase) string {
	parts := make([]string, 0, len(list))
	for _, ph := range list {
		took := time.Duration(ph.Seconds * float64(time.Second)).Round(time.Millisecond)
		parts = append(parts, fmt.Sprintf("%s %s", ph.Name, took))
	}
	return strings.Join(parts, ", ")
}
