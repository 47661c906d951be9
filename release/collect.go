package release

import (
	"context"
	"errors"
	"slices"
	"time"

	"paas"
)

// An app keeps the images of its newest succeeded releases and of all that are younger than a month, whichever is
// more, so that it can go back to them; the records stay for ever.
const (
	keepReleases = 20
	keepFor      = 30 * 24 * time.Hour
)

// collectTimeout bounds the collection after a deploy, the build cache apart.
const collectTimeout = 2 * time.Minute

// leftoverAge is how old something must be that is made and removed in one go, to be known as left behind.
const leftoverAge = 10 * time.Minute

// collect is the last step of a deploy: what app no longer needs goes, and now and then what the build cache has too much.
func (e *Engine) collect(ctx context.Context, app string) {
	bounded, cancel := context.WithTimeout(ctx, collectTimeout)
	defer cancel()
	found, err := e.findGarbage(bounded, app)
	if err == nil {
		_, err = e.sweepOut(bounded, found)
	}
	if err != nil && ctx.Err() == nil {
		e.Log.Warn("what an app no longer needs is not collected", "app", app, "error", err)
	}
	e.tidyCache(ctx)
}

// garbage is what can go, and the images that cannot. Volumes are never among it, nor anything that is not the
// installation's own.
type garbage struct {
	images     []paas.StoredImage
	kept       []paas.StoredImage
	containers []string // by id: instances that have ended, and what never became one
}

// findGarbage looks at one app, or at the whole installation for app "". Everything is listed before it is asked what is
// needed: what comes meanwhile is not among it.
func (e *Engine) findGarbage(ctx context.Context, app string) (garbage, error) {
	images, err := e.Runtime.Images(ctx, app)
	if err != nil {
		return garbage{}, err
	}
	instances, err := e.Runtime.Instances(ctx, app)
	if err != nil {
		return garbage{}, err
	}
	var found garbage
	if app == "" {
		if found.containers, err = e.Runtime.Leftovers(ctx, leftoverAge); err != nil {
			return garbage{}, err
		}
	}
	for _, i := range instances {
		needed, err := e.needed(i)
		if err != nil {
			return garbage{}, err
		}
		if !needed {
			found.containers = append(found.containers, i.ID)
		}
	}
	return found, e.sortImages(images, &found)
}

// sortImages tells the images that have to stay from those that can go.
func (e *Engine) sortImages(images []paas.StoredImage, found *garbage) error {
	keepers := map[string]func(image string) bool{}
	for _, i := range images {
		keeps, asked := keepers[i.App]
		if !asked {
			var err error
			if keeps, err = e.keeps(i.App); err != nil {
				return err
			}
			keepers[i.App] = keeps
		}
		if keeps(i.ID) {
			found.kept = append(found.kept, i)
		} else {
			found.images = append(found.images, i)
		}
	}
	return nil
}

// keeps says which images of app must stay: all of them while a build is under way, whose image nobody knows yet; none of
// an app that is gone.
func (e *Engine) keeps(app string) (func(image string) bool, error) {
	kept, err := e.keptImages(app)
	switch {
	case errors.Is(err, errBuilding):
		return func(string) bool { return true }, nil
	case paas.CodeOf(err) == paas.NotFound:
		return func(string) bool { return false }, nil
	}
	return func(image string) bool { return kept[image] }, err
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

var errBuilding = errors.New("a build is under way")

// keepBuilds adds the images of builds that are not released yet.
func (e *Engine) keepBuilds(app string, lastBuild int, keep map[string]bool) error {
	builds, err := e.Store.Builds(app)
	for _, b := range builds {
		if !b.Status.Final() {
			return errBuilding
		}
		if b.ID > lastBuild {
			keep[b.Image.ID] = true
		}
	}
	return err
}

// needed says whether an instance runs, or something still asks for it: a slot, which the next repair sees to, an
// unfinished run, a release command whose release is pending. A failure report is made while its deployment holds all
// that it started; afterwards it needs nothing.
func (e *Engine) needed(i paas.Instance) (bool, error) {
	if _, leaving := e.memory.retiringState(i.ID); i.Running || leaving {
		return true, nil
	}
	if _, err := e.Store.App(i.App); err != nil {
		return false, butNotFound(err)
	}
	if i.Type != paas.RunType {
		return true, nil
	}
	over, err := e.over(i)
	return !over, err
}

// butNotFound passes an error on unless it says that there is no such record.
func butNotFound(err error) error {
	if paas.CodeOf(err) == paas.NotFound {
		return nil
	}
	return err
}

// sweepOut removes garbage and returns what of it has gone. An image that something still runs on stays for the next time.
func (e *Engine) sweepOut(ctx context.Context, found garbage) (gone garbage, err error) {
	for _, id := range found.containers {
		if removeErr := e.Runtime.Remove(ctx, id); removeErr != nil {
			err = errors.Join(err, removeErr)
			continue
		}
		e.memory.forget(id)
		gone.containers = append(gone.containers, id)
	}
	for _, i := range found.images {
		removeErr := e.Runtime.RemoveImage(ctx, i.ID)
		if removeErr != nil {
			gone.kept = append(gone.kept, i)
			if paas.CodeOf(removeErr) != paas.Conflict {
				err = errors.Join(err, removeErr)
			}
			continue
		}
		gone.images = append(gone.images, i)
	}
	gone.kept = slices.Concat(found.kept, gone.kept)
	return gone, err
}
