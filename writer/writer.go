package writer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer/parquet"
)

// Options are the sizes of what is written. Zero fields and nil mean the
// defaults.
type Options struct {
	TargetBytes   int64  // a file is closed when it has reached this size; default 128 MiB
	RowGroupBytes int64  // largest row group, in bytes of Arrow; default 16 MiB
	MaxRowGroups  int    // a file is closed when it has this many; default 40
	Version       string // of Paylake; the files' created_by is "paylake version <Version>"; default "dev"
}

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.TargetBytes <= 0 {
		out.TargetBytes = 128 << 20
	}
	if out.RowGroupBytes <= 0 {
		out.RowGroupBytes = 16 << 20
	}
	if out.MaxRowGroups <= 0 {
		out.MaxRowGroups = 40
	}
	if out.Version == "" {
		out.Version = "dev"
	}
	return out
}

// File is a finished Parquet file: a local one, or one that a sink has put
// where its table lies.
type File struct {
	Path        string             // where it lies on this machine; "" when it is stored and was removed here
	Stored      string             // path below the table's root where it lies in the store already; "" for a local file
	Name        string             // its base name, unique: part-00000-<uuid>.zstd.parquet
	Partition   partitioning.Value //
	Rows        int64              //
	Bytes       int64              // size of the file
	Stats       string             // Delta statistics, JSON (PROTOCOL.md, "Per-file Statistics")
	Fingerprint uint64             // sum of the rows' schema.Fingerprint, modulo 2^64
	Keys        uint64             // sum of the rows' schema.KeyHashes, modulo 2^64
	States      map[string]int64   // rows by the table's state column, null as ""; nil without one, or where there are more than 64 states
	Deleted     int64              // rows with a value in schema.ColumnDeletedAt
	MinTime     time.Time          // oldest and newest value of the table's time column, UTC;
	MaxTime     time.Time          // zero if it has none
}

// Writer writes the files of one table, one at a time. It is not safe for
// concurrent use.
type Writer struct {
	table  *schema.Table
	dir    string
	opts   Options
	layout *layout
	pq     *parquet.Writer
	buf    *bufio.Writer

	partition partitioning.Value
	pending   []arrow.RecordBatch // small neighbours, which share the memory of their batches
	held      int64               // bytes of pending
	file      *openFile           // nil between files
	count     int                 // files begun so far
	done      []File              // finished, not yet reported
	err       error               // first failure; the writer is unusable after it
}

// New returns a writer of files of table t into the existing directory dir,
// which stays the caller's. The table is the effective one: batches have
// exactly t.ArrowSchema() as their schema.
func New(t *schema.Table, spec partitioning.Spec, dir string, opts *Options) (*Writer, error) {
	o := opts.withDefaults()
	l, err := newLayout(t, o.Version)
	if err == nil && spec.Column != "" && len(l.schema.FieldIndices(spec.Column)) > 0 {
		err = fmt.Errorf("column %q is the partition column, which no file holds, and a field of the table", spec.Column)
	}
	if err != nil {
		return nil, fmt.Errorf("write table %s: %w", t.Name, err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("write table %s: %q is not a directory that can be written to", t.Name, dir)
	}
	pq, err := parquet.NewWriter(l.files)
	if err != nil {
		return nil, fmt.Errorf("write table %s: %w", t.Name, err)
	}
	return &Writer{table: t, dir: dir, opts: o, layout: l, pq: pq, buf: bufio.NewWriterSize(nil, 256<<10)}, nil
}

// Write takes the rows of one part. Partitions arrive in order: a part of
// another partition closes the file of the one before. A part smaller than half
// a row group may wait for its neighbours until the partition ends; it then
// keeps the memory of the batch it is a slice of. The caller releases its own
// reference in any case. After an error only Abort is of use.
func (w *Writer) Write(ctx context.Context, p partitioning.Part) error {
	if w.err != nil {
		return w.err
	}
	if err := guard(func() error { return w.write(ctx, p) }); err != nil {
		w.err = fmt.Errorf("write table %s partition %q: %w", w.table.Name, p.Value, err)
	}
	return w.err
}

func (w *Writer) write(ctx context.Context, p partitioning.Part) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !p.Rows.Schema().Equal(w.layout.schema) {
		return fmt.Errorf("batch has the schema %s, want that of the table: %s", p.Rows.Schema(), w.layout.schema)
	}
	if p.Value != w.partition {
		if err := w.closePartition(); err != nil {
			return err
		}
		w.partition = p.Value
	}
	if p.Rows.NumRows() == 0 {
		return nil
	}
	size := batchBytes(p.Rows, all)
	if w.held+size > w.opts.RowGroupBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.held+size < w.opts.RowGroupBytes/2 {
		w.hold(p.Rows, size)
		return nil
	}
	return w.writeWithHeld(ctx, p.Rows, size)
}

// guard turns a panic of the Arrow and Parquet libraries into an error: arrays
// that contradict themselves are no reason to end the process.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("arrow library: %v", r)
		}
	}()
	return f()
}

// Finish closes what is open and returns the files finished since the last
// Finish. They are the caller's from then on. The writer can go
// on with other rows.
func (w *Writer) Finish(ctx context.Context) ([]File, error) {
	if w.err != nil {
		return nil, w.err
	}
	err := ctx.Err()
	if err == nil {
		err = guard(w.closePartition)
	}
	if err != nil {
		w.err = fmt.Errorf("finish files of table %s: %w", w.table.Name, err)
		return nil, w.err
	}
	files := w.done
	w.done = nil
	return files, nil
}

// Abort removes the files that are open or that Finish has not reported, and
// frees the rows that wait. It is fine after Finish, after an error and twice;
// the writer is of no more use.
func (w *Writer) Abort() error {
	w.release()
	var errs []error
	if w.file != nil {
		errs = append(errs, w.file.remove())
		w.file = nil
	}
	for _, f := range w.done {
		errs = append(errs, os.Remove(f.Path))
	}
	w.done = nil
	if w.err == nil {
		w.err = errors.New("the writer was aborted")
	}
	return errors.Join(errs...)
}

// closePartition writes what waits and closes the open file.
func (w *Writer) closePartition() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.closeFile()
}

func (w *Writer) closeFile() error {
	if w.file == nil {
		return nil
	}
	f, err := w.file.finish()
	if err != nil {
		return err
	}
	w.file = nil
	w.done = append(w.done, f)
	return nil
}
