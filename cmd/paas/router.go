package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

const routerHelp = `  timeout            from the end of a request to the first byte of its response, in seconds. Default 30
  idle-timeout       without a byte either way, in seconds. Default 55
  max-body           of a request, such as 100MB; a larger one is refused with 413. Default no bound
  max-requests       in flight at one time; more are refused with 503 (H11). Default no bound
  https              optional: requests without TLS are served. redirect: they are sent to https. Default optional
  canonical          the host of the app that requests to its other hosts are sent to. Default none`

type routerOptions struct {
	*session
	json bool
}

func newRouter(s *session, run func(context.Context, *routerOptions) error) *cobra.Command {
	o := &routerOptions{session: s}
	cmd := &cobra.Command{
		Use:   "router",
		Short: "Show how the router treats the requests to an app",
		Long: `Show how the router treats the requests to an app.

` + routerHelp + `

Piped: name, value, "set" or "default".`,
		Example: `  paas router
  paas router --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runRouter(ctx context.Context, o *routerOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	settings, err := srv.Routing(ctx, app)
	if err != nil {
		return err
	}
	return o.show(o.json, list(settings), func(p *page) {
		rows := make([][]string, 0, len(settings))
		for _, s := range settings {
			rows = append(rows, []string{s.Name, p.routingValue(s), setOrDefault(s.Set)})
		}
		p.table([]string{"SETTING", "VALUE", "SET BY"}, rows)
	})
}

func (p *page) routingValue(s paas.RoutingSetting) string {
	if s.Value == "" && p.tty {
		return "(none)"
	}
	return s.Value
}

func setOrDefault(set bool) string {
	if set {
		return "set"
	}
	return "default"
}

// routerSetOptions are those of router:set and router:unset: both are one patch.
type routerSetOptions struct {
	*session
	patch paas.RoutingPatch
	json  bool
}

func newRouterSet(s *session, run func(context.Context, *routerSetOptions) error) *cobra.Command {
	o := &routerSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "router:set SETTING=VALUE…",
		Short: "Set how the router treats the requests to an app; makes no release",
		Long: `Set how the router treats the requests to an app. It holds at once, for requests that come from then on, and makes no
release.

` + routerHelp,
		Example: `  paas router:set timeout=120 max-body=100MB
  paas router:set https=redirect canonical=www.example.com`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.patch, err = parseRouting(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

// parseRouting reads SETTING=VALUE arguments.
func parseRouting(args []string) (paas.RoutingPatch, error) {
	settings, err := parseSettings(args, "setting", "paas router:set timeout=60")
	if err != nil {
		return nil, err
	}
	patch := paas.RoutingPatch(settings)
	return patch, patch.Validate()
}

func newRouterUnset(s *session, run func(context.Context, *routerSetOptions) error) *cobra.Command {
	o := &routerSetOptions{session: s}
	cmd := &cobra.Command{
		Use:     "router:unset SETTING…",
		Short:   "Go back to the default of a setting of the router",
		Example: "  paas router:unset canonical",
		Args:    between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.patch = paas.RoutingPatch{}
			for _, name := range args {
				o.patch[name] = nil
			}
			if err := o.patch.Validate(); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runRouterSet(ctx context.Context, o *routerSetOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	changed, err := srv.SetRouting(ctx, app, o.patch)
	if err != nil {
		return err
	}
	if https := o.patch["https"]; https != nil && *https == string(paas.HTTPSRedirect) {
		if certs, err := srv.Certificates(ctx, app); err == nil && noTLS(certs) { // it is only to warn
			o.note("The router takes no TLS, so this leads nowhere unless a proxy before it does. Start paasd with --https-addr.")
		}
	}
	switch {
	case o.json:
		return printJSON(o.out, map[string][]string{"changed": list(changed)})
	case len(changed) == 0:
		o.note("Nothing changed in the router's settings of %s.", app)
	default:
		o.note("The router treats requests to %s by its new %s.", app, strings.Join(changed, ", "))
	}
	return nil
}
