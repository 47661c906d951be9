// Command registry is the CNCF's image registry, for tests: on a port of 127.0.0.1 that it chooses, where engines take
// plain HTTP, with its images in memory, and open to those of an htpasswd file if one is given.
//
// It says where it is in one line on its standard output, HOST:PORT, and ends when its standard input does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
	"github.com/sirupsen/logrus"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		os.Exit(1)
	}
}

func run(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	passwords := flags.String("htpasswd", "", "file of users with their bcrypt sums; empty: open to all")
	addr := flags.String("addr", "127.0.0.1:0", "where to listen")
	if err := flags.Parse(args); err != nil {
		return err
	}
	logrus.SetLevel(logrus.ErrorLevel)
	config := &configuration.Configuration{Storage: configuration.Storage{"inmemory": configuration.Parameters{}}}
	if *passwords != "" {
		config.Auth = configuration.Auth{"htpasswd": configuration.Parameters{"realm": "test", "path": *passwords}}
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handlers.NewApp(context.Background(), config), ReadHeaderTimeout: time.Minute}
	fmt.Fprintln(stdout, listener.Addr())
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, stdin)
		ended <- errors.Join(err, server.Close())
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}
