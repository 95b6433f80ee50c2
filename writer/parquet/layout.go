package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// Column says how a leaf column is written.
type Column struct {
	Path     string   // as Parquet spells it, e.g. "charges.list.element.id"
	Encoding Encoding // of chunks that have values; Plain if zero
	Stats    bool     // write bounds and the number of nulls of each chunk
}

// Layout is what all files of one schema have in common. It does not change.
type Layout struct {
	schema    *arrow.Schema
	elements  []byte // the Parquet schema's elements, in Thrift
	count     int    // of elements
	leaves    []leaf
	sorting   []int
	createdBy string
}

// leaf is a leaf column.
type leaf struct {
	name     string
	path     []byte // the elements of path_in_schema, in Thrift
	parts    int    // of the path
	physical int64
	encoding Encoding
	stats    bool
	nulls    widths
}

// widths are how many bits the levels of a leaf take; 0 = they are not written.
type widths struct {
	rep, def uint8
}

// NewLayout returns the layout of files of rows of schema s, whose leaves are
// columns, all and in order. Rows are sorted by the leaves at the indexes
// sorting, ascending, nulls last.
func NewLayout(s *arrow.Schema, columns []Column, sorting []int, createdBy string) (*Layout, error) {
	props := arrowparquet.NewWriterProperties(arrowparquet.WithStoreDecimalAsInteger(true))
	derived, err := pqarrow.ToParquet(s, props, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("derive the Parquet schema: %w", err)
	}
	if len(columns) != derived.NumColumns() {
		return nil, fmt.Errorf("%d columns for the %d leaves of the schema", len(columns), derived.NumColumns())
	}
	out := &Layout{schema: s, sorting: sorting, createdBy: createdBy}
	for i, c := range columns {
		l, err := newLeaf(c, derived.Column(i))
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Path, err)
		}
		out.leaves = append(out.leaves, l)
	}
	var elements compact
	if out.count, err = appendNode(&elements, derived.Root()); err != nil {
		return nil, err
	}
	out.elements = elements.buf
	return out, nil
}

func newLeaf(c Column, d *schema.Column) (leaf, error) {
	out := leaf{name: c.Path, physical: int64(d.PhysicalType()), encoding: c.Encoding, stats: c.Stats}
	if c.Path != d.Path() {
		return out, fmt.Errorf("its place in the schema has %s", d.Path())
	}
	if d.MaxDefinitionLevel() > 127 || d.MaxRepetitionLevel() > 127 {
		return out, errors.New("it lies too deep")
	}
	out.nulls = widths{rep: uint8(bits.Len8(uint8(d.MaxRepetitionLevel()))), def: uint8(bits.Len8(uint8(d.MaxDefinitionLevel())))}
	_, date := d.LogicalType().(schema.DateLogicalType)
	ints, texts := out.physical == typeInt64, out.physical == typeByteArray
	fits := map[Encoding]bool{Plain: ints || texts || date || out.physical == typeBoolean, Delta: ints, Dictionary: texts}
	if !fits[c.Encoding] {
		return out, fmt.Errorf("encoding %d is not written for physical type %s", c.Encoding, d.PhysicalType())
	}
	for _, p := range d.ColumnPath() {
		out.path = append(binary.AppendUvarint(out.path, uint64(len(p))), p...)
		out.parts++
	}
	return out, nil
}

// appendNode appends a node and all below it (parquet.thrift, SchemaElement)
// and returns how many there are.
func appendNode(c *compact, n schema.Node) (int, error) {
	c.element()
	group, _ := n.(*schema.GroupNode)
	if p, ok := n.(*schema.PrimitiveNode); ok {
		c.i32(1, int64(p.PhysicalType()))
	}
	if n.Parent() != nil { // the root has none
		c.i32(3, int64(n.RepetitionType()))
	}
	c.string(4, n.Name())
	if group != nil {
		c.i32(5, int64(group.NumFields()))
	}
	if t := n.ConvertedType(); t != schema.ConvertedTypes.None {
		c.i32(6, int64(t))
	}
	if d, ok := n.LogicalType().(schema.DecimalLogicalType); ok {
		c.i32(7, int64(d.Scale()))
		c.i32(8, int64(d.Precision()))
	}
	if id := n.FieldID(); id >= 0 {
		c.i32(9, int64(id))
	}
	if err := appendLogical(c, n.LogicalType()); err != nil {
		return 0, fmt.Errorf("column %s: %w", n.Path(), err)
	}
	c.end()
	count := 1
	if group != nil {
		for i := range group.NumFields() {
			below, err := appendNode(c, group.Field(i))
			if err != nil {
				return 0, err
			}
			count += below
		}
	}
	return count, nil
}

// appendLogical appends a logical type (parquet.thrift, LogicalType).
func appendLogical(c *compact, t schema.LogicalType) error {
	if t == nil || t.IsNone() {
		return nil
	}
	c.begin(10)
	switch t := t.(type) {
	case schema.StringLogicalType:
		c.begin(1)
	case schema.MapLogicalType:
		c.begin(2)
	case schema.ListLogicalType:
		c.begin(3)
	case schema.DecimalLogicalType:
		c.begin(5)
		c.i32(1, int64(t.Scale()))
		c.i32(2, int64(t.Precision()))
	case schema.DateLogicalType:
		c.begin(6)
	case schema.TimestampLogicalType:
		if t.TimeUnit() != schema.TimeUnitMicros {
			return errors.New("timestamps are written in microseconds only")
		}
		c.begin(8)
		c.bool(1, t.IsAdjustedToUTC())
		c.begin(2) // unit
		c.begin(2) // microseconds
		c.end()
		c.end()
	case schema.IntLogicalType:
		c.begin(10)
		c.field(1, thriftByte)
		c.buf = append(c.buf, byte(t.BitWidth()))
		c.bool(2, t.IsSigned())
	default:
		return fmt.Errorf("logical type %s is not written", t)
	}
	c.end()
	c.end()
	return nil
}
