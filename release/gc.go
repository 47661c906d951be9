package release

import (
	"context"
	"fmt"
	"time"

	"paas"
)

// Collect frees what the installation no longer needs, over all apps: images outside the retention and those of apps that
// are gone, instances that have ended and that nothing asks for, and build cache beyond its bound; more of the cache
// when the disk is short. It never touches volumes, nor anything of others on the engine but the cache, which has no owner.
func (e *Engine) Collect(ctx context.Context, dryRun bool, progress Progress) (paas.Collection, error) {
	select {
	case e.collecting <- struct{}{}:
		defer func() { <-e.collecting }()
	case <-ctx.Done():
		return paas.Collection{}, context.Cause(ctx)
	}
	found, err := e.findGarbage(ctx, "")
	if err != nil {
		return paas.Collection{}, fmt.Errorf("look for what can go: %w", err)
	}
	before := e.usage(ctx, progress)
	if dryRun {
		return e.preview(ctx, found, before), nil
	}
	gone, err := e.sweepOut(ctx, found)
	if err != nil {
		e.Log.Warn("some of what is no longer needed is still there", "error", err)
		fmt.Fprintf(progress, "Some of it is still there: %s\n", firstLine(err.Error()))
	}
	cache, err := e.pruneCache(ctx, before.BuildCache)
	if err != nil {
		return paas.Collection{}, fmt.Errorf("prune the build cache: %w", err)
	}
	after := e.usage(ctx, progress)
	images := imagesRow(gone.images, before, whyImages)
	images.Bytes = max(images.Bytes, before.Layers-after.Layers) // layers that only images among these shared
	freed := []paas.Collected{images, containersRow(gone.containers, before), cache}
	e.Log.Info("collected", "images", images.Count, "instances", len(gone.containers), "cache_bytes", int64(cache.Bytes))
	return paas.Collection{Freed: freed, Kept: e.keptRows(gone.kept, after)}, nil
}

// preview is what a collection would do. Of images it counts what each has of its own: layers that only some of them share
// come on top.
func (e *Engine) preview(ctx context.Context, found garbage, usage paas.DiskUsage) paas.Collection {
	cache := paas.Collected{Kind: paas.CollectedBuildCache, Why: e.whyCache()}
	if keep, prune := e.cacheBound(ctx, usage.BuildCache); prune {
		cache.Bytes = max(0, usage.BuildCache-keep)
	}
	usage.BuildCache -= cache.Bytes
	return paas.Collection{
		DryRun: true,
		Freed:  []paas.Collected{imagesRow(found.images, usage, whyImages), containersRow(found.containers, usage), cache},
		Kept:   e.keptRows(found.kept, usage),
	}
}

// Why things go, and stay.
const (
	whyImages     = "no app can go back to them"
	whyInstances  = "they have ended, and nothing asks for them"
	whyKeptImages = "of current releases, and of those that apps can go back to"
)

func imagesRow(images []paas.StoredImage, usage paas.DiskUsage, why string) paas.Collected {
	row := paas.Collected{Kind: paas.CollectedImages, Count: len(images), Why: why}
	for _, i := range images {
		row.Bytes += usage.Images[i.ID]
	}
	return row
}

func containersRow(ids []string, usage paas.DiskUsage) paas.Collected {
	row := paas.Collected{Kind: paas.CollectedInstances, Count: len(ids), Why: whyInstances}
	for _, id := range ids {
		row.Bytes += usage.Instances[id]
	}
	return row
}

func (e *Engine) keptRows(images []paas.StoredImage, usage paas.DiskUsage) []paas.Collected {
	why := fmt.Sprintf("in use, or within its bound of %s", e.BuildCache)
	if e.BuildCache == 0 {
		why = e.whyCache()
	}
	return []paas.Collected{
		imagesRow(images, usage, whyKeptImages),
		{Kind: paas.CollectedBuildCache, Bytes: usage.BuildCache, Why: why},
	}
}

// usage is for the report; a collection that cannot have it collects all the same.
func (e *Engine) usage(ctx context.Context, progress Progress) paas.DiskUsage {
	usage, err := e.Runtime.DiskUsage(ctx)
	if err != nil && ctx.Err() == nil {
		e.Log.Warn("the disk usage of the engine is not known", "error", err)
		fmt.Fprintln(progress, "Sizes are not known: the engine does not tell them")
	}
	return usage
}

// cacheEvery is the least time between two looks at the build cache after deploys.
const cacheEvery = 10 * time.Minute

// tidyCache prunes the build cache unless that was done lately, or is being done.
func (e *Engine) tidyCache(ctx context.Context) {
	select {
	case e.collecting <- struct{}{}:
		defer func() { <-e.collecting }()
	default:
		return
	}
	if e.BuildCache == 0 || !e.cachePruned.IsZero() && e.Now().Sub(e.cachePruned) < cacheEvery {
		return
	}
	row, err := e.pruneCache(ctx, e.BuildCache)
	switch {
	case err != nil && ctx.Err() == nil:
		e.Log.Warn("the build cache is not pruned", "error", err)
	case row.Bytes > 0:
		e.Log.Info("build cache pruned", "freed_bytes", int64(row.Bytes), "bound_bytes", int64(e.BuildCache))
	}
}

// pruneCache removes what the cache has beyond its bound; it takes total, where that is known. The caller holds collecting.
func (e *Engine) pruneCache(ctx context.Context, total paas.Bytes) (paas.Collected, error) {
	row := paas.Collected{Kind: paas.CollectedBuildCache, Why: e.whyCache()}
	keep, prune := e.cacheBound(ctx, total)
	if !prune {
		return row, nil
	}
	e.cachePruned = e.Now()
	var err error
	row.Count, row.Bytes, err = e.Runtime.PruneBuildCache(ctx, keep)
	return row, err
}

// cacheBound is how much of a build cache of total is to be kept, and whether to prune it at all.
func (e *Engine) cacheBound(ctx context.Context, total paas.Bytes) (keep paas.Bytes, prune bool) {
	if e.BuildCache == 0 {
		return 0, false
	}
	if total == 0 { // not known
		total = e.BuildCache
	}
	keep = e.BuildCache
	if missing := e.Missing(ctx); missing > 0 {
		keep = max(0, min(keep, total-missing))
	}
	return keep, true
}

func (e *Engine) whyCache() string {
	if e.BuildCache == 0 {
		return "paasd leaves it alone (--build-cache 0)"
	}
	return fmt.Sprintf("unused for longest, beyond %s or more than the disk has room for", e.BuildCache)
}
