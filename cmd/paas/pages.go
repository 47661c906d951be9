package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"paas"
)

const pagesHelp = `  maintenance   what the router answers with while the app is in maintenance
  503           what it answers with when the app cannot serve: crashed, starting, too busy, nothing deployed, no process

A page is HTML in UTF-8 of at most 64 KB, with everything that it needs inside: nothing else is served beside it. The
status and X-Paas-Error stay; a client that asks for JSON gets JSON.`

type pagesOptions struct {
	*session
	json bool
}

func newPages(s *session, run func(context.Context, *pagesOptions) error) *cobra.Command {
	o := &pagesOptions{session: s}
	cmd := &cobra.Command{
		Use:   "pages",
		Short: "List the error pages of an app's own",
		Long: `List the error pages of an app's own.

` + pagesHelp + `

Piped: name, bytes, time, user.`,
		Example: `  paas pages
  paas pages --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runPages(ctx context.Context, o *pagesOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	pages, err := srv.Pages(ctx, app)
	if err != nil {
		return err
	}
	return o.show(o.json, list(pages), func(p *page) {
		rows := make([][]string, 0, len(pages))
		for _, info := range pages {
			rows = append(rows, []string{string(info.Name), p.bytes(info.Size), p.ago(info.SetAt), info.User})
		}
		p.table([]string{"PAGE", "SIZE", "SET", "BY"}, rows)
	})
}

type pagesSetOptions struct {
	*session
	name paas.PageName
	file string // "-" is the standard input
	json bool
}

func newPagesSet(s *session, run func(context.Context, *pagesSetOptions) error) *cobra.Command {
	o := &pagesSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "pages:set PAGE FILE",
		Short: "Give an app an error page of its own: maintenance or 503",
		Long: `Give an app an error page of its own. It holds at once and makes no release. FILE - is the standard input.

` + pagesHelp,
		Example: `  paas pages:set maintenance maintenance.html
  paas pages:set 503 sorry.html`,
		Args: between(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name, o.file = paas.PageName(args[0]), args[1]
			if err := paas.ValidatePageName(o.name); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
		ValidArgsFunction: completePage,
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

// completePage offers the names of pages, then files.
func completePage(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, name := range paas.PageNames() {
		names = append(names, string(name))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func runPagesSet(ctx context.Context, o *pagesSetOptions) error {
	html, err := o.readPage()
	if err != nil {
		return err
	}
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	info, err := srv.SetPage(ctx, app, o.name, html)
	if err != nil {
		return err
	}
	o.note("%s has a page of its own for %s.", app, info.Name)
	if !o.json {
		return nil
	}
	return printJSON(o.out, info)
}

// readPage reads no more than tells that it is too much, and refuses what the server would.
func (o *pagesSetOptions) readPage() (string, error) {
	in := o.in
	if o.file != "-" {
		f, err := os.Open(o.file)
		if errors.Is(err, fs.ErrNotExist) {
			return "", paas.Errorf(paas.NotFound, "there is no file %s", paas.Quote(o.file))
		}
		if err != nil {
			return "", fmt.Errorf("open the page: %w", err)
		}
		defer f.Close()
		in = f
	}
	html, err := io.ReadAll(io.LimitReader(in, paas.MaxPageBytes+1))
	if err != nil {
		return "", fmt.Errorf("read the page: %w", err)
	}
	if len(html) > paas.MaxPageBytes {
		return "", paas.Errorf(paas.Invalid, "%s is larger than the %d bytes that a page may have", paas.Quote(o.file), paas.MaxPageBytes)
	}
	return string(html), paas.ValidatePage(string(html))
}

func newPagesUnset(s *session, run func(context.Context, *pagesSetOptions) error) *cobra.Command {
	o := &pagesSetOptions{session: s}
	return &cobra.Command{
		Use:     "pages:unset PAGE",
		Short:   "Go back to the router's own page",
		Example: "  paas pages:unset maintenance",
		Args:    between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = paas.PageName(args[0])
			if err := paas.ValidatePageName(o.name); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completePage(cmd, args, word)
		},
	}
}

func runPagesUnset(ctx context.Context, o *pagesSetOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	if err := srv.RemovePage(ctx, app, o.name); err != nil {
		return err
	}
	o.note("%s has no page of its own for %s any more.", app, o.name)
	return nil
}
