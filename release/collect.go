package release

import (
	"context"
	"errors"
	"time"

	"paas"
)

// An app keeps the images of its newest succeeded releases and of all that are younger than a month, whichever is
// more, so that it can go back to them; the records stay for ever.
const (
	keepReleases = 20
	keepFor      = 30 * 24 * time.Hour
)

// collectTimeout bounds one collection.
const collectTimeout = 2 * time.Minute

// collect removes images of app that no release within the retention, and no build still to be released, stands on.
func (e *Engine) collect(ctx context.Context, app string) {
	ctx, cancel := context.WithTimeout(ctx, collectTimeout)
	defer cancel()
	err := e.removeImages(ctx, app, e.keptImages)
	if err != nil && ctx.Err() == nil && paas.CodeOf(err) != paas.NotFound {
		e.Log.Warn("old images are not collected", "app", app, "error", err)
	}
}

// keptImages are the images that must stay, by id.
func (e *Engine) keptImages(app string) (map[string]bool, error) {
	record, err := e.Store.App(app)
	if err != nil {
		return nil, err
	}
	releases, err := e.Store.Releases(app)
	if err != nil {
		return nil, err
	}
	keep := map[string]bool{}
	succeeded, lastBuild := 0, 0
	for _, r := range releases {
		lastBuild = max(lastBuild, r.Build)
		if r.Status == paas.ReleaseSucceeded {
			succeeded++
		}
		young := succeeded <= keepReleases || e.Now().Sub(r.CreatedAt) < keepFor
		if r.Version == record.Current || r.Status == paas.ReleasePending || r.Status == paas.ReleaseSucceeded && young {
			keep[r.Image.ID] = true
		}
	}
	return keep, e.keepBuilds(app, lastBuild, keep)
}

// keepBuilds adds the images of builds that are not released yet.
func (e *Engine) keepBuilds(app string, lastBuild int, keep map[string]bool) error {
	builds, err := e.Store.Builds(app)
	for _, b := range builds {
		if !b.Status.Final() {
			return paas.Errorf(paas.NotFound, "a build is under way, and nobody knows its image yet")
		}
		if b.ID > lastBuild {
			keep[b.Image.ID] = true
		}
	}
	return err
}

// noImages are kept of an app that goes.
func noImages(string) (map[string]bool, error) { return nil, nil }

// removeImages removes app's images but those to keep. They are listed before it is asked which to keep: an image that
// comes meanwhile is not among them. One that an instance still runs on is left for the next time.
func (e *Engine) removeImages(ctx context.Context, app string, kept func(app string) (map[string]bool, error)) error {
	ids, err := e.Runtime.Images(ctx, app)
	if err != nil {
		return err
	}
	keep, err := kept(app)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if keep[id] {
			continue
		}
		if removeErr := e.Runtime.RemoveImage(ctx, id); paas.CodeOf(removeErr) != paas.Conflict {
			err = errors.Join(err, removeErr)
		}
	}
	return err
}
