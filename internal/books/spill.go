package books

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
)

const (
	rowsPerBucket = 50_000
	maxBuckets    = 2048
	blockBytes    = 16 << 10
)

// spill keeps rows on disk, in buckets by the hash of a key: rows of one key are
// in one bucket. Not safe for concurrent use.
type spill struct {
	f       *os.File
	seed    maphash.Seed
	size    int64
	buckets []bucket
}

// bucket is a share of the rows: blocks in the file, and what was not written yet.
type bucket struct {
	blocks []block
	buf    []byte
	bytes  int64
}

type block struct {
	off int64
	n   int
}

// newSpill makes a spill for about so many rows. Close it.
func newSpill(dir string, rows int64) (*spill, error) {
	f, err := os.CreateTemp(dir, "books-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file in the work folder: %w", err)
	}
	n := min(max(rows/rowsPerBucket, 1), maxBuckets)
	return &spill{f: f, seed: maphash.MakeSeed(), buckets: make([]bucket, n)}, nil
}

// add keeps a row under a key. The row may be used again afterwards.
func (s *spill) add(key string, row []byte) error {
	b := &s.buckets[maphash.String(s.seed, key)%uint64(len(s.buckets))]
	if len(b.buf) > 0 && len(b.buf)+len(row) > blockBytes {
		if _, err := s.f.WriteAt(b.buf, s.size); err != nil {
			return fmt.Errorf("write %s: %w", s.f.Name(), err)
		}
		b.blocks = append(b.blocks, block{s.size, len(b.buf)})
		s.size += int64(len(b.buf))
		b.buf = b.buf[:0]
	}
	if b.buf == nil {
		b.buf = make([]byte, 0, max(blockBytes, len(row)))
	}
	b.buf = append(b.buf, row...)
	b.bytes += int64(len(row))
	return nil
}

// read returns the rows of a bucket, in the order in which they were added.
func (s *spill) read(i int) ([]byte, error) {
	b := &s.buckets[i]
	out := make([]byte, 0, b.bytes)
	for _, k := range b.blocks {
		n := len(out)
		out = out[:n+k.n]
		if _, err := s.f.ReadAt(out[n:], k.off); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", s.f.Name(), err)
		}
	}
	return append(out, b.buf...), nil
}

// close removes the file.
func (s *spill) close() error {
	err := errors.Join(s.f.Close(), os.Remove(s.f.Name()))
	if err != nil {
		return fmt.Errorf("remove a temporary file: %w", err)
	}
	return nil
}
