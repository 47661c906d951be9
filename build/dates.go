package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// datesFile, in a repository, remembers the date of each file that was built last: lines of the date in seconds, the object and
// the path, each with a NUL at its end.
const datesFile = "dates"

// dated is a file of the build before.
type dated struct {
	id      objectID
	seconds int64
}

// date gives each file the date since which it has been what it is: it keeps the one that it had in the build before, or gets that
// of the commit, which is not in the future. The builder takes a file for unchanged by its size and date, so the date's nanoseconds
// are of the content. Folders are as old as the newest file in them. The error is that the dates could not be remembered;
// they are all there.
func (c *contents) date(repo string, commit time.Time) error {
	known, err := readDates(filepath.Join(repo, datesFile))
	seconds := max(0, min(commit.Unix(), time.Now().Unix()))
	changed := len(known) != c.files()
	for name, f := range c.all {
		if f.mode.IsDir() {
			continue
		}
		since, ok := known[name]
		if !ok || since.id != f.id {
			since, changed = dated{f.id, seconds}, true
		}
		f.when = time.Unix(since.seconds, nanosecondsOf(f.id))
		for above := filepath.Dir(name); c.all[above].when.Before(f.when); above = filepath.Dir(above) {
			c.all[above].when = f.when
			if above == "." {
				break
			}
		}
	}
	if changed {
		err = errors.Join(err, c.writeDates(filepath.Join(repo, datesFile)))
	}
	return err
}

func (c *contents) files() int {
	n := 0
	for _, f := range c.all {
		if !f.mode.IsDir() {
			n++
		}
	}
	return n
}

// nanosecondsOf makes the part of a date that is below a second.
func nanosecondsOf(id objectID) int64 {
	n, err := strconv.ParseUint(string(id[:8]), 16, 32)
	if err != nil {
		return 0
	}
	return int64(n % 1e9)
}

// idOf is the name of a text that git does not have.
func idOf(text string) objectID {
	sum := sha256.Sum256([]byte(text))
	return objectID(hex.EncodeToString(sum[:]))
}

// readDates reads what writeDates has written; what is not understood is as if it were not there.
func readDates(file string) (map[string]dated, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	known := make(map[string]dated, strings.Count(string(text), "\x00"))
	for line := range strings.SplitSeq(string(text), "\x00") {
		when, rest, _ := strings.Cut(line, " ")
		id, name, ok := strings.Cut(rest, " ")
		seconds, numErr := strconv.ParseInt(when, 10, 64)
		if ok && numErr == nil {
			known[name] = dated{objectID(id), seconds}
		}
	}
	return known, err
}

// writeDates replaces the file in one step. After a crash it may be the one before, or empty: dates are new then, no more.
func (c *contents) writeDates(file string) error {
	var text []byte
	for name, f := range c.all {
		if !f.mode.IsDir() {
			text = fmt.Appendf(text, "%d %s %s\x00", f.when.Unix(), f.id, name)
		}
	}
	next := file + ".lock"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return os.Rename(next, file)
}
