// Package runtime runs instances on a Docker engine: it starts, watches, stops and removes containers, builds images
// and collects logs. It is the only importer of the Docker client, and everything it says about an instance is what
// the engine says; what should run it never decides.
//
// It works with engines from 20.10 (API 1.41) on, with either image store and either cgroup version: nothing here
// asks which. Everything it makes is labelled with the installation's id, and it sees nothing without that label.
package runtime

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/client"

	"paas"
)

// How long one request to the engine may take. Whatever takes longer means that the engine does not answer.
const (
	readLimit  = 15 * time.Second
	writeLimit = 30 * time.Second
)

// Options of New.
type Options struct {
	// Installation labels everything that is made and selects everything that is seen. Required.
	Installation string
	// Host is the engine's address, unix:///var/run/docker.sock. Empty: DOCKER_HOST, else the default socket.
	Host string
	// Logins reads the accounts that the platform has at registries; nil: it has none.
	Logins func() ([]paas.RegistryLogin, error)
	// Registry is HOST/PATH under which each built image is put, too. Empty: nowhere.
	Registry string
	// DefaultSize is that of instances whose spec has none, field by field. Its zero fields are no bound.
	DefaultSize paas.Size
	Log         *slog.Logger // nil: discarded
}

// Docker is a Docker engine as one installation uses it. Its methods may be called from any goroutine. While the
// engine does not answer they return paas.Unavailable.
type Docker struct {
	client       *client.Client
	installation string
	readLogins   func() ([]paas.RegistryLogin, error)
	registry     string
	defaultSize  paas.Size
	hostCPUs     atomic.Int64 // paas.CPU; 0: not asked yet
	log          *slog.Logger

	mirror     mirror
	listings   listings
	addresses  addresses
	networks   networks
	collecting collecting
	images     images
	unbounded  sync.Once // it was said that builds cannot be bounded

	background sync.WaitGroup  // removals that nobody waits for but Close
	life       context.Context // of removals that are tried again; ends with Close
	stop       context.CancelFunc
}

// New prepares a client; it does not need the engine to be there yet. Each request makes a connection of its own: an
// engine that is told to stop takes no new ones, but goes on answering on the old while it ends its containers, and
// whatever is started then comes to nothing.
func New(opts Options) (*Docker, error) {
	if opts.Installation == "" {
		return nil, fmt.Errorf("runtime: no installation id given")
	}
	registry := ""
	if opts.Registry != "" {
		var err error
		if registry, err = parsePrefix(opts.Registry); err != nil {
			return nil, err
		}
	}
	fromOptions := []client.Opt{client.FromEnv, client.WithHTTPHeaders(map[string]string{"Connection": "close"})}
	if opts.Host != "" {
		fromOptions = append(fromOptions, client.WithHost(opts.Host))
	}
	c, err := client.New(fromOptions...)
	if err != nil {
		return nil, fmt.Errorf("prepare the Docker client: %w", err)
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d := &Docker{
		client: c, installation: opts.Installation, readLogins: opts.Logins, registry: registry,
		defaultSize: opts.DefaultSize, log: log, listings: listings{turn: make(chan struct{}, 1)},
	}
	d.life, d.stop = context.WithCancel(context.Background())
	return d, nil
}

// Close waits for removals that are under way and lets go of the engine. Instances are left alone.
func (d *Docker) Close() error {
	d.stop()
	d.background.Wait()
	return d.client.Close()
}

// Ping says whether the engine answers.
func (d *Docker) Ping(ctx context.Context) error {
	return d.call(ctx, readLimit, "ping the engine", func(ctx context.Context) error {
		_, err := d.client.Ping(ctx, client.PingOptions{})
		return err
	})
}
