package schema

import (
	"github.com/apache/arrow-go/v18/arrow"
)

// Names of the members that Arrow and Parquet give to lists and maps. They are
// the ones of the Parquet format's three-level lists and of Spark.
const (
	elementName = "element"
	keyName     = "key"
	valueName   = "value"
)

// Digits of the one decimal type.
const (
	DecimalPrecision = 18
	DecimalScale     = 6
)

// ArrowSchema returns the Arrow schema of the table's batches: its fields in
// order without those marked NeverStore, then the system columns. The decoder
// builds exactly this layout. Everything but Required fields and map keys is
// nullable. The schema carries no metadata.
func (t *Table) ArrowSchema() *arrow.Schema {
	return arrow.NewSchema(arrowFields(t.Columns()), nil)
}

// Columns returns the fields that have a column, in column order: the table's
// fields without those marked NeverStore (inside structs and lists too, and
// without structs and lists that lost all their members), then the system
// columns. The result is the caller's.
func (t *Table) Columns() []Field {
	return append(stored(t.Fields), t.systemFields()...)
}

// systemFields returns the columns that the table ends with.
func (t *Table) systemFields() []Field {
	out := []Field{
		Instant(ColumnExtractedAt, "Start of the read that brought the row (UTC)."),
		Enumeration(ColumnConnection, "Name of the connection that brought the row."),
		Raw(ColumnExtra, "JSON text of what the source sent and the table does not know."),
	}
	if t.KeepsDeleted {
		out = append(out, Instant(ColumnDeletedAt, "When a run noticed that the source no longer lists the record (UTC); null while it does."))
	}
	return out
}

// KeepingDeleted returns the table with the column _deleted_at: a copy, unless
// it has the column already.
func (t *Table) KeepingDeleted() *Table {
	if t.KeepsDeleted {
		return t
	}
	out := *t
	out.KeepsDeleted = true
	return &out
}

// stored copies fields without those that have no column.
func stored(fields []Field) []Field {
	out := make([]Field, 0, len(fields)+4)
	for _, f := range fields {
		if f, ok := storedField(f); ok {
			out = append(out, f)
		}
	}
	return out
}

func storedField(f Field) (Field, bool) {
	if f.NeverStore {
		return f, false
	}
	switch f.Type {
	case Struct:
		f.Fields = stored(f.Fields)
		return f, len(f.Fields) > 0
	case List:
		elem, ok := storedField(*f.Elem)
		f.Elem = &elem
		return f, ok
	}
	return f, true
}

func arrowFields(fields []Field) []arrow.Field {
	out := make([]arrow.Field, len(fields))
	for i, f := range fields {
		out[i] = arrow.Field{Name: f.Name, Type: arrowType(f), Nullable: !f.Required}
	}
	return out
}

// arrowType maps a field to its Arrow type; an unknown type is a mistake in a
// table's declaration, which Table.Validate reports.
func arrowType(f Field) arrow.DataType {
	switch f.Type {
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Decimal:
		return &arrow.Decimal128Type{Precision: DecimalPrecision, Scale: DecimalScale}
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Struct:
		return arrow.StructOf(arrowFields(f.Fields)...)
	case List:
		return arrow.ListOfField(arrow.Field{Name: elementName, Type: arrowType(*f.Elem), Nullable: true})
	case Map:
		return arrow.MapOfFields(
			arrow.Field{Name: keyName, Type: arrow.BinaryTypes.String},
			arrow.Field{Name: valueName, Type: arrow.BinaryTypes.String, Nullable: true})
	default: // String, JSON
		return arrow.BinaryTypes.String
	}
}

// Leaf is one leaf column, as Parquet counts them: a map has two.
type Leaf struct {
	Path     string // dotted path as Parquet spells it, e.g. "charges.list.element.id"
	Field    Field  // the field it belongs to; for a map the map itself
	Repeated bool   // below a list or a map
}

// Leaves returns the leaf columns in column order, system columns included.
func (t *Table) Leaves() []Leaf {
	var out []Leaf
	for _, f := range t.Columns() {
		out = appendLeaves(out, f, f.Name, false)
	}
	return out
}

func appendLeaves(out []Leaf, f Field, path string, repeated bool) []Leaf {
	switch f.Type {
	case Struct:
		for _, m := range f.Fields {
			out = appendLeaves(out, m, path+"."+m.Name, repeated)
		}
		return out
	case List:
		return appendLeaves(out, *f.Elem, path+".list."+elementName, true)
	case Map:
		return append(out,
			Leaf{path + ".key_value." + keyName, f, true},
			Leaf{path + ".key_value." + valueName, f, true})
	}
	return append(out, Leaf{path, f, repeated})
}
