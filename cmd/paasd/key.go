package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"paas"
	"paas/store"
	"paas/web"
	"paas/web/client"
)

func keyCommand(getenv func(string) string) *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "Enrol SSH keys; works while paasd serves, and while it does not", Args: noArgs, RunE: help,
	}
	cmd.AddCommand(keyAddCommand(getenv))
	return cmd
}

func keyAddCommand(getenv func(string) string) *cobra.Command {
	var dataDir string
	cmd := &cobra.Command{
		Use:     "add NAME FILE|-",
		Short:   "Let a public key in, as the user NAME",
		Example: "  paasd key add ada ~/.ssh/id_ed25519.pub\n  ssh-add -L | paasd key add ada -",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return paas.Errorf(paas.Invalid, "a name and a file are needed").WithHint("paasd key add ada ~/.ssh/id_ed25519.pub")
			}
			return paas.ValidateKeyName(args[0])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fromEnv(cmd, getenv); err != nil {
				return err
			}
			text, err := readKey(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			key, err := addKey(cmd.Context(), dataDir, args[0], text)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s may come in with %s\n", key.Name, key.Fingerprint)
			return nil
		},
	}
	bindDataDir(cmd.Flags(), &dataDir)
	return cmd
}

// maxKeyBytes is far beyond any public key.
const maxKeyBytes = 64 << 10

func readKey(stdin io.Reader, file string) (string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", paas.Errorf(paas.NotFound, "the key file cannot be read: %w", err).WithHint("ssh-keygen -t ed25519")
		}
		defer f.Close()
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, maxKeyBytes))
	return string(text), err
}

// addKey asks the running paasd, or opens its store where none runs.
func addKey(ctx context.Context, dataDir, name, text string) (paas.Key, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return paas.Key{}, err
	}
	s := settings{options: options{dataDir: dir}}
	if _, err := os.Stat(s.socket()); err == nil {
		key, err := addKeyBySocket(ctx, s, name, text)
		if paas.CodeOf(err) != paas.Unavailable {
			return key, err
		}
	}
	key, err := web.ParseKey(text)
	if err != nil {
		return paas.Key{}, err
	}
	db, err := store.Open(s.dataDir, store.Options{})
	if err != nil {
		return paas.Key{}, err
	}
	key.Name, key.CreatedAt = name, time.Now()
	if err := errors.Join(db.AddKey(key), db.AppendChanges([]paas.Change{{
		Time: key.CreatedAt.UTC().Truncate(time.Microsecond), User: whoami(), From: "paasd key add", Action: "keys:add", Subject: name,
	}})); err != nil {
		_ = db.Close() // the first error says more
		return paas.Key{}, err
	}
	return key, db.Close()
}

// whoami is the user of the system that this runs as, for the audit.
func whoami() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(os.Getuid())
}

func addKeyBySocket(ctx context.Context, s settings, name, text string) (paas.Key, error) {
	c, err := client.New(client.Options{URL: "unix://" + s.socket()})
	if err != nil {
		return paas.Key{}, err
	}
	defer c.Close()
	return c.AddKey(ctx, name, text)
}
