package build

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
)

// ignore decides which files of the tree the builder does not get.
type ignore struct {
	matcher *patternmatcher.PatternMatcher
	always  []string // paths that go whatever the patterns say
}

func newIgnore(patterns []string, always ...string) (ignore, error) {
	m, err := patternmatcher.New(patterns)
	return ignore{m, always}, err
}

// drops says whether the path, slash-separated and without a slash at its end, stays out. The files that steer the
// build always go: the builder needs them, whatever they say of themselves.
func (i ignore) drops(path string) (bool, error) {
	if slices.Contains(i.always, path) {
		return false, nil
	}
	return i.matcher.MatchesOrParentMatches(path)
}

const (
	lfsMagic = "version https://git-lfs.github.com/spec/v1\n"
	maxLFS   = 1024 // bytes; a pointer is never longer
)

// filterTar copies a tar of git's without the ignored files and without git's own global header. Only a file's header
// and a small buffer are in memory. It reads r to its end, and leaves out open: whether the tar is whole, git knows.
func filterTar(r io.Reader, out *tar.Writer, drop ignore, lfs func(path string)) error {
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the tree: %w", err)
		}
		if err := filterEntry(h, in, out, drop, lfs); err != nil {
			return err
		}
	}
	_, err := io.Copy(io.Discard, r) // padding; git would not end otherwise
	return err
}

func filterEntry(h *tar.Header, in io.Reader, out *tar.Writer, drop ignore, lfs func(string)) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	dropped, err := drop.drops(strings.TrimSuffix(h.Name, "/"))
	if err != nil {
		return fmt.Errorf("match %q against %s: %w", h.Name, dockerignore, err)
	}
	if dropped {
		return nil
	}
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	body := bufio.NewReaderSize(in, maxLFS)
	if h.Size < maxLFS {
		if head, _ := body.Peek(len(lfsMagic)); bytes.Equal(head, []byte(lfsMagic)) {
			lfs(h.Name)
		}
	}
	_, err = io.Copy(out, body)
	return err
}
