package writer

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/uuid"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer/parquet"
)

// openFile is a Parquet file being written.
type openFile struct {
	layout    *layout
	partition partitioning.Value
	f         *os.File
	buf       *bufio.Writer   // the table's, too
	pq        *parquet.Writer // the table's, which writes this file now
	rows      int64
	deleted   int64
	stats     *stats
	prints    uint64
	keys      uint64
	states    states
	min, max  time.Time
}

// create opens the next file of the current partition.
func (w *Writer) create() (*openFile, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("name a file: %w", err)
	}
	name := fmt.Sprintf("part-%05d-%s.zstd.parquet", w.count, id)
	f, err := os.OpenFile(filepath.Join(w.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create file: %w", err)
	}
	w.count++
	out := &openFile{
		layout: w.layout, partition: w.partition, f: f, buf: w.buf, pq: w.pq, stats: newStats(w.table),
	}
	out.buf.Reset(f)
	if err := out.pq.Begin(out.buf); err != nil {
		return nil, errors.Join(err, out.remove())
	}
	return out, nil
}

// write appends a row group.
func (o *openFile) write(b arrow.RecordBatch) error {
	if err := o.pq.Write(b); err != nil {
		return fmt.Errorf("write row group of %d rows: %w", b.NumRows(), err)
	}
	o.rows += b.NumRows()
	if at := o.layout.gone; at >= 0 {
		o.deleted += b.NumRows() - int64(b.Column(at).NullN())
	}
	o.stats.add(b)
	for _, h := range schema.Fingerprint(b) {
		o.prints += h
	}
	for _, h := range schema.KeyHashes(b, o.layout.table.Key) {
		o.keys += h
	}
	if o.layout.state >= 0 {
		o.states.add(b.Column(o.layout.state))
	}
	o.addTimes(b)
	return nil
}

// addTimes widens the range of time by the rows of b, which may be unsorted.
func (o *openFile) addTimes(b arrow.RecordBatch) {
	if o.layout.time < 0 {
		return
	}
	col := b.Column(o.layout.time).(*array.Timestamp)
	if col.NullN() > 0 { // only a table without windows may have rows without time
		for i := range col.Len() {
			if col.IsValid(i) {
				o.addTime(col.Value(i))
			}
		}
		return
	}
	o.addTime(slices.Min(col.TimestampValues()))
	o.addTime(slices.Max(col.TimestampValues()))
}

func (o *openFile) addTime(v arrow.Timestamp) {
	t := v.ToTime(arrow.Microsecond)
	if o.min.IsZero() || t.Before(o.min) {
		o.min = t
	}
	if o.max.IsZero() || t.After(o.max) {
		o.max = t
	}
}

// finish writes the footer. The file is not synced: it is work in progress, and
// the sink makes its own copy durable before a commit names it.
func (o *openFile) finish() (File, error) {
	if err := o.pq.Finish(); err != nil {
		return File{}, err
	}
	if err := o.buf.Flush(); err != nil {
		return File{}, fmt.Errorf("write file: %w", err)
	}
	info, err := o.f.Stat()
	if err != nil {
		return File{}, fmt.Errorf("stat file: %w", err)
	}
	if err := o.f.Close(); err != nil {
		return File{}, fmt.Errorf("close file: %w", err)
	}
	return File{
		Path: o.f.Name(), Name: filepath.Base(o.f.Name()), Partition: o.partition,
		Rows: o.rows, Bytes: info.Size(), Stats: o.stats.json(),
		Fingerprint: o.prints, Keys: o.keys, States: o.states.counts(), Deleted: o.deleted, MinTime: o.min, MaxTime: o.max,
	}, nil
}

// remove closes and deletes the file, finished or not.
func (o *openFile) remove() error {
	if err := o.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errors.Join(err, os.Remove(o.f.Name()))
	}
	return os.Remove(o.f.Name())
}
