package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"

	"paas"
)

const megabyte = paas.Bytes(1_000_000)

// The least that has to be free. They are far above what the ends of operations under way take, so that those can still
// be recorded; a build may well want more than its floor, and then the engine says so.
const (
	writeFloor = 16 * megabyte  // for a release, an app, a push
	buildFloor = 256 * megabyte // for a build
	// roomAfter is what a collection on a short disk aims at, so that not every build needs one.
	roomAfter = 4 * buildFloor
)

// disk watches the file systems that paasd and the engine write to.
type disk struct {
	dataDir    string
	engineRoot func(ctx context.Context) (string, error) // "": not on this host
	// collect frees what no app needs.
	collect func(ctx context.Context, progress io.Writer) error
	look    func(path string) (volume, error)
	log     *slog.Logger

	mu    sync.Mutex
	asked bool   // root is what the engine said
	root  string // the engine's folder
}

// volume is a file system as one of its folders shows it.
type volume struct {
	path       string
	device     uint64
	engine     bool // the engine's folder is on it
	free, size paas.Bytes
}

// look asks the file system of path. What is free is what df calls available: less than root could use.
func look(path string) (volume, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(path, &fs); err != nil {
		return volume{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	var at syscall.Stat_t
	if err := syscall.Stat(path, &at); err != nil {
		return volume{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	block := paas.Bytes(fs.Frsize)
	return volume{path: path, device: at.Dev, free: paas.Bytes(fs.Bavail) * block, size: paas.Bytes(fs.Blocks) * block}, nil
}

// refuse is the error for work that wants more than is free; nil if there is room.
func (v volume) refuse(what string, floor paas.Bytes) error {
	if v.free >= floor {
		return nil
	}
	return paas.NoSpace(nil, "on %s: %s free of %s, and %s wants %s", v.path, v.free, v.size, what, floor)
}

// ToWrite refuses what would be written to the store.
func (d *disk) ToWrite() error { return d.writes("a change") }

// ToReceive refuses a push.
func (d *disk) ToReceive() error { return d.writes("a push") }

func (d *disk) writes(what string) error {
	data, err := d.look(d.dataDir)
	if err != nil {
		return nil //nolint:nilerr // what cannot be looked at is found out by writing
	}
	return data.refuse(what, writeFloor)
}

// ToBuild refuses a build. When it is the engine's disk that is short, what no app needs is freed first.
func (d *disk) ToBuild(ctx context.Context, progress io.Writer) error {
	short, err := d.short(ctx)
	if err == nil || !short.engine {
		return err
	}
	d.log.Warn("little space is left, collecting before a build", "path", short.path, "free_bytes", int64(short.free))
	fmt.Fprintf(progress, "Little space is left on %s (%s): freeing what no app needs\n", short.path, short.free)
	if err := d.collect(ctx, progress); err != nil {
		d.log.Warn("nothing could be freed", "error", err)
	}
	_, err = d.short(ctx)
	return err
}

// short returns the first volume that is too full for a build, and the error that says so.
func (d *disk) short(ctx context.Context) (volume, error) {
	for _, v := range d.volumes(ctx) {
		if err := v.refuse("a build", buildFloor); err != nil {
			return v, err
		}
	}
	return volume{}, nil
}

// volumes are those of the data directory and of the engine: one, where they are the same. What cannot be looked at, such
// as the disk of an engine elsewhere, is left out.
func (d *disk) volumes(ctx context.Context) []volume {
	var all []volume
	if data, err := d.look(d.dataDir); err == nil {
		all = append(all, data)
	}
	root := d.engineDir(ctx)
	if root == "" {
		return all
	}
	engine, err := d.look(root)
	if err != nil {
		return all
	}
	engine.engine = true
	if len(all) == 1 && all[0].device == engine.device {
		all[0].engine = true
		return all
	}
	return append(all, engine)
}

// engineDir is the engine's folder, asked for until it says which.
func (d *disk) engineDir(ctx context.Context) string {
	d.mu.Lock()
	root, asked := d.root, d.asked
	d.mu.Unlock()
	if asked {
		return root
	}
	root, err := d.engineRoot(ctx)
	if err != nil {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.root, d.asked = root, true
	return root
}

// Missing is how much the engine's disk lacks until builds have room for a while; 0 when it is not short.
func (d *disk) Missing(ctx context.Context) paas.Bytes {
	for _, v := range d.volumes(ctx) {
		if v.engine && v.free < buildFloor {
			return roomAfter - v.free
		}
	}
	return 0
}
