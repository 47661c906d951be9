package main

import (
	"log/slog"
	"net/netip"

	"github.com/spf13/cobra"

	"paas/router/proxy"
	"paas/runtime"
)

func routerCommand(getenv func(string) string) *cobra.Command {
	var opts proxy.Options
	var proxies []string
	cmd := &cobra.Command{
		Use: "router", Short: "Run the data plane (paasd serve runs this in a container)", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, network := range proxies {
				prefix, err := netip.ParsePrefix(network)
				if err != nil {
					return err
				}
				opts.TrustedProxies = append(opts.TrustedProxies, prefix.Masked())
			}
			opts.Name = getenv(runtime.ServiceEnv)
			opts.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			server, err := proxy.New(opts)
			if err != nil {
				return err
			}
			return server.Run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&opts.Dir, "dir", "/var/lib/paas/router", "folder of the routing table and the control socket")
	cmd.Flags().StringVar(&opts.HTTPAddr, "http-addr", ":80", "listener for requests")
	cmd.Flags().StringSliceVar(&proxies, "trusted-proxies", nil, "networks of proxies whose X-Forwarded-* hold")
	return cmd
}
