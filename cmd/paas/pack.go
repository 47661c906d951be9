package main

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"paas"
)

// filesOf lists what a deploy of the folder takes: everything but what .gitignore, and git's own excludes, leave out. git
// decides, in a repository or not.
func (s *session) filesOf(ctx context.Context, folder string) ([]string, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return nil, paas.Errorf(paas.Invalid, "the folder cannot be read: %w", err).WithHint("paas deploy .")
	}
	if !info.IsDir() {
		return nil, paas.Errorf(paas.Invalid, "%s is a file, not a folder", paas.Quote(folder)).WithHint("for a tar: paas deploy --archive %s", folder)
	}
	args := []string{"-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"}
	if _, err := s.git(ctx, "-C", folder, "rev-parse", "--is-inside-work-tree"); err != nil {
		empty, err := os.MkdirTemp("", "paas-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(empty) }() // a few files in the temporary folder
		if _, err := s.git(ctx, "init", "-q", "--bare", empty); err != nil {
			return nil, err
		}
		args = append([]string{"--git-dir=" + empty, "--work-tree=" + folder}, args[2:]...)
	}
	out, err := s.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	slices.Sort(names)
	return slices.Compact(names), nil
}

// pack writes the files of a folder as a tar. What is tracked and not there, or a submodule, is left out.
func pack(w io.Writer, folder string, names []string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // only read
	out := tar.NewWriter(w)
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := packFile(out, root, name); err != nil {
			return err
		}
	}
	return out.Close()
}

func packFile(out *tar.Writer, root *os.Root, name string) error {
	local := filepath.FromSlash(name)
	info, err := root.Lstat(local)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return unreadable(name, err)
	case info.IsDir():
		return nil
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o644, ModTime: info.ModTime()}
	if info.Mode()&0o111 != 0 {
		h.Mode = 0o755
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		h.Typeflag, h.Size = tar.TypeSymlink, 0
		if h.Linkname, err = root.Readlink(local); err != nil {
			return unreadable(name, err)
		}
		return out.WriteHeader(h)
	}
	if !info.Mode().IsRegular() {
		return nil // a socket, a pipe: of processes, not of the source
	}
	f, err := root.Open(local)
	if err != nil {
		return unreadable(name, err)
	}
	defer func() { _ = f.Close() }() // only read
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(f, h.Size))
	if err == nil && n < h.Size {
		return changed(name)
	}
	return err
}
