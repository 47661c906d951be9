package build

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// quarantine is a repository whose new objects go to a folder of their own, until they move into it or the folder goes. Sweep
// removes those that a crash has left.
type quarantine struct {
	objects
	dir  string
	main string // the repository's own objects
}

func (o objects) quarantine() (quarantine, error) {
	main := filepath.Join(o.path, "objects")
	dir, err := os.MkdirTemp(main, "incoming-")
	if err != nil {
		return quarantine{}, err
	}
	q := quarantine{objects: o, dir: dir, main: main}
	q.env = withObjects(dir, main)
	q.env = append(q.env, "GIT_INDEX_FILE="+filepath.Join(dir, "index"))
	return q, nil
}

// feed runs a git command on stdin, and returns what it printed, without the newline at its end.
func (q quarantine) feed(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	out, err := q.repos.feed(ctx, q.env, stdin, append([]string{"--git-dir=" + q.path}, args...)...)
	return strings.TrimSpace(string(out)), err
}

// writeTree makes a tree of the files, or of those in a folder, and returns its id.
func (q quarantine) writeTree(ctx context.Context, files map[string]treeFact, folder string) (string, error) {
	r, w := io.Pipe()
	go func() {
		for name, fact := range files {
			if _, err := io.WriteString(w, fact.mode+" "+fact.id+"\t"+name+"\x00"); err != nil {
				return // the reader is gone
			}
		}
		_ = w.Close() // which never fails
	}()
	_, err := q.feed(ctx, r, "update-index", "-z", "--index-info")
	_ = r.Close() // which never fails, and ends the writer
	if err != nil {
		return "", err
	}
	args := []string{"write-tree"}
	if folder != "" {
		args = append(args, "--prefix="+folder+"/")
	}
	return q.feed(ctx, nil, args...)
}

// migrate moves the objects into the repository: packs before their indexes, since an index is what makes one seen.
func (q quarantine) migrate() error {
	var found []string
	err := filepath.WalkDir(q.dir, func(path string, d fs.DirEntry, err error) error {
		if rel, relErr := filepath.Rel(q.dir, path); err == nil && relErr == nil && d.Type().IsRegular() && filepath.Dir(rel) != "." {
			found = append(found, rel)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(found, func(a, b string) int {
		return rank(a) - rank(b)
	})
	for _, rel := range found {
		to := filepath.Join(q.main, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(q.dir, rel), to); err != nil {
			return err
		}
	}
	return nil
}

func rank(path string) int {
	if strings.HasSuffix(path, ".idx") {
		return 1
	}
	return 0
}
