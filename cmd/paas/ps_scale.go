package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type scaleOptions struct {
	*session
	change paas.Formation // empty: show the formation
	json   bool
}

func newScale(s *session, run func(context.Context, *scaleOptions) error) *cobra.Command {
	o := &scaleOptions{session: s}
	cmd := &cobra.Command{
		Use:     "ps:scale [TYPE=N…]",
		Aliases: []string{"scale"},
		Short:   "Set how many instances of each process type run",
		Long: `Set how many instances of each process type run; without arguments show it. Types that are not named stay as they are.
Only the instances that are added or removed are touched, and no release is made.`,
		Example: `  paas scale
  paas scale web=4
  paas scale web=4 worker=1`,
		Args: between(0, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.change, err = paas.ParseFormation(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runScale(ctx context.Context, o *scaleOptions) error {
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
	ps, err := srv.Scale(ctx, app, o.change, o.progress())
	if err != nil {
		return err
	}
	o.note("Scaled %s to %s.", app, formationText(o.change))
	return o.showAfter(o.json, ps)
}

// showAfter shows the processes after a change of them: only as JSON, a person has read what was done.
func (s *session) showAfter(asJSON bool, ps paas.Processes) error {
	if !asJSON {
		return nil
	}
	return s.showProcesses(true, ps)
}

// formationText is web=4 worker=1, web first.
func formationText(f paas.Formation) string {
	parts := make([]string, 0, len(f))
	for _, typ := range slices.Sorted(maps.Keys(f)) {
		part := fmt.Sprintf("%s=%d", typ, f[typ])
		if typ == paas.Web {
			parts = slices.Insert(parts, 0, part)
			continue
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}
