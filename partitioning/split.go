package partitioning

import (
	"fmt"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Part is the rows of a batch that fall into one partition. Who holds a Part
// releases its Rows.
type Part struct {
	Value Value
	Rows  arrow.RecordBatch
}

// Split cuts a batch whose rows are sorted by the Source column into one part
// per partition, in order. The parts share the batch's memory; the caller
// releases each of them, and the batch as before. Rows that are not sorted, or
// have no time, or a time outside the years 1 to 9999, are an error: the
// decoder never lets them through. An empty batch has no parts.
func (s Spec) Split(b arrow.RecordBatch) ([]Part, error) {
	if b.NumRows() == 0 {
		return nil, nil
	}
	if s.Column == "" {
		b.Retain()
		return []Part{{Rows: b}}, nil
	}
	times, err := s.times(b)
	if err != nil {
		return nil, fmt.Errorf("split batch of %d rows into partitions: %w", b.NumRows(), err)
	}
	var parts []Part
	for i := 0; i < len(times); {
		t := times[i].ToTime(arrow.Microsecond)
		end := arrow.Timestamp(s.Next(t).UnixMicro())
		n := sort.Search(len(times)-i, func(j int) bool { return times[i+j] >= end })
		parts = append(parts, Part{Value: s.Of(t), Rows: b.NewSlice(int64(i), int64(i+n))})
		i += n
	}
	return parts, nil
}

// times returns the values of the Source column, checked.
func (s Spec) times(b arrow.RecordBatch) ([]arrow.Timestamp, error) {
	at := b.Schema().FieldIndices(s.Source)
	if len(at) != 1 {
		return nil, fmt.Errorf("column %q: %d columns have this name, want 1", s.Source, len(at))
	}
	col, ok := b.Column(at[0]).(*array.Timestamp)
	if !ok || col.DataType().(*arrow.TimestampType).Unit != arrow.Microsecond {
		return nil, fmt.Errorf("column %q: type %s, want timestamp[us]", s.Source, b.Column(at[0]).DataType())
	}
	if n := col.NullN(); n > 0 {
		return nil, fmt.Errorf("column %q: %d rows have no time", s.Source, n)
	}
	times := col.TimestampValues()
	for i := 1; i < len(times); i++ {
		if times[i] < times[i-1] {
			return nil, fmt.Errorf("column %q: row %d is older than the row before it; sort by time first", s.Source, i)
		}
	}
	for _, t := range []arrow.Timestamp{times[0], times[len(times)-1]} {
		if y := t.ToTime(arrow.Microsecond).In(s.location()).Year(); y < 1 || y > 9999 {
			return nil, fmt.Errorf("column %q: year %d, want 1 to 9999", s.Source, y)
		}
	}
	return times, nil
}
