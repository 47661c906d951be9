package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"paas"
)

type gcOptions struct {
	*session
	dryRun bool
	json   bool
}

func newGC(s *session, run func(context.Context, *gcOptions) error) *cobra.Command {
	o := &gcOptions{session: s}
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Free disk space on the server: what no app needs any more",
		Long: `Free what the whole installation no longer needs on the server's disk, and say what it was and what stays:

  images       that no app can go back to: beyond its newest 20 succeeded releases and older than 30 days, or of an app
               that is gone
  instances    that have ended, and that nothing asks for
  build cache  beyond the bound that paasd has (--build-cache), the longest unused first; more of it if the disk is short.
               Docker's build cache has no owner: others who build on that engine lose theirs too

Volumes stay, and everything on the engine that is not paas's own. Each deploy does this for its app by itself. The size of
images is what they share with no other; a dry run does not count what only those that would go share.

Piped: freed or kept, kind, count (empty: not counted), bytes, why.`,
		Example: `  paas gc --dry-run
  paas gc`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be freed, and free nothing")
	jsonFlag(cmd, &o.json)
	return cmd
}

func runGC(ctx context.Context, o *gcOptions) error {
	srv, err := o.server(ctx)
	if err != nil {
		return err
	}
	found, err := srv.Collect(ctx, o.dryRun, o.progress())
	if err != nil {
		return err
	}
	total := paas.Bytes(0)
	for _, c := range found.Freed {
		total += c.Bytes
	}
	if found.DryRun {
		o.note("%s would be freed, or more. Nothing was.", total)
	} else {
		o.note("Freed %s.", total)
	}
	found.Freed, found.Kept = list(found.Freed), list(found.Kept)
	return o.show(o.json, found, func(p *page) {
		rows := collectedRows(p, "freed", found.Freed)
		p.table([]string{"", "WHAT", "COUNT", "SIZE", "WHY"}, append(rows, collectedRows(p, "kept", found.Kept)...))
	})
}

func collectedRows(p *page, fate string, all []paas.Collected) [][]string {
	rows := make([][]string, 0, len(all))
	for _, c := range all {
		count := strconv.Itoa(c.Count)
		if c.Count == 0 && c.Bytes > 0 {
			count = ""
		}
		rows = append(rows, []string{fate, string(c.Kind), count, p.bytes(c.Bytes), c.Why})
	}
	return rows
}
