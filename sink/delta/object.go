package delta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	pqfile "github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/paylake/paylake/sink/store"
)

const (
	wholeObject = 8 << 20 // up to this size an object is read with one request
	readAhead   = 1 << 20 // bytes fetched at least, else
	batchRows   = 4096
)

// openParquet opens a Parquet object of the store. Close the returned reader's
// ParquetReader.
func openParquet(ctx context.Context, st store.Store, key string, size int64) (*pqarrow.FileReader, error) {
	src, err := openObject(ctx, st, key, size, wholeObject)
	if err != nil {
		return nil, err
	}
	return newParquet(src, key)
}

// openObject reads an object by ranges, up to the size of whole at once.
func openObject(ctx context.Context, st store.Store, key string, size, whole int64) (parquet.ReaderAtSeeker, error) {
	if size > whole {
		return newRangeReader(ctx, st, key, size), nil
	}
	data, err := store.ReadAll(ctx, st, key)
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(data), nil
}

func newParquet(src parquet.ReaderAtSeeker, name string) (*pqarrow.FileReader, error) {
	return newParquetSized(src, name, batchRows)
}

// newParquetSized is newParquet with another number of rows in a batch.
func newParquetSized(src parquet.ReaderAtSeeker, name string, batch int64) (_ *pqarrow.FileReader, err error) {
	defer recovered(&err, name)
	pq, err := pqfile.NewParquetReader(src)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	pq.MetaData().FileMetaData.KeyValueMetadata = nil // Parquet's types, not the Arrow types some engines note beside them
	r, err := pqarrow.NewFileReader(pq, pqarrow.ArrowReadProperties{BatchSize: batch}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, errors.Join(err, pq.Close()))
	}
	return r, nil
}

// recovered turns a panic of the Parquet library about a damaged file into an
// error.
func recovered(err *error, name string) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("read %s: parquet library: %v", name, r)
	}
}

// rangeReader reads an object by ranges, a stretch ahead at a time: the chunks
// of a row group lie side by side. It serves one open file and holds the
// context of its reads, because io.ReaderAt has none.
type rangeReader struct {
	ctx  context.Context
	st   store.Store
	key  string
	size int64

	mu  sync.Mutex
	pos int64
	off int64 // of buf
	buf []byte
}

var _ parquet.ReaderAtSeeker = (*rangeReader)(nil)

func newRangeReader(ctx context.Context, st store.Store, key string, size int64) *rangeReader {
	return &rangeReader{ctx: ctx, st: st, key: key, size: size}
}

// Seek moves the position, which only serves to ask for the size.
func (r *rangeReader) Seek(offset int64, whence int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("read %s: seek to %d", r.key, offset)
	}
	r.pos = offset
	return offset, nil
}

// ReadAt reads from off; it is safe for concurrent use.
func (r *rangeReader) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if off >= r.size {
		return 0, io.EOF
	}
	want := min(int64(len(p)), r.size-off)
	if off < r.off || off+want > r.off+int64(len(r.buf)) {
		if err := r.fetch(off, max(want, min(readAhead, r.size-off))); err != nil {
			return 0, err
		}
	}
	n := copy(p[:want], r.buf[off-r.off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (r *rangeReader) fetch(off, n int64) (err error) {
	body, err := r.st.Open(r.ctx, r.key, off, n)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	r.buf = make([]byte, n)
	r.off = off
	if _, err := io.ReadFull(body, r.buf); err != nil {
		r.buf = nil
		return fmt.Errorf("read %s at %d: %w", r.key, off, err)
	}
	return nil
}
