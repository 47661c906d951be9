package main

import (
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"paas/build/static"
)

// staticCommand serves a static site; it is the web process in the image of one.
func staticCommand(getenv func(string) string) *cobra.Command {
	var fallback, port string
	cmd := &cobra.Command{
		Use: "static [FOLDER]", Short: "Serve a folder of files (images of static sites run this)", Hidden: true, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			site, err := static.Open(dir, fallback)
			if err != nil {
				return err
			}
			defer site.Close()
			listener, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", net.JoinHostPort("", port))
			if err != nil {
				return err
			}
			return static.Serve(cmd.Context(), listener, site, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
		},
	}
	if port = getenv("PORT"); port == "" {
		port = "5000"
	}
	cmd.Flags().StringVar(&fallback, "fallback", "", "file that answers where there is none of the name that was asked for (default 200.html)")
	return cmd
}
