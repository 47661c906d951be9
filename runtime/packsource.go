package runtime

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"time"

	"paas"
)

// packed is a source as a tar, for the builder that was before BuildKit.
type packed struct {
	*io.PipeReader
	ended chan error
}

// packSource begins to pack a source; end must be called. The Dockerfile is there whether the source has it or not.
func packSource(src fs.FS, spec paas.ImageSpec) *packed {
	r, w := io.Pipe()
	p := &packed{r, make(chan error, 1)}
	go func() {
		err := packInto(w, src, spec)
		w.CloseWithError(err)
		p.ended <- err
	}()
	return p
}

// errEnough ends a tar whose reader is done with it.
var errEnough = errors.New("the builder has read enough")

// end returns what was wrong with the source.
func (p *packed) end() error {
	p.CloseWithError(errEnough)
	if err := <-p.ended; !errors.Is(err, errEnough) && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return nil
}

func packInto(w io.Writer, src fs.FS, spec paas.ImageSpec) error {
	list, err := syncList(src, nil, false)
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	if spec.Text != "" {
		h := &tar.Header{Name: spec.Dockerfile, Mode: 0o644, Size: int64(len(spec.Text)), Format: tar.FormatPAX}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.WriteString(out, spec.Text); err != nil {
			return err
		}
	}
	for _, f := range list {
		if f.path == spec.Dockerfile && spec.Text != "" {
			continue
		}
		if err := packFile(out, f); err != nil {
			return err
		}
	}
	return out.Close()
}

func packFile(out *tar.Writer, f syncFile) error {
	h := &tar.Header{Name: f.path, Typeflag: tar.TypeReg, Mode: int64(f.mode.Perm()), Size: f.size, ModTime: time.Unix(0, f.date), Format: tar.FormatPAX}
	switch f.mode.Type() {
	case fs.ModeDir:
		h.Name, h.Typeflag = f.path+"/", tar.TypeDir
	case fs.ModeSymlink:
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.target, 0
	}
	if err := out.WriteHeader(h); err != nil || f.open == nil {
		return err
	}
	r, err := f.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	return errors.Join(err, r.Close())
}
