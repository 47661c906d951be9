package runtime

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"paas"
)

func TestDiskUsageTellsWhatEachThingTakesByItself(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := imageSpec()
	image, err := d.BuildImage(t.Context(), tree(t, "COPY Dockerfile /one", "COPY Dockerfile /two"), spec, func(paas.BuildEvent) {})
	if err != nil {
		t.Fatal(err)
	}
	i := start(t, d, newSpec("web", "spill", "200000"))
	if _, err := d.Wait(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 { // engines before 23 answer only one at a time
		wg.Go(func() {
			usage, err := d.DiskUsage(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			if own := usage.Images[image.ID]; own <= 0 || own > usage.Layers {
				t.Errorf("the image takes %s of %s", own, usage.Layers)
			}
			if _, known := usage.Instances[i.ID]; !known {
				t.Error("the instance is not among it")
			}
		})
	}
	wg.Wait()
}

func TestImagesAreListedOverAllAppsAndForOne(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	var want []paas.StoredImage
	for n := range 2 {
		spec := imageSpec()
		image, err := d.BuildImage(t.Context(), tree(t, fmt.Sprintf("LABEL n=%d", n)), spec, func(paas.BuildEvent) {})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, paas.StoredImage{ID: image.ID, App: spec.App})
		found, err := d.Images(t.Context(), spec.App)
		if diff := cmp.Diff(want[n:], found); diff != "" || err != nil {
			t.Errorf("of one app: %v %s", err, diff)
		}
	}
	all, err := d.Images(t.Context(), "")
	byID := func(a, b paas.StoredImage) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(want, byID)
	slices.SortFunc(all, byID)
	if diff := cmp.Diff(want, all); diff != "" || err != nil {
		t.Errorf("of all: %v %s", err, diff)
	}
}

func TestLeftoversAreWhatWasMadeForAMomentAndStayed(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	made := func(labels map[string]string) string {
		labels[labelInstallation] = d.installation
		result, err := d.client.ContainerCreate(t.Context(), client.ContainerCreateOptions{
			Config: &container.Config{Image: probeImage.ID, Labels: labels},
		})
		if err != nil {
			t.Fatal(err)
		}
		return result.ID
	}
	look, service := made(map[string]string{labelLook: "x"}), made(map[string]string{labelService: "router"})
	made(map[string]string{labelInstance: "web.1", labelAppID: "a"})
	left, err := d.Leftovers(t.Context(), 0)
	want := []string{look, service}
	slices.Sort(want)
	slices.Sort(left)
	if diff := cmp.Diff(want, left); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if left, err := d.Leftovers(t.Context(), time.Hour); len(left) != 0 || err != nil {
		t.Errorf("within an hour: %v, %v", left, err)
	}
	for _, id := range want {
		if err := d.Remove(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}

func TestRootDirIsOfAnEngineOnThisHostOnly(t *testing.T) {
	t.Parallel()
	if dir, err := newDocker(t).RootDir(t.Context()); err != nil || !filepath.IsAbs(dir) {
		t.Errorf("%q, %v", dir, err)
	}
	far, err := New(Options{Installation: newID(), Host: "tcp://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	if dir, err := far.RootDir(t.Context()); err != nil || dir != "" {
		t.Errorf("%q, %v", dir, err)
	}
}

// ballast is a source tree with some megabytes that no layer has yet, and a Dockerfile.
func ballast(t *testing.T, bytesEach int, dockerfile string) fs.FS {
	t.Helper()
	content := make([]byte, bytesEach)
	if _, err := rand.Read(content); err != nil {
		t.Fatal(err)
	}
	return filesOf(map[string][]byte{"ballast": content, "Dockerfile": []byte(dockerfile)})
}

func TestTheBuildCacheIsPrunedToItsBoundAndNoImageIsTouched(t *testing.T) {
	t.Parallel()
	d := startEngine(t).docker(t)
	ctx := t.Context()
	var images []string
	for range 3 {
		spec := imageSpec()
		spec.NoCache = false
		image, err := d.BuildImage(ctx, ballast(t, 3<<20, "FROM scratch\nCOPY ballast /a\nCOPY ballast /b\n"), spec, func(paas.BuildEvent) {})
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image.ID)
	}
	for _, id := range images[:2] {
		if err := d.RemoveImage(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	before := cacheOf(t, d)
	keep := before / 2
	count, freed, err := d.PruneBuildCache(ctx, keep)
	after := cacheOf(t, d)
	if err != nil || count == 0 || freed == 0 || after > keep || after == 0 || before-after != freed {
		t.Errorf("pruned %s to %s: %d records, %s freed, %s left, %v", before, keep, count, freed, after, err)
	}
	if _, _, err := d.PruneBuildCache(ctx, 0); err != nil || cacheOf(t, d) > 0 {
		t.Errorf("pruned to nothing: %s left, %v", cacheOf(t, d), err)
	}
	if _, err := d.Image(ctx, images[2]); err != nil {
		t.Errorf("an image is gone: %v", err)
	}
}

func cacheOf(t *testing.T, d *Docker) paas.Bytes {
	t.Helper()
	usage, err := d.DiskUsage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return usage.BuildCache
}

func TestOnAFullDiskTheEngineIsUnderstoodAndWhatRunsGoesOn(t *testing.T) {
	t.Parallel()
	e := startEngine(t)
	d := e.docker(t)
	image, err := imageOfProbe(context.Background(), d, "1")
	if err != nil {
		t.Fatal(err)
	}
	spec := newSpec("web", "wait")
	spec.Image = image
	runs := start(t, d, spec)

	free := e.fill(t)
	spec.Name = "web.2"
	_, err = d.Start(t.Context(), spec)
	wantFull(t, "start an instance", err, paas.Unavailable)
	_, err = d.BuildImage(t.Context(), ballast(t, 1<<20, "FROM scratch\nCOPY ballast /a\n"), imageSpec(), func(paas.BuildEvent) {})
	wantFull(t, "build", err, paas.Failed)
	if i, err := d.Instance(t.Context(), runs.ID); err != nil || !i.Running {
		t.Errorf("what ran does not: %+v, %v", i, err)
	}

	free()
	start(t, d, spec)
	if _, err := d.BuildImage(t.Context(), ballast(t, 1<<20, "FROM scratch\nCOPY ballast /a\n"), imageSpec(), func(paas.BuildEvent) {}); err != nil {
		t.Error(err)
	}

	// A build that is bigger than what is left.
	_, err = d.BuildImage(t.Context(), ballast(t, 30<<20, "FROM scratch\n"+strings.Repeat("COPY ballast /a\nCOPY ballast /b\n", 3)), imageSpec(), func(paas.BuildEvent) {})
	wantFull(t, "a big build", err, paas.Failed)
	clean(d)
}

func wantFull(t *testing.T, what string, err error, code paas.Code) {
	t.Helper()
	if !paas.OutOfSpace(err) || paas.CodeOf(err) != code || !strings.Contains(err.Error(), "no space left on the Docker engine's disk") {
		t.Errorf("%s: %v (%s)", what, err, paas.CodeOf(err))
	}
}
