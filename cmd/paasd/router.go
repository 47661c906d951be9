package main

import (
	"log/slog"
	"net/netip"

	"github.com/spf13/cobra"

	"paas/router/certs"
	"paas/router/proxy"
	"paas/runtime"
)

func routerCommand(getenv func(string) string) *cobra.Command {
	var opts proxy.Options
	var proxies []string
	var ca string
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
			if err := trust(&opts.Certs, ca); err != nil {
				return err
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
	cmd.Flags().StringVar(&opts.HTTPSAddr, "https-addr", "", "listener for requests over TLS; empty: none")
	cmd.Flags().StringVar(&opts.Certs.Dir, "certs", "/var/lib/paas/certs", "folder of the certificates that are obtained")
	cmd.Flags().StringVar(&opts.Certs.Email, "acme-email", "", "for the account with the ACME authority")
	cmd.Flags().StringVar(&opts.Certs.Directory, "acme-directory", certs.DefaultDirectory, "the ACME authority")
	cmd.Flags().StringVar(&ca, "acme-ca", "", "PEM file of the authorities that the ACME authority's own certificate is checked by, too")
	cmd.Flags().StringSliceVar(&proxies, "trusted-proxies", nil, "networks of proxies whose X-Forwarded-* hold")
	return cmd
}
