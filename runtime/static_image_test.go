package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"paas"
)

// Nothing is pulled for it: the name is of no registry, and the builder takes what the engine has.
func TestTheImageOfStaticSitesIsMadeOnceAndBuiltFrom(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	ref := staticImage(t, d, probe)
	first, err := d.inspectImage(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if again := staticImage(t, d, probe); again != ref {
		t.Errorf("once more: %s", again)
	}
	if again, err := d.inspectImage(t.Context(), ref); again.ID != first.ID || err != nil {
		t.Errorf("it was made once more: %s, %v", again.ID, err)
	}
	spec := imageSpec()
	context := filesOf(map[string][]byte{"Dockerfile": []byte("FROM " + ref + "\nCOPY Dockerfile /app/\nUSER 65532:65532\nCMD [\"/paasd\"]\n")})
	image, err := d.BuildImage(t.Context(), context, spec, func(paas.BuildEvent) {})
	if err != nil {
		t.Fatal(err)
	}
	built, err := d.inspectImage(t.Context(), image.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(built.RootFS.Layers[:1], first.RootFS.Layers) || built.Config.Labels[labelAppID] != spec.App {
		t.Errorf("built: %v, %v", built.RootFS.Layers, built.Config.Labels)
	}
	images, err := d.Images(t.Context(), "") // what is collected
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(images, func(i paas.StoredImage) bool { return i.ID == first.ID }) {
		t.Error("it counts as an app's image")
	}
}

func TestImagesOfStaticSitesOfOlderBinariesGo(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	var refs []string
	for _, text := range []string{"old", "new"} {
		binary := filepath.Join(t.TempDir(), "paasd")
		if err := os.WriteFile(binary, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		refs = append(refs, staticImage(t, d, binary))
	}
	found, err := d.client.ImageList(t.Context(), client.ImageListOptions{Filters: d.mine()})
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Items) != 1 || !slices.Equal(found.Items[0].RepoTags, refs[1:]) {
		t.Errorf("there are %v, and not just %s", found.Items, strings.Join(refs[1:], ""))
	}
}

func staticImage(t *testing.T, d *Docker, binary string) string {
	t.Helper()
	ref, err := d.StaticImage(binary)
	if err == nil {
		err = d.MakeStaticImage(t.Context(), ref, binary)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
