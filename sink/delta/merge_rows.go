package delta

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// incoming is a row of a Merge.
type incoming struct {
	key       string
	partition partitioning.Value
	file      int   // of the change
	row       int64 // of the file
	extracted int64 // µs since 1970
	time      int64 // µs since 1970, where timed
	timed     bool
	sums      sums   // of this row
	quick     uint64 // print of some columns
}

// incomingRows are the rows of a Merge without their values: one for each key,
// the one that was extracted last.
type incomingRows struct {
	rows   []incoming
	byKey  map[string]int32
	source int64 // rows of the change's files
}

// readIncoming reads the files of a Merge once.
func (t *Table) readIncoming(ctx context.Context, files []writer.File, batch int64) (*incomingRows, error) {
	in := &incomingRows{byKey: map[string]int32{}}
	for i, f := range files {
		if err := in.read(ctx, t.settings.Table, i, f, batch); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// read takes the rows of one file.
func (in *incomingRows) read(ctx context.Context, table *schema.Table, at int, f writer.File, batch int64) (err error) {
	r, err := openRows(ctx, f.Path, nil, batch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	r.schema = table.ArrowSchema()
	for row := int64(0); ; {
		b, err := r.next()
		if errors.Is(err, io.EOF) && row != f.Rows {
			return fmt.Errorf("read %s: it has %d rows, not %d", f.Path, row, f.Rows)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Path, err)
		}
		in.take(table, b, incoming{partition: f.Partition, file: at, row: row})
		row, in.source = row+b.NumRows(), in.source+b.NumRows()
		b.Release()
	}
}

// take adds the rows of a batch, of which from is the first one's place.
func (in *incomingRows) take(table *schema.Table, b arrow.RecordBatch, from incoming) {
	some := project(b, quickColumns(table))
	defer some.Release()
	quick, prints, hashes := schema.Fingerprint(some), schema.Fingerprint(b), schema.KeyHashes(b, table.Key)
	keys, extracted, times := keysOf(b, table.Key), instants(b, schema.ColumnExtractedAt), instants(b, table.Time)
	var buf []byte
	for i := range int(b.NumRows()) {
		buf = keys.append(buf[:0], i)
		r := from
		r.row += int64(i)
		r.extracted, _ = extracted.at(i)
		r.time, r.timed = times.at(i)
		r.sums, r.quick = sums{1, prints[i], hashes[i]}, quick[i]
		at, known := in.byKey[string(buf)]
		switch {
		case !known:
			r.key = string(buf)
			in.byKey[r.key] = int32(len(in.rows))
			in.rows = append(in.rows, r)
		case r.extracted >= in.rows[at].extracted:
			r.key = in.rows[at].key
			in.rows[at] = r
		}
	}
}

// keyColumns spell the key of a row as bytes, the same for files of all engines.
type keyColumns []arrow.Array

// keysOf takes the key columns of a batch that has them.
func keysOf(b arrow.RecordBatch, key []string) keyColumns {
	out := make(keyColumns, len(key))
	for i, name := range key {
		out[i] = b.Column(b.Schema().FieldIndices(name)[0])
	}
	return out
}

// append appends the key of row i: of each column the length of its value and
// the value. Of the only column of a key the length says nothing: it is left out.
func (k keyColumns) append(dst []byte, i int) []byte {
	for _, col := range k {
		start := len(dst)
		if len(k) > 1 {
			dst = append(dst, 0, 0, 0, 0)
		}
		from := len(dst)
		dst = appendKeyValue(dst, col, i)
		if len(k) > 1 {
			binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-from))
		}
	}
	return dst
}

func appendKeyValue(dst []byte, col arrow.Array, i int) []byte {
	if col.IsNull(i) {
		return dst
	}
	switch a := col.(type) {
	case array.StringLike:
		return append(dst, a.Value(i)...)
	case *array.Int64:
		return appendOrdered(dst, a.Value(i))
	case *array.Date32:
		return appendOrdered(dst, int64(a.Value(i)))
	case *array.Timestamp:
		return appendOrdered(dst, microsOf(a, i))
	}
	return append(dst, col.ValueStr(i)...)
}

// appendOrdered appends a number so that bytes are ordered as numbers are.
func appendOrdered(dst []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(v)^1<<63)
}

// firstOf returns the first column's value of a key, as it is spelled there.
func firstOf(key string, columns int) string {
	if columns == 1 {
		return key
	}
	n := binary.BigEndian.Uint32([]byte(key[:4]))
	return key[4 : 4+n]
}

// micros reads instants of any unit; what is absent or no instant has none.
type micros struct{ col *array.Timestamp }

func instants(b arrow.RecordBatch, name string) micros {
	at := b.Schema().FieldIndices(name)
	if len(at) != 1 {
		return micros{}
	}
	col, _ := b.Column(at[0]).(*array.Timestamp)
	return micros{col}
}

// at returns the instant of row i in µs since 1970; false, and the oldest one
// there is, for none.
func (m micros) at(i int) (int64, bool) {
	if m.col == nil || m.col.IsNull(i) {
		return math.MinInt64, false
	}
	return microsOf(m.col, i), true
}

func microsOf(a *array.Timestamp, i int) int64 {
	v := int64(a.Value(i))
	switch a.DataType().(*arrow.TimestampType).Unit {
	case arrow.Second:
		return v * 1_000_000
	case arrow.Millisecond:
		return v * 1000
	case arrow.Nanosecond:
		return v / 1000
	}
	return v
}
