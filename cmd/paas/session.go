package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"paas/web/client"
)

// session is one execution of paas: its host, the flags that every command has, and the connection to the server,
// made when first used.
type session struct {
	*host
	app    string // -a
	remote string // -r; "" is the default one
	conn   *client.Client
	begun  bool // the server has been asked to change something that takes time
}

func newSession(h *host) *session { return &session{host: h} }

// globalFlags are those of every command.
func (s *session) globalFlags(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVarP(&s.app, "app", "a", "", "the app (default: $PAAS_APP, else what the git remote says)")
	flags.StringVarP(&s.remote, "remote", "r", "", `the git remote that names server and app (default "paas")`)
}

// server returns the connection to the server that the user means.
func (s *session) server(ctx context.Context) (*client.Client, error) {
	if s.conn != nil {
		return s.conn, nil
	}
	url, err := s.serverURL(ctx)
	if err != nil {
		return nil, err
	}
	s.conn, err = client.New(client.Options{URL: url, Token: s.getenv("PAAS_TOKEN"), Env: s.env})
	return s.conn, err
}

// target returns the app that the user means and the server that has it.
func (s *session) target(ctx context.Context) (*client.Client, string, error) {
	app, err := s.appName(ctx)
	if err != nil {
		return nil, "", err
	}
	srv, err := s.server(ctx)
	return srv, app, err
}

// progress is where the server's account of a change goes, line by line. Asking for it marks the change as begun:
// interrupting paas from then on does not undo it, and the user is told so.
func (s *session) progress() io.Writer {
	s.begun = true
	return s.err
}

func (s *session) close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}
