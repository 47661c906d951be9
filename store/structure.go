package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// The layout of a bbolt file, format 2: pages of a fixed size with a header of 16 bytes; the first two are meta pages; the rest
// make B+ trees of branch and leaf pages, and the list of free pages. Integers are in the machine's own byte order.
// Source: go.etcd.io/bbolt/internal/common, page.go, meta.go, bucket.go.
const (
	boltMagic  = 0xED0CDAED
	boltFormat = 2

	headerBytes  = 16
	elementBytes = 16 // of branch and leaf pages alike
	bucketBytes  = 16 // in front of an inline page
	metaBytes    = 64
	metaSummed   = 56

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10

	elementIsBucket = 0x01
	countInFirstID  = 0xFFFF // a freelist that is longer than the header can say

	minPageSize = 1 << 10
	maxPageSize = 1 << 24
	maxDepth    = 64 // of trees within trees; a store has 7 or so
)

var native = binary.NativeEndian

// structure walks the pages that can be reached from the newer valid meta page.
type structure struct {
	file     io.ReaderAt
	pageSize uint64
	end      uint64 // the first page id that is not in use
	seen     map[uint64]bool
}

// checkStructure reads a bbolt file of size bytes as bbolt would and says what it could not follow. It proves that bbolt can
// open, read and write the file without leaving it or its pages; not that values are what was written.
func checkStructure(file io.ReaderAt, size int64) error {
	m, err := readMeta(file)
	if err != nil {
		return err
	}
	if m.end > uint64(size)/m.pageSize {
		return fmt.Errorf("it is cut off: %d bytes of at least %d pages of %d", size, m.end, m.pageSize)
	}
	s := &structure{file: file, pageSize: m.pageSize, end: m.end, seen: map[uint64]bool{0: true, 1: true}}
	if err := s.tree(m.root, span{}, 0); err != nil {
		return err
	}
	return s.freelist(m.freelist)
}

// page is a page with its overflow, or an inline one.
type page struct {
	id    uint64
	flags uint16
	count int
	data  []byte // from the header on
	in    span   // where its keys must lie
}

// span is a range of keys: from low on, and below high; nil is no bound.
type span struct {
	low, high []byte
}

func (r span) holds(key []byte) bool {
	return bytes.Compare(key, r.low) >= 0 && (r.high == nil || bytes.Compare(key, r.high) < 0)
}

// page reads one, at its first and only mention.
func (s *structure) page(id uint64) (page, error) {
	if id >= s.end {
		return page{}, fmt.Errorf("page %d is beyond the end, %d", id, s.end)
	}
	var header [headerBytes]byte
	if _, err := s.file.ReadAt(header[:], int64(id*s.pageSize)); err != nil {
		return page{}, fmt.Errorf("read page %d: %w", id, err)
	}
	more := uint64(native.Uint32(header[12:]))
	if native.Uint64(header[:]) != id || more >= s.end-id {
		return page{}, fmt.Errorf("page %d is not one", id)
	}
	for n := id; n <= id+more; n++ {
		if s.seen[n] {
			return page{}, fmt.Errorf("page %d is used twice", n)
		}
		s.seen[n] = true
	}
	data := make([]byte, (more+1)*s.pageSize)
	if _, err := s.file.ReadAt(data, int64(id*s.pageSize)); err != nil {
		return page{}, fmt.Errorf("read page %d: %w", id, err)
	}
	return parsePage(id, data), nil
}

func parsePage(id uint64, data []byte) page {
	return page{id: id, flags: native.Uint16(data[8:]), count: int(native.Uint16(data[10:])), data: data}
}

// tree checks a bucket's pages from its root page down, and the buckets in it.
func (s *structure) tree(root uint64, in span, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d lies too deep", root)
	}
	p, err := s.page(root)
	if err != nil {
		return err
	}
	p.in = in
	switch p.flags {
	case flagBranch:
		return s.branch(p, depth)
	case flagLeaf:
		return s.leaf(p, depth)
	}
	return fmt.Errorf("page %d is neither branch nor leaf: flags %x", p.id, p.flags)
}

func (s *structure) branch(p page, depth int) error {
	if p.count == 0 {
		return fmt.Errorf("branch page %d is empty", p.id)
	}
	below := make([]span, p.count)
	pages := make([]uint64, p.count)
	var last []byte
	for i := range p.count {
		e, at, err := p.element(i)
		if err != nil {
			return err
		}
		if last, _, err = p.entry(at, uint64(native.Uint32(e)), uint64(native.Uint32(e[4:])), 0, last); err != nil {
			return err
		}
		below[i], pages[i] = span{low: last, high: p.in.high}, native.Uint64(e[8:])
		if i > 0 {
			below[i-1].high = last
		}
	}
	for i, id := range pages {
		if err := s.tree(id, below[i], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *structure) leaf(p page, depth int) error {
	var last []byte
	for i := range p.count {
		e, at, err := p.element(i)
		if err != nil {
			return err
		}
		key, value, err := p.entry(at, uint64(native.Uint32(e[4:])), uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:])), last)
		if err != nil {
			return err
		}
		if native.Uint32(e)&elementIsBucket != 0 {
			if err := s.bucket(p, value, depth); err != nil {
				return err
			}
		}
		last = key
	}
	return nil
}

// bucket checks one that is an entry of page p: a root page of its own, or, for a small one, a leaf page within the value.
func (s *structure) bucket(p page, value []byte, depth int) error {
	if len(value) < bucketBytes {
		return fmt.Errorf("a bucket in page %d is too short", p.id)
	}
	if root := native.Uint64(value); root != 0 {
		return s.tree(root, span{}, depth+1)
	}
	if len(value) < bucketBytes+headerBytes {
		return fmt.Errorf("a bucket in page %d is too short", p.id)
	}
	inline := parsePage(p.id, value[bucketBytes:])
	if inline.flags != flagLeaf || depth > maxDepth {
		return fmt.Errorf("a bucket in page %d is not a leaf", p.id)
	}
	return s.leaf(inline, depth+1)
}

// element returns the ith element of a branch or leaf page and where it is.
func (p page) element(i int) (e []byte, at uint64, err error) {
	from := headerBytes + i*elementBytes
	if from+elementBytes > len(p.data) {
		return nil, 0, fmt.Errorf("page %d has no room for %d elements", p.id, p.count)
	}
	return p.data[from : from+elementBytes], uint64(from), nil
}

// entry returns the key and value at pos from the element at at; keys must follow one another in order, within the page's span.
func (p page) entry(at, pos, keyLen, valueLen uint64, last []byte) (key, value []byte, err error) {
	from := at + pos // none of these can overflow: they were 32 bits wide
	if from+keyLen+valueLen > uint64(len(p.data)) || keyLen == 0 {
		return nil, nil, fmt.Errorf("an entry of page %d lies outside it", p.id)
	}
	key = p.data[from : from+keyLen]
	if last != nil && bytes.Compare(last, key) >= 0 || !p.in.holds(key) {
		return nil, nil, fmt.Errorf("the keys of page %d are out of order", p.id)
	}
	return key, p.data[from+keyLen : from+keyLen+valueLen], nil
}

// freelist checks that what may be overwritten is not in use. A file whose list was never written is not ours.
func (s *structure) freelist(id uint64) error {
	p, err := s.page(id)
	if err != nil {
		return fmt.Errorf("free list: %w", err)
	}
	ids, count := p.data[headerBytes:], uint64(p.count)
	if count == countInFirstID {
		count, ids = native.Uint64(ids), ids[8:]
	}
	if p.flags != flagFreelist || count > uint64(len(ids))/8 {
		return fmt.Errorf("page %d is not a free list", id)
	}
	for ; count > 0; count, ids = count-1, ids[8:] {
		free := native.Uint64(ids)
		if free >= s.end || s.seen[free] {
			return fmt.Errorf("free page %d is in use, or beyond the end", free)
		}
		s.seen[free] = true
	}
	return nil
}
