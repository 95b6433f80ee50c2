package verify

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// statistics are those of the log about a file, beside what its rows show
// (PROTOCOL.md, "Per-file Statistics"). Only the columns that the log tells of
// are looked at.
type statistics struct {
	records *int64
	tight   bool // the log says that the bounds are values of the file; else they need only be around them
	columns map[string]*bounds
}

// bounds are what the log says of one column, and what its values are.
type bounds struct {
	path     []string
	low, top json.RawMessage
	nulls    *int64

	seenNulls int64
	any       bool
	odd       bool // of a type whose bounds are not compared
	min, max  value
}

// value is one of a column in a form that can be compared.
type value struct {
	kind   byte  // 'n' number, 't' time, 'd' date, 's' text
	number int64 // numbers; times in microseconds, dates in days
	text   string
	exact  *big.Rat // decimals, and bounds that are no whole numbers; else nil
}

func (v value) compare(o value) int {
	switch {
	case v.kind == 's':
		return strings.Compare(v.text, o.text)
	case v.exact != nil || o.exact != nil:
		return v.rat().Cmp(o.rat())
	}
	return order(v.number, o.number)
}

func (v value) rat() *big.Rat {
	if v.exact != nil {
		return v.exact
	}
	return new(big.Rat).SetInt64(v.number)
}

// parseStatistics reads add.stats. broken says why it cannot be read; a file
// without statistics has none that could be wrong.
func parseStatistics(text string) (s *statistics, broken string) {
	s = &statistics{columns: map[string]*bounds{}}
	if text == "" {
		return s, ""
	}
	var raw struct {
		NumRecords  *int64          `json:"numRecords"`
		MinValues   json.RawMessage `json:"minValues"`
		MaxValues   json.RawMessage `json:"maxValues"`
		NullCount   json.RawMessage `json:"nullCount"`
		TightBounds *bool           `json:"tightBounds"`
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return s, "the log's statistics are not those of the protocol"
	}
	s.records = raw.NumRecords
	s.tight = raw.TightBounds != nil && *raw.TightBounds
	s.walk(nil, raw.MinValues, func(b *bounds, v json.RawMessage) { b.low = v })
	s.walk(nil, raw.MaxValues, func(b *bounds, v json.RawMessage) { b.top = v })
	s.walk(nil, raw.NullCount, func(b *bounds, v json.RawMessage) {
		var n int64
		if json.Unmarshal(v, &n) == nil {
			b.nulls = &n
		}
	})
	return s, ""
}

// walk descends into the members of structs.
func (s *statistics) walk(path []string, raw json.RawMessage, set func(*bounds, json.RawMessage)) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return
	}
	if raw[0] == '{' {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) == nil {
			for name, m := range members {
				s.walk(append(slices.Clone(path), name), m, set)
			}
		}
		return
	}
	name := strings.Join(path, ".")
	if s.columns[name] == nil {
		s.columns[name] = &bounds{path: path}
	}
	set(s.columns[name], slices.Clone(raw))
}

// add takes the rows of a batch into account.
func (s *statistics) add(b arrow.RecordBatch) {
	for _, c := range s.columns {
		c.add(columnOf(b, c.path[0]), int(b.NumRows()))
	}
}

func (c *bounds) add(top arrow.Array, n int) {
	for i := range n {
		arr := top
		null := arr == nil || arr.IsNull(i)
		for _, name := range c.path[1:] {
			st, ok := arr.(*array.Struct)
			if null || !ok {
				null = true
				break
			}
			at, found := st.DataType().(*arrow.StructType).FieldIdx(name)
			if !found {
				null = true
				break
			}
			arr = st.Field(at)
			null = arr.IsNull(i)
		}
		if null {
			c.seenNulls++
			continue
		}
		c.widen(arr, i)
	}
}

// widen takes a value into account. Repeated cases are cheap: most values lie
// between the bounds.
func (c *bounds) widen(arr arrow.Array, i int) {
	if c.odd || c.low == nil && c.top == nil {
		return
	}
	v, ok := valueOf(arr, i)
	switch {
	case !ok:
		c.odd = true
	case !c.any:
		c.any, c.min, c.max = true, v.own(), v.own()
	case v.compare(c.min) < 0:
		c.min = v.own()
	case v.compare(c.max) > 0:
		c.max = v.own()
	}
}

// own keeps a text longer than its batch.
func (v value) own() value {
	v.text = strings.Clone(v.text)
	return v
}

func valueOf(arr arrow.Array, i int) (value, bool) {
	if us, ok := microsOf(arr, i); ok {
		return value{number: us, kind: 't'}, true
	}
	switch a := arr.(type) {
	case *array.Int64:
		return value{number: a.Value(i), kind: 'n'}, true
	case *array.Int32:
		return value{number: int64(a.Value(i)), kind: 'n'}, true
	case *array.Date32:
		return value{number: int64(a.Value(i)), kind: 'd'}, true
	case *array.Decimal128:
		r, ok := new(big.Rat).SetString(a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale))
		return value{exact: r, kind: 'n'}, ok
	case *array.String:
		return value{text: a.Value(i), kind: 's'}, true
	}
	return value{}, false
}

// wrong names the columns whose statistics are not true; "numRecords" for the
// number of rows.
func (s *statistics) wrong(rows int64) []string {
	var out []string
	if s.records != nil && *s.records != rows {
		out = append(out, "numRecords")
	}
	for _, name := range slices.Sorted(maps.Keys(s.columns)) {
		if c := s.columns[name]; !c.right(s.tight) {
			out = append(out, name)
		}
	}
	return out
}

func (c *bounds) right(tight bool) bool {
	if c.nulls != nil && *c.nulls != c.seenNulls {
		return false
	}
	if c.odd {
		return true
	}
	if !c.any {
		return c.low == nil && c.top == nil || !tight
	}
	return (c.low == nil || lowFits(c.low, c.min, tight)) && (c.top == nil || topFits(c.top, c.max, tight))
}

// lowFits reports whether raw bounds the least value from below and is as near as
// it should be: texts may be cut, times are whole milliseconds.
func lowFits(raw json.RawMessage, least value, tight bool) bool {
	b, ok := boundOf(raw, least.kind)
	if !ok {
		return false
	}
	order := b.compare(least)
	switch least.kind {
	case 's':
		return order == 0 || order < 0 && (!tight || strings.HasPrefix(least.text, b.text))
	case 't':
		return order <= 0 && (!tight || within(b, least))
	}
	return order == 0 || order < 0 && !tight
}

func topFits(raw json.RawMessage, greatest value, tight bool) bool {
	b, ok := boundOf(raw, greatest.kind)
	if !ok {
		return false
	}
	order := b.compare(greatest)
	switch greatest.kind {
	case 's':
		return order == 0 || order > 0 && (!tight || nearText(b.text, greatest.text))
	case 't': // floored to milliseconds too: readers widen it
		return within(b, greatest) || order > 0 && !tight
	}
	return order == 0 || order > 0 && !tight
}

// within reports whether a bound of times is the value or its millisecond.
func within(b, v value) bool {
	return v.number >= b.number && v.number-b.number < 1000
}

// nearText reports whether an upper bound is the beginning of the value with its
// last character raised.
func nearText(bound, greatest string) bool {
	_, size := utf8.DecodeLastRuneInString(bound)
	return size > 0 && strings.HasPrefix(greatest, bound[:len(bound)-size])
}

// boundOf reads a bound as a value of a kind.
func boundOf(raw json.RawMessage, kind byte) (value, bool) {
	var text string
	if kind != 'n' && json.Unmarshal(raw, &text) != nil {
		return value{}, false
	}
	switch kind {
	case 's':
		return value{text: text, kind: kind}, true
	case 't':
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
			if at, err := time.Parse(layout, text); err == nil {
				return value{number: at.UnixMicro(), kind: kind}, true
			}
		}
		return value{}, false
	case 'd':
		at, err := time.Parse(time.DateOnly, text)
		return value{number: at.Unix() / 86400, kind: kind}, err == nil
	}
	r, ok := new(big.Rat).SetString(string(bytes.Trim(raw, `"`)))
	return value{exact: r, kind: kind}, ok
}
