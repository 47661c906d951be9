package store

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// meta is what the walk needs of a meta page.
type meta struct {
	pageSize, root, freelist, end, txid uint64
}

// readMeta returns the meta page that bbolt would use: the newer one, or, after a write that was cut off, the other.
func readMeta(file io.ReaderAt) (meta, error) {
	first, err := metaAt(file, 0)
	if err != nil {
		return secondMeta(file, err)
	}
	if err := first.plausible(first.pageSize); err != nil {
		return meta{}, err
	}
	second, err := metaAt(file, int64(first.pageSize))
	if err != nil || second.txid <= first.txid {
		return first, nil
	}
	return second, second.plausible(first.pageSize)
}

// secondMeta looks for the second meta page where the first, which would tell the size of pages, cannot be read.
func secondMeta(file io.ReaderAt, cause error) (meta, error) {
	for size := uint64(minPageSize); size <= maxPageSize; size *= 2 {
		if m, err := metaAt(file, int64(size)); err == nil {
			return m, m.plausible(size)
		}
	}
	return meta{}, fmt.Errorf("it has no valid meta page: %w", cause)
}

// plausible says whether a page that is valid in itself, which is all that bbolt asks, fits where it was found.
func (m meta) plausible(pageSize uint64) error {
	if m.pageSize != pageSize || pageSize < minPageSize || pageSize > maxPageSize || pageSize&(pageSize-1) != 0 {
		return fmt.Errorf("its meta page tells of pages of %d bytes", m.pageSize)
	}
	return nil
}

func metaAt(file io.ReaderAt, offset int64) (meta, error) {
	var b [metaBytes]byte
	if _, err := file.ReadAt(b[:], offset+headerBytes); err != nil {
		return meta{}, err
	}
	switch {
	case native.Uint32(b[0:]) != boltMagic:
		return meta{}, errors.New("no magic number")
	case native.Uint32(b[4:]) != boltFormat:
		return meta{}, errors.New("another format")
	case native.Uint64(b[metaSummed:]) != sumOf(b[:metaSummed]):
		return meta{}, errors.New("wrong checksum")
	}
	return meta{
		pageSize: uint64(native.Uint32(b[8:])), root: native.Uint64(b[16:]), freelist: native.Uint64(b[32:]),
		end: native.Uint64(b[40:]), txid: native.Uint64(b[48:]),
	}, nil
}

func sumOf(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b) // a hash never fails
	return h.Sum64()
}
