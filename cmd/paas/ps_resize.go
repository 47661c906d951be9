package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type resizeOptions struct {
	*session
	change paas.Sizes // empty: show the formation
	json   bool
}

func newResize(s *session, run func(context.Context, *resizeOptions) error) *cobra.Command {
	o := &resizeOptions{session: s}
	cmd := &cobra.Command{
		Use:     "ps:resize [TYPE=SIZE…]",
		Aliases: []string{"ps:type", "resize"},
		Short:   "Set what each instance of a process type may take of the host",
		Long: `Set how much memory and processor time each instance of a process type may take; without arguments show it. A size is memory,
processors or both: 512mb, 0.5cpu, 512mb:0.5cpu. What a size does not name has the platform's default, and so has all of
default. Types that are not named stay as they are.

Instances of these types are replaced, the new ones first; no release is made. An instance that needs more memory than it
may take is ended and replaced: paas ps and the log say "out of memory".`,
		Example: `  paas ps:resize
  paas ps:resize web=512mb:0.5cpu worker=1gb
  paas ps:resize web=default`,
		Args: between(0, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.change, err = paas.ParseSizes(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runResize(ctx context.Context, o *resizeOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	if len(o.change) == 0 {
		ps, err := srv.Processes(ctx, app)
		if err != nil {
			return err
		}
		return o.show(o.json, list(ps.Formation), func(p *page) { p.formation(ps.Formation) })
	}
	ps, err := srv.Resize(ctx, app, o.change, o.progress())
	if err != nil {
		return err
	}
	o.note("Resized %s to %s.", app, sizesText(o.change))
	return o.showAfter(o.json, ps)
}

// sizesText is web=512mb worker=default, web first.
func sizesText(sizes paas.Sizes) string {
	parts := make([]string, 0, len(sizes))
	for _, typ := range slices.Sorted(maps.Keys(sizes)) {
		part := typ + "=" + sizes[typ].String()
		if sizes[typ] == (paas.Size{}) {
			part = typ + "=" + paas.DefaultSize
		}
		if typ == paas.Web {
			parts = slices.Insert(parts, 0, part)
			continue
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}
