package delta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// columns is a struct type of the log (PROTOCOL.md, "Schema Serialization
// Format"); the schema of a table is one.
type columns struct {
	Type   string  `json:"type"` // "struct"
	Fields []field `json:"fields"`
}

// field is a column or a member of a struct. Metadata is kept as it is read.
type field struct {
	Name     string                     `json:"name"`
	Type     dataType                   `json:"type"`
	Nullable bool                       `json:"nullable"`
	Metadata map[string]json.RawMessage `json:"metadata"`
}

// dataType is the type of a field: exactly one member is set. Primitive types
// keep their text, known or not.
type dataType struct {
	primitive string
	object    *columns
	list      *listType
	dict      *mapType
}

type listType struct {
	Type         string   `json:"type"` // "array"
	ElementType  dataType `json:"elementType"`
	ContainsNull bool     `json:"containsNull"`
}

type mapType struct {
	Type              string   `json:"type"` // "map"
	KeyType           dataType `json:"keyType"`
	ValueType         dataType `json:"valueType"`
	ValueContainsNull bool     `json:"valueContainsNull"`
}

// UnmarshalJSON reads a name or an object with the member "type".
func (d *dataType) UnmarshalJSON(raw []byte) error {
	*d = dataType{}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte(`"`)) {
		return json.Unmarshal(raw, &d.primitive)
	}
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	switch kind.Type {
	case "struct":
		return json.Unmarshal(raw, &d.object)
	case "array":
		return json.Unmarshal(raw, &d.list)
	case "map":
		return json.Unmarshal(raw, &d.dict)
	}
	return fmt.Errorf("unknown type %q", kind.Type)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (d dataType) MarshalJSON() ([]byte, error) {
	switch {
	case d.object != nil:
		return json.Marshal(d.object)
	case d.list != nil:
		return json.Marshal(d.list)
	case d.dict != nil:
		return json.Marshal(d.dict)
	}
	return json.Marshal(d.primitive)
}

// String names the type for people.
func (d dataType) String() string {
	switch {
	case d.object != nil:
		return "a struct"
	case d.list != nil:
		return "a list of " + d.list.ElementType.String()
	case d.dict != nil:
		return "a map of " + d.dict.KeyType.String() + " to " + d.dict.ValueType.String()
	}
	return d.primitive
}

// members returns the struct members below the type, at any depth of lists and
// maps.
func (d dataType) members() []field {
	switch {
	case d.object != nil:
		return d.object.Fields
	case d.list != nil:
		return d.list.ElementType.members()
	case d.dict != nil:
		return append(slices.Clone(d.dict.KeyType.members()), d.dict.ValueType.members()...)
	}
	return nil
}

func parseSchema(text string) (*columns, error) {
	var c columns
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return nil, fmt.Errorf("read the schema in the log: %w", err)
	}
	if c.Type != "struct" {
		return nil, errors.New("read the schema in the log: it is not a struct")
	}
	return &c, nil
}

func (c *columns) text() (string, error) {
	raw, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("write the schema: %w", err)
	}
	return string(raw), nil
}

// tableColumns are the columns of t as the log wants them: the partition column
// comes last, if it is not a column of the table anyway. Everything is
// nullable, so that columns can come and go.
func tableColumns(t *schema.Table, spec partitioning.Spec) *columns {
	c := &columns{Type: "struct", Fields: logFields(t.Columns())}
	if spec.Column == "" || slices.ContainsFunc(c.Fields, func(f field) bool { return f.Name == spec.Column }) {
		return c
	}
	kind, what := "date", "Day"
	if spec.Granularity == partitioning.Month {
		kind, what = "string", "Month"
	}
	zone := "UTC"
	if spec.Location != nil {
		zone = spec.Location.String()
	}
	comment := fmt.Sprintf("%s of %s in the time zone %s. The table is partitioned by it.", what, spec.Source, zone)
	c.Fields = append(c.Fields, newField(spec.Column, dataType{primitive: kind}, comment))
	return c
}

func newField(name string, t dataType, comment string) field {
	f := field{Name: name, Type: t, Nullable: true, Metadata: map[string]json.RawMessage{}}
	if comment != "" {
		f.Metadata["comment"] = textValue(comment)
	}
	return f
}

func logFields(fields []schema.Field) []field {
	out := make([]field, len(fields))
	for i, f := range fields {
		out[i] = newField(f.Name, logType(f), strings.TrimSpace(f.Description))
	}
	return out
}

// logType maps a field's type to the log's.
func logType(f schema.Field) dataType {
	switch f.Type {
	case schema.Int64:
		return dataType{primitive: "long"}
	case schema.Decimal:
		return dataType{primitive: fmt.Sprintf("decimal(%d,%d)", schema.DecimalPrecision, schema.DecimalScale)}
	case schema.Bool:
		return dataType{primitive: "boolean"}
	case schema.Timestamp:
		return dataType{primitive: "timestamp"}
	case schema.Date:
		return dataType{primitive: "date"}
	case schema.Struct:
		return dataType{object: &columns{Type: "struct", Fields: logFields(f.Fields)}}
	case schema.List:
		return dataType{list: &listType{Type: "array", ElementType: logType(*f.Elem), ContainsNull: true}}
	case schema.Map:
		text := dataType{primitive: "string"}
		return dataType{dict: &mapType{Type: "map", KeyType: text, ValueType: text, ValueContainsNull: true}}
	}
	return dataType{primitive: "string"} // String, JSON
}
