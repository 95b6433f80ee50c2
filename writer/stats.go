package writer

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/paylake/paylake/schema"
)

// indexedLeaves is how many leaf columns have statistics, in schema order; a
// list or a map counts as one (delta.dataSkippingNumIndexedCols, default 32).
const indexedLeaves = 32

// stats gathers the Delta statistics of one file from its batches. Only columns
// that are no structs have any: Polars 2.1.0 fails on a filter by a member of a
// struct when the statistics of a sibling are missing. The leaves of structs
// count among the first 32 all the same, as they do for other writers.
type stats struct {
	rows    int64
	columns []*columnStats
}

// columnStats is what is known of one column.
type columnStats struct {
	name  string
	index int // in the batch
	kind  schema.Type

	nulls    int64
	any      bool // a value was seen: the bounds below are set
	minInt   int64
	maxInt   int64
	minNum   decimal128.Num
	maxNum   decimal128.Num
	minBytes []byte
	maxBytes []byte
}

func newStats(t *schema.Table) *stats {
	s, left := &stats{}, indexedLeaves
	for i, f := range t.Columns() {
		if left <= 0 {
			break
		}
		left -= leaves(f)
		if f.Type != schema.Struct {
			s.columns = append(s.columns, &columnStats{name: f.Name, index: i, kind: f.Type})
		}
	}
	return s
}

// leaves counts the leaf columns of a field.
func leaves(f schema.Field) int {
	if f.Type != schema.Struct {
		return 1
	}
	n := 0
	for _, m := range f.Fields {
		n += leaves(m)
	}
	return n
}

// add takes the rows of a batch into account.
func (s *stats) add(b arrow.RecordBatch) {
	s.rows += b.NumRows()
	for _, c := range s.columns {
		c.add(b.Column(c.index))
	}
}

// add counts nulls and widens the bounds.
func (c *columnStats) add(arr arrow.Array) {
	c.nulls += int64(arr.NullN())
	for i := range arr.Len() {
		if arr.IsNull(i) {
			continue
		}
		switch a := arr.(type) {
		case *array.Int64:
			c.boundInt(a.Value(i))
		case *array.Timestamp:
			c.boundInt(int64(a.Value(i)))
		case *array.Date32:
			c.boundInt(int64(a.Value(i)))
		case *array.Decimal128:
			c.boundNum(a.Value(i))
		case *array.String:
			c.boundBytes(a, i)
		}
	}
}

func (c *columnStats) boundInt(v int64) {
	if !c.any {
		c.minInt, c.maxInt, c.any = v, v, true
		return
	}
	c.minInt, c.maxInt = min(c.minInt, v), max(c.maxInt, v)
}

func (c *columnStats) boundNum(v decimal128.Num) {
	if !c.any {
		c.minNum, c.maxNum, c.any = v, v, true
	}
	if v.Less(c.minNum) {
		c.minNum = v
	}
	if c.maxNum.Less(v) {
		c.maxNum = v
	}
}

// boundBytes compares bytes, as all engines order strings. What it keeps is
// its own: the batch may be gone before the file is finished.
func (c *columnStats) boundBytes(a *array.String, i int) {
	v := a.Value(i)
	if !c.any {
		c.minBytes, c.maxBytes, c.any = []byte(v), []byte(v), true
		return
	}
	if v < string(c.minBytes) {
		c.minBytes = append(c.minBytes[:0], v...)
	}
	if v > string(c.maxBytes) {
		c.maxBytes = append(c.maxBytes[:0], v...)
	}
}

// bounds appends the lowest and the highest value as JSON; nothing where there
// is none or it could mislead.
func (c *columnStats) bounds() (lo, hi []byte) {
	if !c.any {
		return nil, nil
	}
	switch c.kind {
	case schema.Int64:
		return appendInt(c.minInt), appendInt(c.maxInt)
	case schema.Timestamp:
		return millis(c.minInt), millis(c.maxInt)
	case schema.Date:
		return day(c.minInt), day(c.maxInt)
	case schema.Decimal:
		return []byte(c.minNum.ToString(schema.DecimalScale)), []byte(c.maxNum.ToString(schema.DecimalScale))
	case schema.String, schema.JSON:
		return lowText(c.minBytes), highText(c.maxBytes)
	}
	return nil, nil
}

// json returns the statistics as add.stats holds them.
func (s *stats) json() string {
	var lows, highs, nulls members
	for _, c := range s.columns {
		lo, hi := c.bounds()
		lows.add(c.name, lo)
		highs.add(c.name, hi)
		nulls.add(c.name, appendInt(c.nulls))
	}
	return fmt.Sprintf(`{"numRecords":%d,"minValues":{%s},"maxValues":{%s},"nullCount":{%s},"tightBounds":true}`, s.rows, lows, highs, nulls)
}

// members are those of a JSON object, in order.
type members []byte

// add appends a member, or nothing where there is no value.
func (m *members) add(name string, value []byte) {
	if len(value) == 0 {
		return
	}
	if len(*m) > 0 {
		*m = append(*m, ',')
	}
	*m = append(*m, quote(name)...)
	*m = append(append(*m, ':'), value...)
}
