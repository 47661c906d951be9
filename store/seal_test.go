package store

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"paas"
)

func TestNoConfigValueIsInAnyFile(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	app := must(db.CreateApp("hello", ""))(t)
	kept := strings.Repeat("kept value ", 3)
	must(db.KeepConfig(app.ID, paas.Config{"KEPT": kept}))(t)
	for range 5 {
		must(db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"SECRET": secret}))(t)
	}
	check(t, db.Close())
	for _, e := range must(os.ReadDir(dir))(t) {
		data := must(os.ReadFile(filepath.Join(dir, e.Name())))(t)
		for _, value := range []string{secret, kept} {
			for _, form := range []string{value, base64.StdEncoding.EncodeToString([]byte(value)), hex.EncodeToString([]byte(value))} {
				if bytes.Contains(data, []byte(form)) {
					t.Errorf("%s holds %q", e.Name(), form)
				}
			}
		}
	}
}

func TestTheSameConfigIsSealedDifferentlyEachTime(t *testing.T) {
	s := must(newSealer(make([]byte, masterKeyBytes)))(t)
	plain, bucket, key := []byte("value"), []byte("b"), []byte("k")
	if bytes.Equal(s.seal(plain, bucket, key), s.seal(plain, bucket, key)) {
		t.Error("a nonce was used twice")
	}
}

func TestASealedConfigOpensOnlyInItsPlace(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	a, b := must(db.CreateApp("a", ""))(t), must(db.CreateApp("b", ""))(t)
	must(db.KeepConfig(a.ID, paas.Config{"OF": "a"}))(t)
	must(db.KeepConfig(a.ID, paas.Config{"OF": "a again"}))(t)
	must(db.KeepConfig(b.ID, paas.Config{"OF": "b"}))(t)
	check(t, db.Close())
	edit(t, dir, func(tx *bbolt.Tx) error {
		of := func(app paas.App) *bbolt.Bucket { return tx.Bucket(bucketConfigs).Bucket([]byte(app.ID)) }
		sealed := bytes.Clone(of(a).Get(number(1)))
		if err := of(a).Put(number(2), sealed); err != nil {
			return err
		}
		return of(b).Put(number(1), sealed)
	})
	db = open(t, dir)
	if diff := cmp.Diff(paas.Config{"OF": "a"}, must(db.Config(a.ID, 1))(t)); diff != "" {
		t.Error(diff)
	}
	for _, moved := range []struct {
		app     paas.App
		version int
	}{{a, 2}, {b, 1}} {
		if c, err := db.Config(moved.app.ID, moved.version); err == nil {
			t.Errorf("version %d of %s reads as %v", moved.version, moved.app.Name, c)
		}
	}
}

func TestConfigValuesComeBackByteForByte(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	config := paas.Config{
		"EMPTY": "", "EQUALS": "a=b=c", "SPACES": "  a  b ", "LINES": "a\nb\r\n", "QUOTES": `'"` + "`", "DOLLAR": "$HOME ${X}",
		"EMOJI": "🚀", "LATIN1": "\xe9t\xe9", "BYTES": "\x01\xff\xfe\x80", "HTML": "<&>\u2028", "BIG": strings.Repeat("\xf0", 32<<10),
	}
	r := must(db.AppendRelease(paas.Release{App: app.ID}, config))(t)
	if diff := cmp.Diff(config, must(db.Config(app.ID, r.ConfigVersion))(t)); diff != "" {
		t.Error(diff)
	}
}

func FuzzAConfigRoundTrips(f *testing.F) {
	s := must(newSealer(bytes.Repeat([]byte{7}, masterKeyBytes)))(f)
	f.Add("KEY", "value", "OTHER", "\xff")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		c := paas.Config{strings.ToValidUTF8(k1, "?"): v1, strings.ToValidUTF8(k2, "?"): v2} // keys are ASCII
		sealed := s.seal(must(encodeConfig(c))(t), []byte("b"), []byte(k1))
		got := must(decodeConfig(must(s.open(sealed, []byte("b"), []byte(k1)))(t)))(t)
		if diff := cmp.Diff(c, got); diff != "" {
			t.Error(diff)
		}
	})
}
