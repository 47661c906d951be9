package store

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"regexp"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"paas"
)

var cmpPrefix = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func validID(id string, n int) bool {
	return regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(id) && len(id) == n
}

func hint(err error) string {
	if e, ok := errors.AsType[*paas.Error](err); ok {
		return e.Hint
	}
	return ""
}

func paasMessage(err error) string {
	if e, ok := errors.AsType[*paas.Error](err); ok {
		return e.Message
	}
	return ""
}

// invariants says where records and indexes disagree, and where bbolt finds its pages wrong.
func invariants(tx *bbolt.Tx) error {
	var errs []error
	for err := range tx.Check() {
		errs = append(errs, err)
	}
	apps, err := list[paas.App](tx.Bucket(bucketApps))
	errs = append(errs, err)
	ids := map[string]bool{}
	for _, app := range apps {
		ids[app.ID] = true
		if got := tx.Bucket(bucketAppNames).Get([]byte(app.Name)); string(got) != app.ID {
			errs = append(errs, fmt.Errorf("name %s leads to %q", app.Name, got))
		}
		if got := tx.Bucket(bucketSubnets).Get(subnetKey(app.Subnet)); string(got) != app.ID {
			errs = append(errs, fmt.Errorf("subnet %s is of %q", app.Subnet, got))
		}
	}
	errs = append(errs,
		counted(tx, bucketAppNames, len(apps)), counted(tx, bucketDomains, size(tx, bucketAppDomains)),
		counted(tx, bucketKeyPrints, size(tx, bucketKeys)), counted(tx, bucketTokenSums, size(tx, bucketTokens)),
		owned(tx, bucketAppDomains, ids), openReleases(tx), openRecords(tx, builds()), openRecords(tx, runs()))
	for _, bucket := range perApp() {
		errs = append(errs, counted(tx, bucket, len(apps)), owned(tx, bucket, ids))
	}
	return errors.Join(errs...)
}

func size(tx *bbolt.Tx, bucket []byte) int {
	n := 0
	for c, k := cursor(tx, bucket); k != nil; k, _ = c.Next() {
		n++
	}
	return n
}

func cursor(tx *bbolt.Tx, bucket []byte) (*bbolt.Cursor, []byte) {
	c := tx.Bucket(bucket).Cursor()
	k, _ := c.First()
	return c, k
}

func counted(tx *bbolt.Tx, bucket []byte, want int) error {
	if got := size(tx, bucket); got != want {
		return fmt.Errorf("%s holds %d entries, want %d", bucket, got, want)
	}
	return nil
}

// owned says whether each key of the bucket begins with an app's id.
func owned(tx *bbolt.Tx, bucket []byte, ids map[string]bool) error {
	for c, k := cursor(tx, bucket); k != nil; k, _ = c.Next() {
		if len(k) < appIDLength || !ids[string(k[:appIDLength])] {
			return fmt.Errorf("entry %q of %s is of no app", k, bucket)
		}
	}
	return nil
}

func openReleases(tx *bbolt.Tx) error {
	return indexed(tx, bucketReleases, bucketPendingReleases, func(b *bbolt.Bucket, k []byte) (bool, error) {
		l, _, err := get[ledgerRecord](b, k)
		return l.Outcome.Status == paas.ReleasePending, err
	})
}

func openRecords[T any](tx *bbolt.Tx, s series[T]) error {
	return indexed(tx, s.bucket, s.unfinished, func(b *bbolt.Bucket, k []byte) (bool, error) {
		v, _, err := get[T](b, k)
		return !s.finished(v), err
	})
}

// indexed says whether the index names exactly the records that are open.
func indexed(tx *bbolt.Tx, bucket, index []byte, isOpen func(b *bbolt.Bucket, k []byte) (bool, error)) error {
	want := 0
	for c, app := cursor(tx, bucket); app != nil; app, _ = c.Next() {
		b := tx.Bucket(bucket).Bucket(app)
		err := b.ForEach(func(k, _ []byte) error {
			open, err := isOpen(b, k)
			if err != nil || !open {
				return err
			}
			want++
			if tx.Bucket(index).Get(bytes.Join([][]byte{app, k}, nil)) == nil {
				return fmt.Errorf("%s lacks %s %x", index, app, k)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return counted(tx, index, want)
}
