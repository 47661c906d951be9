package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"paas"
)

// wantRefused fails unless Open refuses the store in dir, names the file, and leaves both files as they are.
func wantRefused(t *testing.T, dir, file string) {
	t.Helper()
	db, key := contents(t, dir)
	opened, err := Open(dir, Options{})
	if err == nil {
		opened.Close()
		t.Fatal("it was opened")
	}
	wantCode(t, err, paas.Unavailable)
	if !strings.Contains(err.Error(), filepath.Join(dir, file)) {
		t.Errorf("%q does not name %s", err, file)
	}
	dbAfter, keyAfter := contents(t, dir)
	if !bytes.Equal(db, dbAfter) || !bytes.Equal(key, keyAfter) {
		t.Error("a file was changed")
	}
}

func contents(t testing.TB, dir string) (db, key []byte) {
	t.Helper()
	db = must(os.ReadFile(filepath.Join(dir, dbFile)))(t)
	key, _ = os.ReadFile(filepath.Join(dir, keyFile))
	return db, key
}

// damaged is a copy of a filled store's directory with another database file.
func damaged(t testing.TB, dir string, db []byte) string {
	t.Helper()
	to := t.TempDir()
	_, key := contents(t, dir)
	check(t, os.WriteFile(filepath.Join(to, keyFile), key, 0o600))
	check(t, os.WriteFile(filepath.Join(to, dbFile), db, 0o600))
	return to
}

func TestATruncatedFileIsRefusedOrWhole(t *testing.T) {
	dir, id := filled(t)
	db, _ := contents(t, dir)
	sizes := []int{0, 1, 15, 16, 79, 80, 100, 1024, 4095, 4096, 4097, 8191, 8192, 8193, 12288, 16384}
	for n := 20000; n < len(db); n += 4096 + 1000 {
		sizes = append(sizes, n)
	}
	refused := 0
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			to := damaged(t, dir, db[:size])
			if checkStructure(bytes.NewReader(db[:size]), int64(size)) == nil {
				wantWhole(t, to, id) // only unused space at the end was lost
				return
			}
			refused++
			wantRefused(t, to, dbFile)
		})
	}
	if refused < 20 {
		t.Errorf("only %d of %d were refused", refused, len(sizes))
	}
}

func wantWhole(t *testing.T, dir, id string) {
	t.Helper()
	db := open(t, dir)
	check(t, db.VerifyReleases(id))
	check(t, db.bolt.View(invariants))
}

func TestWhatIsNotABoltFileIsRefused(t *testing.T) {
	dir, _ := filled(t)
	for name, db := range map[string][]byte{
		"empty":  {},
		"zeros":  make([]byte, 1<<16),
		"text":   []byte(strings.Repeat("not a database\n", 10_000)),
		"short":  []byte("x"),
		"sqlite": append([]byte("SQLite format 3\x00"), make([]byte, 32<<10)...),
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, damaged(t, dir, db), dbFile) })
	}
}

func TestWhatIsNotAFileIsRefused(t *testing.T) {
	dir, _ := filled(t)
	path := filepath.Join(dir, dbFile)
	check(t, os.Remove(path))
	check(t, os.Mkdir(path, 0o700))
	if _, err := Open(dir, Options{}); err == nil {
		t.Error("a directory was opened")
	}
}

func TestTheFileOfAnotherApplicationIsRefused(t *testing.T) {
	for name, fill := range map[string]func(tx *bbolt.Tx) error{
		"empty": func(*bbolt.Tx) error { return nil },
		"other buckets": func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("widgets"))
			return err
		},
		"a meta bucket of its own": func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucket(bucketMeta)
			if err != nil {
				return err
			}
			return b.Put([]byte("schema"), []byte("1"))
		},
	} {
		for _, noFreelist := range []bool{false, true} {
			t.Run(fmt.Sprint(name, noFreelist), func(t *testing.T) {
				dir, _ := filled(t)
				path := filepath.Join(dir, dbFile)
				check(t, os.Remove(path))
				other := must(bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: noFreelist}))(t)
				check(t, other.Update(fill))
				check(t, other.Close())
				wantRefused(t, dir, dbFile)
			})
		}
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	dir, _ := filled(t)
	editMeta(t, dir, func(b *bbolt.Bucket) error { return b.Put(metaSchema, number(len(schema())+1)) })
	wantRefused(t, dir, dbFile)
}

func TestADamagedRecordIsSaidWithTheWayBack(t *testing.T) {
	dir, id := filled(t)
	edit(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(bucketApps).Put([]byte(id), []byte(`{"name":#`)) })
	db := open(t, dir)
	_, one := db.App(id)
	_, all := db.Apps()
	for _, err := range []error{one, all} {
		wantCode(t, err, paas.Unavailable)
		if !strings.Contains(err.Error(), filepath.Join(dir, dbFile)) || !strings.Contains(err.Error(), id) {
			t.Errorf("%q does not name the file and the record", err)
		}
	}
}

func TestAMissingBucketIsRefused(t *testing.T) {
	dir, _ := filled(t)
	edit(t, dir, func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucketRuns) })
	wantRefused(t, dir, dbFile)
}

func TestWithoutItsMasterKeyAFileIsRefused(t *testing.T) {
	other, _ := filled(t)
	_, otherKey := contents(t, other)
	for name, key := range map[string][]byte{"missing": nil, "empty": {}, "short": otherKey[:31], "long": append(otherKey, 0), "another": otherKey} {
		t.Run(name, func(t *testing.T) {
			dir, _ := filled(t)
			path := filepath.Join(dir, keyFile)
			check(t, os.Remove(path))
			if key != nil {
				check(t, os.WriteFile(path, key, 0o600))
			}
			file := keyFile
			if name == "another" {
				file = dbFile
			}
			wantRefused(t, dir, file)
		})
	}
}

func TestAMasterKeyThatOthersCanReadIsRefused(t *testing.T) {
	dir, _ := filled(t)
	check(t, os.Chmod(filepath.Join(dir, keyFile), 0o640))
	wantRefused(t, dir, keyFile)
}

func TestOneDamagedMetaPageIsSurvivedAndTwoAreRefused(t *testing.T) {
	dir, id := filled(t)
	db, _ := contents(t, dir)
	pageSize := os.Getpagesize()
	for at := headerBytes; at < headerBytes+metaBytes; at += 3 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			for _, offset := range []int{at, pageSize + at} {
				bad := bytes.Clone(db)
				bad[offset] ^= 0x41
				wantWhole(t, damaged(t, dir, bad), id)
			}
			bad := bytes.Clone(db)
			bad[at] ^= 0x41
			bad[pageSize+at] ^= 0x41
			wantRefused(t, damaged(t, dir, bad), dbFile)
		})
	}
}

func TestAMetaPageThatLiesIsRefused(t *testing.T) {
	dir, _ := filled(t)
	db, _ := contents(t, dir)
	for name, offset := range map[string]int{"page size": 8, "root": 16, "free list": 32, "end": 40} {
		t.Run(name, func(t *testing.T) {
			bad := bytes.Clone(db)
			for _, page := range []int{0, os.Getpagesize()} {
				bad[page+headerBytes+offset+2] ^= 0xff
			}
			sign(bad)
			wantRefused(t, damaged(t, dir, bad), dbFile)
		})
	}
}

func TestADamagedPageHeaderIsRefusedOrUnused(t *testing.T) {
	dir, id := filled(t)
	db, _ := contents(t, dir)
	refused := 0
	for page := 2 * os.Getpagesize(); page < len(db); page += os.Getpagesize() {
		for _, at := range []int{0, 8, 11, 14} {
			bad := bytes.Clone(db)
			bad[page+at] ^= 0x7f
			if checkStructure(bytes.NewReader(bad), int64(len(bad))) == nil {
				wantWhole(t, damaged(t, dir, bad), id)
				continue
			}
			refused++
			wantRefused(t, damaged(t, dir, bad), dbFile)
		}
	}
	if refused < 8 {
		t.Errorf("only %d were refused", refused)
	}
}

// sign gives both meta pages the checksum of what they say.
func sign(db []byte) {
	for _, page := range []int{0, os.Getpagesize()} {
		m := db[page+headerBytes : page+headerBytes+metaBytes]
		native.PutUint64(m[metaSummed:], sumOf(m[:metaSummed]))
	}
}

// FuzzADamagedFileNeverPanics changes bytes anywhere: what the check lets through, bbolt must open, read, write and close.
func FuzzADamagedFileNeverPanics(f *testing.F) {
	dir, id := filled(f)
	db, _ := contents(f, dir)
	f.Add(uint32(0), []byte{1}, false)
	f.Add(uint32(16), bytes.Repeat([]byte{0xff}, 64), false)
	f.Add(uint32(3*4096+8), []byte{1, 0}, false)
	f.Add(uint32(4*4096+16), binary.LittleEndian.AppendUint64(nil, 1<<40), false)
	f.Add(uint32(3*4096+99), []byte("\x000"), false) // a key of a branch page that is out of step with its page
	f.Add(uint32(16+16), []byte{9}, true)
	f.Add(uint32(4096+16+40), []byte{1}, true)
	f.Add(uint32(4096+16+10), []byte("\x98#\x98\xc3\xf8\xed\xbeg0"), true) // the newer meta page, of another page size
	f.Fuzz(func(t *testing.T, at uint32, change []byte, forge bool) {
		bad := bytes.Clone(db)
		copy(bad[int(at)%len(bad):], change)
		if forge {
			sign(bad)
		}
		store, err := Open(damaged(t, dir, bad), Options{})
		if err != nil {
			wantCode(t, err, paas.Unavailable)
			return
		}
		defer store.Close()
		exercise(store, id)
	})
}

// exercise reads and writes; values may be damaged, so errors are fine.
func exercise(db *DB, id string) {
	_, _ = db.Apps()
	_, _ = db.Releases(id)
	_, _ = db.PendingReleases()
	_ = db.VerifyReleases(id)
	_, _ = db.Builds(id)
	_, _ = db.Domains(id)
	_, _ = db.Keys()
	_, _ = db.AppendRelease(paas.Release{App: id}, paas.Config{"A": strings.Repeat("x", 30_000)})
	_, _ = db.CreateApp("other", "")
	_ = db.DeleteApp(id)
}

// edit changes a closed store's file behind its back.
func edit(t testing.TB, dir string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db := must(bbolt.Open(filepath.Join(dir, dbFile), 0o600, nil))(t)
	check(t, db.Update(fn))
	check(t, db.Close())
}

func editMeta(t testing.TB, dir string, fn func(*bbolt.Bucket) error) {
	t.Helper()
	edit(t, dir, func(tx *bbolt.Tx) error { return fn(tx.Bucket(bucketMeta)) })
}
