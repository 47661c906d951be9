package runtime

import (
	"context"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"paas"
)

const (
	// usageLimit and pruneLimit are more than any other request gets: the engine walks over all that it keeps.
	usageLimit = time.Minute
	pruneLimit = 5 * time.Minute
	// usageTries is how often it is asked for, since engines before 23 answer only one who asks at a time.
	usageTries = 20
	usagePause = 250 * time.Millisecond
)

// DiskUsage asks the engine for what it keeps, whoever made it.
func (d *Docker) DiskUsage(ctx context.Context) (paas.DiskUsage, error) {
	var found client.DiskUsageResult
	err := d.call(ctx, usageLimit, "ask for the disk usage", func(ctx context.Context) error {
		for try := 1; ; try++ {
			var err error
			// Verbose is how engines from API 1.52 on name the single images; engines before 1.42 always tell all.
			found, err = d.client.DiskUsage(ctx, client.DiskUsageOptions{Images: true, Containers: true, BuildCache: true, Verbose: true})
			if err == nil || unreachable(err) || try == usageTries {
				return err
			}
			select {
			case <-time.After(usagePause):
			case <-ctx.Done():
				return err
			}
		}
	})
	if err != nil {
		return paas.DiskUsage{}, err
	}
	usage := paas.DiskUsage{
		Layers: paas.Bytes(found.Images.TotalSize), BuildCache: paas.Bytes(found.BuildCache.TotalSize),
		Images: map[string]paas.Bytes{}, Instances: map[string]paas.Bytes{},
	}
	for _, i := range found.Images.Items {
		if i.SharedSize >= 0 && i.Size > i.SharedSize { // -1: not known
			usage.Images[i.ID] = paas.Bytes(i.Size - i.SharedSize)
		}
	}
	for _, c := range found.Containers.Items {
		usage.Instances[c.ID] = paas.Bytes(c.SizeRw)
	}
	return usage, nil
}

// PruneBuildCache removes the engine's build cache down to keep, the longest unused first: all that is unused for 0. The
// cache has no owner, so others who build on this engine lose theirs too. What a build uses now stays, and so does what
// images share, since that would free nothing.
func (d *Docker) PruneBuildCache(ctx context.Context, keep paas.Bytes) (count int, freed paas.Bytes, err error) {
	err = d.call(ctx, pruneLimit, "prune the build cache", func(ctx context.Context) error {
		result, err := d.client.BuildCachePrune(ctx, client.BuildCachePruneOptions{ReservedSpace: int64(keep)})
		count, freed = len(result.Report.CachesDeleted), paas.Bytes(result.Report.SpaceReclaimed)
		return err
	})
	return count, freed, err
}

// RootDir is the folder on this host where the engine keeps everything; "" for an engine that is on another host. It
// need not be visible from here.
func (d *Docker) RootDir(ctx context.Context) (string, error) {
	if !strings.HasPrefix(d.client.DaemonHost(), "unix://") {
		return "", nil
	}
	var dir string
	err := d.call(ctx, readLimit, "ask for the engine's folder", func(ctx context.Context) error {
		result, err := d.client.Info(ctx, client.InfoOptions{})
		dir = result.Info.DockerRootDir
		return err
	})
	return dir, err
}

// Leftovers lists containers that paasd makes for a moment, to look into an image or to replace a service, and that have
// been there for longer than age: what an interrupted paasd left behind. They never ran.
func (d *Docker) Leftovers(ctx context.Context, age time.Duration) ([]string, error) {
	var listed []container.Summary
	err := d.call(ctx, readLimit, "list what was left", func(ctx context.Context) error {
		filters := d.mine().Add("status", string(container.StateCreated))
		result, err := d.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
		listed = result.Items
		return err
	})
	var ids []string
	for _, c := range listed {
		momentary := c.Labels[labelLook] != "" || c.Labels[labelService] != ""
		if momentary && time.Since(time.Unix(c.Created, 0)) > age {
			ids = append(ids, c.ID)
		}
	}
	return ids, err
}
