package schema

import "slices"

// Type is the type of a field. There is no floating-point type on purpose.
type Type uint8

// The types of a field and what they become in Arrow and in Delta.
const (
	String    Type = iota + 1 // utf8; JSON strings, and numbers with their digits kept exactly
	Int64                     // int64; money in minor units
	Decimal                   // decimal128(18,6), exact
	Bool                      // bool
	Timestamp                 // timestamp[us, UTC]
	Date                      // date32
	Struct                    // struct of Fields
	List                      // list of Elem
	Map                       // map<string,string>
	JSON                      // utf8 holding compact JSON text of any value
)

// Names of the system columns, which tables have after their own fields.
const (
	ColumnExtractedAt = "_extracted_at" // timestamp[us, UTC]: the start of the read that brought the row
	ColumnConnection  = "_connection"   // string: the connection's name
	ColumnExtra       = "_extra"        // JSON text of the keys that the table does not know
	ColumnDeletedAt   = "_deleted_at"   // timestamp[us, UTC]: when a run noticed that the source no longer has the record; only in tables that keep those
)

// Field describes one column, or one member of a struct.
type Field struct {
	Name        string  // column name: lower case, [a-z0-9_]
	Key         string  // JSON key when it differs from Name; keys are trimmed of spaces before matching
	Type        Type    //
	Description string  // plain English, becomes the column comment
	Required    bool    // never null; only key columns are
	Fields      []Field // members, for Struct
	Elem        *Field  // element, for List; its Name is "element"
	NeverStore  bool    // a credential or an excluded field: dropped while decoding, has no column
	Excluded    bool    // NeverStore by the user's wish (Exclude): its name is no secret elsewhere
	Injected    bool    // set by the reader (parent key, snapshot time), not read from the record
	Enum        bool    // few distinct values: dictionary encoding pays
}

// Table describes one table of the lake. It is read-only after it was made:
// tables are shared by goroutines.
type Table struct {
	Name        string   // name of the stream and, unless configured otherwise, of the table
	Description string   //
	Fields      []Field  // in column order: key, times, status and amounts first (statistics cover the first 32 leaves)
	Key         []string // names of top-level fields that identify a record
	Time        string   // top-level timestamp field that places a record in time; "" if there is none
	Updated     string   // top-level timestamp of the last change, if the source has one; only a tie-breaker
	State       string   // top-level String field that holds the state of a record; "" if there is none
	Version     int      // raised when Fields change
	Hidden      []string // names that are dropped, at any depth, from the text of JSON columns, from maps and from _extra

	KeepsDeleted bool // it has the column _deleted_at, null for records that the source still has
}

// Text, Integer, Number, Flag, Instant, Day, Attributes and Raw make scalar
// fields of the types String, Int64, Decimal, Bool, Timestamp, Date, Map and
// JSON. All are nullable.

// Text makes a nullable String field.
func Text(name, description string) Field {
	return Field{Name: name, Type: String, Description: description}
}

// Enumeration makes a nullable String field that has few distinct values.
func Enumeration(name, description string) Field {
	return Field{Name: name, Type: String, Description: description, Enum: true}
}

// Integer makes a nullable Int64 field.
func Integer(name, description string) Field {
	return Field{Name: name, Type: Int64, Description: description}
}

// Number makes a nullable Decimal field.
func Number(name, description string) Field {
	return Field{Name: name, Type: Decimal, Description: description}
}

// Flag makes a nullable Bool field.
func Flag(name, description string) Field {
	return Field{Name: name, Type: Bool, Description: description}
}

// Instant makes a nullable Timestamp field.
func Instant(name, description string) Field {
	return Field{Name: name, Type: Timestamp, Description: description}
}

// Day makes a nullable Date field.
func Day(name, description string) Field {
	return Field{Name: name, Type: Date, Description: description}
}

// Attributes makes a nullable Map field.
func Attributes(name, description string) Field {
	return Field{Name: name, Type: Map, Description: description}
}

// Raw makes a nullable JSON field.
func Raw(name, description string) Field {
	return Field{Name: name, Type: JSON, Description: description}
}

// Object makes a nullable Struct field.
func Object(name, description string, fields ...Field) Field {
	return Field{Name: name, Type: Struct, Description: description, Fields: fields}
}

// ListOf makes a nullable List field. The element's name is set to "element".
func ListOf(name, description string, elem Field) Field {
	elem.Name = "element"
	return Field{Name: name, Type: List, Description: description, Elem: &elem}
}

// ID makes a Required String field, for keys.
func ID(name, description string) Field {
	return Field{Name: name, Type: String, Description: description, Required: true}
}

// Secret makes a field that is dropped while decoding.
func Secret(name, description string) Field {
	return Field{Name: name, Type: JSON, Description: description, NeverStore: true}
}

// FromKey returns the field with another JSON key.
func (f Field) FromKey(key string) Field {
	f.Key = key
	return f
}

// Inject returns the field marked as set by the reader.
func (f Field) Inject() Field {
	f.Injected = true
	return f
}

// SortColumns returns the names of the columns by which the rows of a data file
// are sorted: time, then key. The caller owns the list.
func (t *Table) SortColumns() []string {
	var out []string
	if t.Time != "" {
		out = append(out, t.Time)
	}
	for _, k := range t.Key {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}
