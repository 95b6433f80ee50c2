package writer

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/paylake/paylake/schema"
)

// indexedLeaves is how many leaf columns have statistics, in schema order; a
// list or a map counts as one (delta.dataSkippingNumIndexedCols, default 32).
const indexedLeaves = 32

// stats gathers the Delta statistics of one file from its batches.
type stats struct {
	rows  int64
	nodes []*statNode
}

// statNode is a column or a struct member that has statistics.
type statNode struct {
	name    string
	index   int // of the column in the batch, or of the member in its struct
	kind    schema.Type
	members []*statNode // of a struct

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
	left := indexedLeaves
	return &stats{nodes: statNodes(t.Columns(), &left)}
}

func statNodes(fields []schema.Field, left *int) []*statNode {
	var out []*statNode
	for i, f := range fields {
		if *left == 0 {
			break
		}
		n := &statNode{name: f.Name, index: i, kind: f.Type}
		if f.Type == schema.Struct {
			n.members = statNodes(f.Fields, left)
		} else {
			*left--
		}
		out = append(out, n)
	}
	return out
}

// add takes the rows of a batch into account.
func (s *stats) add(b arrow.RecordBatch) {
	s.rows += b.NumRows()
	for _, n := range s.nodes {
		n.add(b.Column(n.index), nil)
	}
}

// add takes an array into account. A row is null where a struct above is.
func (n *statNode) add(arr arrow.Array, above []arrow.Array) {
	if n.kind == schema.Struct {
		if arr.NullN() > 0 {
			above = append(above[:len(above):len(above)], arr)
		}
		for _, m := range n.members {
			m.add(arr.(*array.Struct).Field(m.index), above)
		}
		return
	}
	valid := func(i int) bool { return true }
	if arr.NullN() > 0 || len(above) > 0 {
		valid = func(i int) bool {
			for _, a := range above {
				if a.IsNull(i) {
					return false
				}
			}
			return arr.IsValid(i)
		}
	}
	n.bound(arr, valid)
}

// bound counts nulls and widens the bounds.
func (n *statNode) bound(arr arrow.Array, valid func(int) bool) {
	for i := range arr.Len() {
		if !valid(i) {
			n.nulls++
			continue
		}
		switch a := arr.(type) {
		case *array.Int64:
			n.boundInt(a.Value(i))
		case *array.Timestamp:
			n.boundInt(int64(a.Value(i)))
		case *array.Date32:
			n.boundInt(int64(a.Value(i)))
		case *array.Decimal128:
			n.boundNum(a.Value(i))
		case *array.String:
			n.boundBytes(a, i)
		}
	}
}

func (n *statNode) boundInt(v int64) {
	if !n.any {
		n.minInt, n.maxInt, n.any = v, v, true
		return
	}
	n.minInt, n.maxInt = min(n.minInt, v), max(n.maxInt, v)
}

func (n *statNode) boundNum(v decimal128.Num) {
	if !n.any {
		n.minNum, n.maxNum, n.any = v, v, true
	}
	if v.Less(n.minNum) {
		n.minNum = v
	}
	if n.maxNum.Less(v) {
		n.maxNum = v
	}
}

// boundBytes compares bytes, as all engines order strings. What it keeps is
// its own: the batch may be gone before the file is finished.
func (n *statNode) boundBytes(a *array.String, i int) {
	v := a.Value(i)
	if !n.any {
		n.minBytes, n.maxBytes, n.any = []byte(v), []byte(v), true
		return
	}
	if v < string(n.minBytes) {
		n.minBytes = append(n.minBytes[:0], v...)
	}
	if v > string(n.maxBytes) {
		n.maxBytes = append(n.maxBytes[:0], v...)
	}
}

// bounds appends the lowest and the highest value as JSON; nothing where there
// is none or it could mislead.
func (n *statNode) bounds() (lo, hi []byte) {
	if !n.any {
		return nil, nil
	}
	switch n.kind {
	case schema.Int64:
		return appendInt(n.minInt), appendInt(n.maxInt)
	case schema.Timestamp:
		return millis(n.minInt), millis(n.maxInt)
	case schema.Date:
		return day(n.minInt), day(n.maxInt)
	case schema.Decimal:
		return []byte(n.minNum.ToString(schema.DecimalScale)), []byte(n.maxNum.ToString(schema.DecimalScale))
	case schema.String, schema.JSON:
		return lowText(n.minBytes), highText(n.maxBytes)
	}
	return nil, nil
}

// json returns the statistics as add.stats holds them.
func (s *stats) json() string {
	var b bytes.Buffer
	b.WriteString(`{"numRecords":`)
	b.Write(appendInt(s.rows))
	b.WriteString(`,"minValues":{`)
	writeNodes(&b, s.nodes, func(n *statNode) []byte { lo, _ := n.bounds(); return lo })
	b.WriteString(`},"maxValues":{`)
	writeNodes(&b, s.nodes, func(n *statNode) []byte { _, hi := n.bounds(); return hi })
	b.WriteString(`},"nullCount":{`)
	writeNodes(&b, s.nodes, func(n *statNode) []byte { return appendInt(n.nulls) })
	b.WriteString(`},"tightBounds":true}`)
	return b.String()
}

// writeNodes writes the members of an object, in schema order. A struct without
// any value has no member.
func writeNodes(b *bytes.Buffer, nodes []*statNode, value func(*statNode) []byte) {
	first := true
	for _, n := range nodes {
		var text []byte
		if n.kind == schema.Struct {
			var inner bytes.Buffer
			writeNodes(&inner, n.members, value)
			if inner.Len() > 0 {
				text = append(append([]byte{'{'}, inner.Bytes()...), '}')
			}
		} else {
			text = value(n)
		}
		if len(text) == 0 {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.Write(quote(n.name))
		b.WriteByte(':')
		b.Write(text)
	}
}
