package traefik

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"paas"
	"paas/router"
)

// Beneath the target's folder.
const (
	dynamicDir = "dynamic"
	accessFile = "access.log"
)

// Options are a target's settings.
type Options struct {
	Dir    string         // the folder that is shared with Traefik; made when missing
	API    netip.AddrPort // of Traefik
	Layout Layout
	Log    *slog.Logger // nil: none
	// Reopen makes Traefik open its access log anew: signal USR1. nil: the log grows.
	Reopen func(context.Context) error
}

// Target is a Traefik that reads the files in a folder. It implements router.Target.
type Target struct {
	opts   Options
	folder folder
	api    *api

	mu      sync.Mutex
	table   router.Table      // the newest that was put
	names   map[string]string // the instance at an address, of this table and of those before as far as they are not reused
	writing chan struct{}     // held by the Put that writes
}

// New returns a target. Traefik may come and go.
func New(opts Options) *Target {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Target{
		opts: opts, folder: folder(filepath.Join(opts.Dir, dynamicDir)), api: newAPI(opts.API),
		names: map[string]string{}, writing: make(chan struct{}, 1),
	}
}

// Prepare makes the folder, which has to be there before Traefik starts.
func (t *Target) Prepare() error { return os.MkdirAll(t.folder.path(appsDir), 0o700) }

// Remove removes what a target and its Traefik left in dir. What the operator had Traefik keep there, such as
// certificates, stays.
func Remove(dir string) error {
	err := os.RemoveAll(filepath.Join(dir, dynamicDir))
	for _, name := range []string{"", ".old", ".place"} {
		if e := os.Remove(filepath.Join(dir, accessFile+name)); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return fmt.Errorf("remove Traefik's files: %w", err)
	}
	return nil
}

// How long a Put waits for Traefik, its files being written, and when it writes again in case that Traefik was not yet looking.
const (
	putTimeout = 5 * time.Second
	putAgain   = time.Second
	lookEvery  = 10 * time.Millisecond
	// settle is between the API's new configuration and that of the other entry points: Traefik switches them one after
	// the other, in no order.
	settle = 10 * time.Millisecond
)

// Put implements router.Target.
func (t *Target) Put(ctx context.Context, table router.Table) ([]router.Problem, error) {
	files, version, err := t.write(ctx, table)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	if err := t.await(ctx, files, version); err != nil {
		return nil, err
	}
	return t.api.problems(ctx)
}

// write puts the table's files into the folder, one Put at a time.
func (t *Target) write(ctx context.Context, table router.Table) (files map[string][]byte, version string, err error) {
	select {
	case t.writing <- struct{}{}:
		defer func() { <-t.writing }()
	case <-ctx.Done():
		return nil, "", away(ctx.Err())
	}
	t.mu.Lock()
	live := t.table.Version
	t.mu.Unlock()
	if table.Version < live {
		return nil, "", &router.StaleError{Live: live}
	}
	files, version = Render(table, t.opts.Layout)
	if err := t.folder.write(files); err != nil {
		return nil, "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table = table
	for _, r := range table.Routes {
		for _, b := range r.Backends {
			t.names[b.Addr.String()] = b.Instance
		}
	}
	return files, version, nil
}

// await returns once Traefik serves the version.
func (t *Target) await(ctx context.Context, files map[string][]byte, version string) error {
	again := time.Now().Add(putAgain)
	for {
		live, err := t.api.has(ctx, version)
		if err == nil && live {
			sleep(ctx, settle)
			return nil
		}
		if err == nil && time.Now().After(again) {
			if err := t.folder.touch(files); err != nil {
				return err
			}
			again = time.Now().Add(putAgain)
		}
		if !sleep(ctx, lookEvery) {
			if err == nil {
				err = errors.New("it does not take up its configuration")
			}
			return away(err)
		}
	}
}

// Healthy says whether Traefik answers on its API.
func (t *Target) Healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	_, err := t.api.get(ctx, "/ping", nil)
	return err
}

// sleep says whether ctx has not ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func away(err error) error {
	return paas.Errorf(paas.Unavailable, "the router does not answer").
		WithHint("is Traefik up? docker ps --filter name=paas-traefik").Because(err)
}

var _ router.Target = (*Target)(nil)
