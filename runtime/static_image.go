package runtime

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"paas"
)

// staticRepository of an installation has the images that static sites are built FROM. No app's id is like it.
const staticRepository = "static-server"

// StaticImage is the name of the image that static sites are built FROM, with the server of a binary in it. It is of the binary's
// content and within the installation's own names, so that no builder asks a registry for it.
func (d *Docker) StaticImage(binary string) (string, error) {
	sum, err := fileSum(binary)
	if err != nil {
		return "", fmt.Errorf("image of static sites: %w", err)
	}
	return d.repository(staticRepository) + ":" + sum[:12], nil
}

// MakeStaticImage makes the image of that name from the binary, which becomes /paasd, unless it is there. It has no app's label, so
// that it is not collected with an app's images; those of other binaries go here.
func (d *Docker) MakeStaticImage(ctx context.Context, ref, binary string) error {
	_, err := d.inspectImage(ctx, ref)
	if err == nil {
		return nil
	}
	if paas.CodeOf(err) == paas.NotFound {
		err = d.importImage(ctx, ref, func(w io.Writer) error { return packStatic(w, binary) })
	}
	if err == nil {
		err = d.removeStatics(ctx, ref)
	}
	if err != nil {
		return fmt.Errorf("image of static sites: %w", err)
	}
	return nil
}

// removeStatics removes the images of binaries before this one, as far as no app's image is made of them.
func (d *Docker) removeStatics(ctx context.Context, keep string) error {
	var old []string
	err := d.call(ctx, readLimit, "list images of static sites", func(ctx context.Context) error {
		result, err := d.client.ImageList(ctx, client.ImageListOptions{Filters: d.mine().Add("reference", d.repository(staticRepository))})
		for _, i := range result.Items {
			old = append(old, i.RepoTags...)
		}
		return err
	})
	for _, ref := range old {
		if ref == keep || !strings.HasPrefix(ref, d.repository(staticRepository)+":") {
			continue
		}
		if removeErr := d.removeImage(ctx, ref); paas.CodeOf(removeErr) != paas.Conflict {
			err = errors.Join(err, removeErr)
		}
	}
	return err
}

// importImage makes an image of one layer, which pack writes as a tar.
func (d *Docker) importImage(ctx context.Context, ref string, pack func(io.Writer) error) error {
	return d.call(ctx, 4*writeLimit, "make image "+ref, func(ctx context.Context) error {
		content, writer := io.Pipe()
		packed := make(chan struct{})
		go func() {
			defer close(packed)
			writer.CloseWithError(pack(writer))
		}()
		defer func() { <-packed }()
		defer content.Close()
		stream, err := d.client.ImageImport(ctx, client.ImageImportSource{Source: content, SourceName: "-"}, ref, client.ImageImportOptions{
			Changes: []string{"LABEL " + labelInstallation + "=" + d.installation},
		})
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, stream)
		return errors.Join(err, stream.Close())
	})
}

// packStatic writes the root file system of the image of static sites: the server, and the user that it runs as. Times are fixed:
// the same binary makes the same layer.
func packStatic(w io.Writer, binary string) error {
	archive := tar.NewWriter(w)
	when := time.Unix(0, 0)
	for _, f := range []struct{ name, text string }{
		{"etc/passwd", "app:x:65532:65532::/app:/bin/sh\n"}, {"etc/group", "app:x:65532:\n"},
	} {
		if err := archive.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), ModTime: when}); err != nil {
			return err
		}
		if _, err := io.WriteString(archive, f.text); err != nil {
			return err
		}
	}
	if err := archive.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777, ModTime: when}); err != nil {
		return err
	}
	f, err := os.Open(binary)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: "paasd", Mode: 0o755, Size: info.Size(), ModTime: when}); err != nil {
		return err
	}
	if _, err := io.Copy(archive, f); err != nil {
		return err
	}
	return archive.Close()
}
