package build

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxPath bounds the path of a file in a commit, in bytes, as Linux does.
const maxPath = 4096

// census counts the files and folders of a commit, as many as its limits let it have, and returns the paths of its submodules.
// A tree may name the same few objects any number of times, so that a push of some hundred bytes unfolds into billions of files:
// nothing else of ours or git's goes through all of it before.
func (o objects) census(ctx context.Context, commit objectID) (submodules []string, err error) {
	err = o.listTree(ctx, commit, nil, func(list io.Reader) (err error) {
		submodules, err = count(list, o.repos.opts.Limits)
		return err
	})
	return submodules, err
}

// listTree has read take what ls-tree says of all files and folders of a commit.
func (o objects) listTree(ctx context.Context, commit objectID, options []string, read func(io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stderr := capped{max: 4 << 10}
	args := append([]string{"--git-dir=" + o.path, "ls-tree", "-z", "-r", "-t", "--full-tree"}, options...)
	cmd := o.repos.command(ctx, o.env, append(args, string(commit))...)
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git: %w", err)
	}
	readErr := read(out)
	if readErr != nil {
		cancel() // nobody reads on
	}
	code, err := wait(ctx, cmd)
	switch {
	case readErr != nil:
		return readErr
	case err != nil:
		return err
	case code != 0:
		return &gitError{command: "ls-tree", code: code, stderr: stderr.text()}
	}
	return nil
}

// count reads what ls-tree lists: mode, type, id, a tab, the path, a NUL.
func count(list io.Reader, limits Limits) (submodules []string, err error) {
	in := bufio.NewReaderSize(list, 64<<10)
	for files := 0; ; files++ {
		line, err := readEntry(in)
		if errors.Is(err, io.EOF) {
			return submodules, nil
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("list the tree: %w", err)
		case files >= limits.SourceFiles:
			return nil, limits.tooManyFiles()
		case len(line) > maxEntry:
			return nil, errLongPath
		}
		if _, path, ok := strings.Cut(line, "\t"); ok && strings.HasPrefix(line, modeSubmodule+" ") {
			submodules = append(submodules, path)
		}
	}
}

// maxEntry is what ls-tree may say of a file.
const maxEntry = maxPath + 128

// readEntry reads up to a NUL, or more than any entry may be.
func readEntry(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice(0)
	if errors.Is(err, bufio.ErrBufferFull) {
		return string(line), nil
	}
	return strings.TrimSuffix(string(line), "\x00"), err
}
