package delta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// statTypes are the types of a table's columns, to tell statistics that readers
// can parse.
type statTypes map[string]dataType

func columnTypes(fields []field) statTypes {
	out := statTypes{}
	for _, f := range fields {
		out[f.Name] = f.Type
	}
	return out
}

// readTypes reads a schema; nil where it cannot be read, and then no
// statistics are clean.
func readTypes(schemaString string) statTypes {
	c, err := parseSchema(schemaString)
	if err != nil {
		return nil
	}
	return columnTypes(c.Fields)
}

// clean returns the statistics of f, of which the text is stats, for a
// checkpoint. Some engines write statistics that others cannot parse: bounds of
// booleans, null counts of a map as an object. Of those only the number of rows
// is kept (PROTOCOL.md, "Per-file Statistics").
func (s statTypes) clean(f *file, stats string) string {
	if f.tagged || s.fit(stats) {
		return stats
	}
	return rowCount(f.sums.rows)
}

// rowCount is the least statistics: "" for an unknown number.
func rowCount(rows int64) string {
	if rows < 0 {
		return ""
	}
	return fmt.Sprintf(`{"numRecords":%d}`, rows)
}

// fit reports whether the text is an object whose members are as the protocol
// has them.
func (s statTypes) fit(stats string) bool {
	var v struct {
		NumRecords *int64                     `json:"numRecords"`
		MinValues  map[string]json.RawMessage `json:"minValues"`
		MaxValues  map[string]json.RawMessage `json:"maxValues"`
		NullCount  map[string]json.RawMessage `json:"nullCount"`
	}
	if json.Unmarshal([]byte(stats), &v) != nil || v.NumRecords == nil {
		return false
	}
	return s.all(v.MinValues, boundFits) && s.all(v.MaxValues, boundFits) && s.all(v.NullCount, countFits)
}

func (s statTypes) all(members map[string]json.RawMessage, fits func(dataType, json.RawMessage) bool) bool {
	for name, raw := range members {
		t, ok := s[name]
		if !ok || !null(raw) && !membersFit(t, raw, fits) {
			return false
		}
	}
	return true
}

// membersFit descends into structs and asks fits for the leaves.
func membersFit(t dataType, raw json.RawMessage, fits func(dataType, json.RawMessage) bool) bool {
	if t.object == nil {
		return fits(t, raw)
	}
	var members map[string]json.RawMessage
	return json.Unmarshal(raw, &members) == nil && columnTypes(t.object.Fields).all(members, fits)
}

// boundFits reports whether raw may be a minimum or maximum of type t.
func boundFits(t dataType, raw json.RawMessage) bool {
	text := bytes.HasPrefix(raw, []byte(`"`))
	switch t.primitive {
	case "string", "date", "timestamp", "timestamp_ntz":
		return text
	case "long", "integer", "short", "byte":
		return number(raw)
	case "float", "double":
		return number(raw) || text // "NaN", "Infinity"
	}
	return strings.HasPrefix(t.primitive, "decimal") && number(raw)
}

func countFits(_ dataType, raw json.RawMessage) bool { return number(raw) }

func number(raw json.RawMessage) bool {
	var n json.Number
	return !bytes.HasPrefix(raw, []byte(`"`)) && json.Unmarshal(raw, &n) == nil && n != ""
}

func null(raw json.RawMessage) bool { return string(raw) == "null" }
