package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The reference decodes with encoding/json, slowly and as plainly as possible.
// The decoder must give the same cells, at every depth.

type member struct {
	key    string
	rawKey string
	raw    json.RawMessage
}

// refMembers returns the members of an object in order.
func refMembers(raw []byte) []member {
	dec := json.NewDecoder(bytes.NewReader(raw))
	must(dec.Token())
	var out []member
	for dec.More() {
		before := dec.InputOffset()
		m := member{key: must(dec.Token()).(string)}
		m.rawKey = strings.Trim(string(raw[before:dec.InputOffset()]), " \t\r\n,")
		check(dec.Decode(&m.raw))
		out = append(out, m)
	}
	return out
}

func refElements(raw []byte) (out []json.RawMessage) {
	check(json.Unmarshal(raw, &out))
	return out
}

func refString(raw []byte) (out string) {
	check(json.Unmarshal(raw, &out))
	return out
}

func refCompact(raw []byte) string {
	var b bytes.Buffer
	check(json.Compact(&b, raw))
	return b.String()
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type refRow struct {
	cells   map[string]any
	key     string
	time    int64
	updated any
}

// refDecode decodes answers of an unbounded read. lists tells which of them
// are lists of records.
func refDecode(t *Table, bodies ...[]byte) (rows []refRow, rejects int, lists []bool) {
	at := map[string]int{}
	rejected := map[string]bool{}
	for _, body := range bodies {
		list, ok := refList(body)
		lists = append(lists, ok)
		for _, raw := range list {
			row, good := refRecord(t, raw)
			if !good {
				if !rejected[string(raw)] {
					rejects++
				}
				rejected[string(raw)] = true
				continue
			}
			old, again := at[row.key]
			if !again {
				at[row.key] = len(rows)
				rows = append(rows, row)
				continue
			}
			a, hasA := row.updated.(int64)
			b, hasB := rows[old].updated.(int64)
			if !hasA || !hasB || a >= b {
				rows[old] = row
			}
		}
	}
	slices.SortFunc(rows, func(a, b refRow) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.key, b.key))
	})
	return rows, rejects, lists
}

func refList(body []byte) ([]json.RawMessage, bool) {
	if !json.Valid(body) {
		return nil, false
	}
	body = bytes.TrimSpace(body)
	switch body[0] {
	case '[':
		return refElements(body), true
	case '{':
		var list json.RawMessage
		paging := false
		for _, m := range refMembers(body) {
			switch strings.TrimSpace(m.key) {
			case "data":
				if list != nil || m.raw[0] != '[' && m.raw[0] != 'n' {
					return nil, false
				}
				list = m.raw
			case "paging":
				paging = m.raw[0] == '{'
			}
		}
		if list != nil && list[0] == '[' {
			return refElements(list), true
		}
		return nil, list != nil || paging
	}
	return nil, false
}

// reference is the state of one record.
type reference struct {
	table *Table
	bad   bool
	extra []string
	taken map[string]int
}

func refRecord(t *Table, raw []byte) (refRow, bool) {
	if raw[0] != '{' || !utf8.Valid(raw) {
		return refRow{}, false
	}
	r := &reference{table: t, taken: map[string]int{}}
	row := refRow{cells: r.object(t.Fields, raw, ""), time: none}
	row.key, _ = row.cells[t.Key[0]].(string)
	if v, ok := row.cells[t.Time].(int64); ok {
		row.time = v
	}
	row.updated = row.cells[t.Updated]
	row.cells[ColumnExtra] = nil
	if len(r.extra) > 0 {
		row.cells[ColumnExtra] = "{" + strings.Join(r.extra, ",") + "}"
	}
	return row, !r.bad && row.key != ""
}

func (r *reference) object(fields []Field, raw []byte, path string) map[string]any {
	out := map[string]any{}
	for _, f := range stored(fields) {
		out[f.Name] = nil
	}
	seen := map[string]bool{}
	for _, m := range refMembers(raw) {
		key := strings.TrimSpace(m.key)
		i := slices.IndexFunc(fields, func(f Field) bool { return jsonKey(&f) == key })
		switch {
		case i < 0:
			r.unknown(path+key, key, m.raw)
		case seen[key]:
			r.bad = true
		default:
			seen[key] = true
			if f := fields[i]; !f.NeverStore {
				out[f.Name] = r.value(&f, m.raw, path+key)
			}
		}
	}
	return out
}

func (r *reference) unknown(path, key string, raw []byte) {
	if raw[0] == 'n' || secretName(r.table.Fields, key) {
		return
	}
	r.taken[path]++
	if n := r.taken[path]; n > 1 {
		path += "#" + strconv.Itoa(n)
	}
	r.extra = append(r.extra, string(appendQuoted(nil, []byte(path)))+":"+r.scrub(raw))
}

func secretName(fields []Field, key string) bool {
	key = strings.ToLower(strings.TrimSpace(key))
	return slices.ContainsFunc(fields, func(f Field) bool {
		return f.NeverStore && (f.Name == key || strings.ToLower(jsonKey(&f)) == key) ||
			secretName(f.Fields, key) || f.Elem != nil && secretName([]Field{*f.Elem}, key)
	})
}

// scrub returns compact text without members that have a NeverStore name.
func (r *reference) scrub(raw []byte) string {
	var parts []string
	switch raw[0] {
	case '{':
		for _, m := range refMembers(raw) {
			if !secretName(r.table.Fields, m.key) {
				parts = append(parts, m.rawKey+":"+r.scrub(m.raw))
			}
		}
		return "{" + strings.Join(parts, ",") + "}"
	case '[':
		for _, e := range refElements(raw) {
			parts = append(parts, r.scrub(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return string(raw)
}

// value returns nil, bool, int64 (also times, dates and millionths), string,
// []any, map[string]any (struct) or []pair (map).
func (r *reference) value(f *Field, raw []byte, path string) any {
	if raw[0] == 'n' {
		return nil
	}
	switch f.Type {
	case Struct:
		if raw[0] != '{' {
			break
		}
		return r.object(f.Fields, raw, path+".")
	case List:
		list := []json.RawMessage{raw}
		if raw[0] == '[' {
			list = refElements(raw)
		}
		out := []any{}
		for i, e := range list {
			out = append(out, r.value(f.Elem, e, path+"["+strconv.Itoa(i)+"]"))
		}
		return out
	case Map:
		return r.attributes(raw)
	case JSON:
		return r.scrub(raw)
	default:
		if v, ok := refScalar(f.Type, raw); ok {
			return v
		}
	}
	r.bad = true
	return nil
}

type pair struct {
	key   string
	value any
}

func (r *reference) attributes(raw []byte) any {
	out := []pair{}
	if refCompact(raw) == "[]" {
		return out
	}
	if raw[0] != '{' {
		r.bad = true
		return nil
	}
	seen := map[string]bool{}
	for _, m := range refMembers(raw) {
		if secretName(r.table.Fields, m.key) {
			continue
		}
		r.bad = r.bad || seen[m.key]
		seen[m.key] = true
		switch m.raw[0] {
		case 'n':
			out = append(out, pair{m.key, nil})
		case '"':
			out = append(out, pair{m.key, refString(m.raw)})
		default:
			out = append(out, pair{m.key, r.scrub(m.raw)})
		}
	}
	return out
}

var (
	refInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	refNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	refTime    = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-]\d\d):?(\d\d))?)?$`)
)

// refScalar converts a scalar. ok is false for a misfit.
func refScalar(kind Type, raw []byte) (any, bool) {
	text := string(raw)
	switch quoted := raw[0] == '"'; {
	case quoted:
		text = refString(raw)
		if kind != String && text == "" {
			return nil, true
		}
	case kind == Bool:
		if raw[0] != 't' && raw[0] != 'f' {
			return nil, false
		}
	case kind == Timestamp || kind == Date || !refNumber.MatchString(text):
		return nil, false
	}
	switch kind {
	case String:
		return text, true
	case Bool:
		return text == "true", text == "true" || text == "false"
	case Int64:
		v, err := strconv.ParseInt(text, 10, 64)
		return v, err == nil && refInteger.MatchString(text)
	case Decimal:
		return refDecimal(text)
	}
	v, ok := refTimestamp(text)
	if us, is := v.(int64); is && kind == Date {
		return new(big.Int).Div(big.NewInt(us), big.NewInt(86400e6)).Int64(), ok // rounds down
	}
	return v, ok
}

func refDecimal(text string) (any, bool) {
	if !refNumber.MatchString(text) {
		return nil, false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if strings.Trim(mantissa, "-0.") == "" {
		return int64(0), true
	}
	if len(strings.TrimLeft(exponent, "+-0")) > 4 {
		return nil, false
	}
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, false
	}
	v.Mul(v, big.NewRat(1e6, 1))
	if !v.IsInt() || v.Num().CmpAbs(big.NewInt(1e18)) >= 0 {
		return nil, false
	}
	return v.Num().Int64(), true
}

func refTimestamp(text string) (any, bool) {
	m := refTime.FindStringSubmatch(text)
	if m == nil {
		return nil, false
	}
	t, err := time.Parse(time.DateTime, m[1]+" "+cmp.Or(m[2], "00:00:00"))
	if err != nil {
		return nil, false
	}
	us := t.UnixMicro()
	if m[3] != "" {
		us += must(strconv.ParseInt((m[3] + "000000")[:6], 10, 64))
	}
	if m[4] != "" {
		h, min := must(strconv.ParseInt(m[4][1:], 10, 64)), must(strconv.ParseInt(m[5], 10, 64))
		if h > 23 || min > 59 {
			return nil, false
		}
		if m[4][0] == '-' {
			h, min = -h, -min
		}
		us -= (h*60 + min) * 60e6
	}
	if m[1] == "0001-01-01" {
		return nil, true
	}
	return us, true
}
