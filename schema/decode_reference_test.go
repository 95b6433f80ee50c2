package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
)

// everyKind is a table with every type, nested in every way.
func everyKind() *Table {
	scalars := []Field{Text("s", ""), Integer("i", "").FromKey("I"), Number("n", ""), Flag("b", ""),
		Instant("t", ""), Day("d", ""), Attributes("m", ""), Raw("j", "")}
	inner := Object("o", "", append(scalars, Secret("token", ""), ListOf("l", "", Integer("e", "")),
		ListOf("ls", "", Object("e", "", append(scalars, ListOf("deep", "", Attributes("e", "")))...)))...)
	return &Table{Name: "every_kind", Key: []string{"id"}, Time: "at", Updated: "changed", Fields: append([]Field{
		ID("id", ""), Instant("at", ""), Instant("changed", ""), inner,
		ListOf("list", "", inner), ListOf("lists", "", ListOf("e", "", Text("e", ""))),
		ListOf("maps", "", Attributes("e", "")), ListOf("raws", "", Raw("e", ""))}, scalars...)}
}

// requireSame decodes answers with the decoder and with the reference, and
// compares everything.
func requireSame(t *testing.T, d *Decoder, mem *memory.CheckedAllocator, bodies ...[]byte) {
	t.Helper()
	defer mem.AssertSize(t, 0)
	d.Reset(time.Time{}, time.Time{}, time.Unix(0, 0))
	want, rejects, lists := refDecode(d.table, bodies...)
	for i, body := range bodies {
		_, err := d.Page(body, Layout{}, "")
		var syntax *SyntaxError
		require.Equal(t, !lists[i], errors.As(err, &syntax), "answer %d: %v\n%s", i, err, body)
	}
	require.Len(t, d.Rejects(), rejects)
	require.Equal(t, len(want), d.Rows())
	batch, err := d.Build()
	require.NoError(t, err)
	if len(want) == 0 {
		require.Nil(t, batch)
		return
	}
	defer batch.Release()
	require.True(t, d.table.ArrowSchema().Equal(batch.Schema()))
	for row := range want {
		for i, f := range batch.Schema().Fields() {
			if f.Name != ColumnExtractedAt && f.Name != ColumnConnection {
				require.Equal(t, want[row].cells[f.Name], cell(batch.Column(i), row), "%s of row %d, key %s", f.Name, row, want[row].key)
			}
		}
	}
}

func newChecked(t testing.TB, table *Table) (*Decoder, *memory.CheckedAllocator) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	d, err := NewDecoder(table, &DecoderOptions{Allocator: mem, Connection: "shop"})
	require.NoError(t, err)
	return d, mem
}

// maker writes random records of a table, most of them good.
type maker struct {
	*rand.Rand
	trouble float64 // share of values that do not fit
}

func (m maker) pick(texts ...string) string { return texts[m.IntN(len(texts))] }

func (m maker) chance(p float64) bool { return m.Float64() < p }

func (m maker) space() string {
	if m.chance(0.05) {
		return m.pick(" ", "\n\t", "  \r")
	}
	return ""
}

func (m maker) value(f *Field) string {
	if m.chance(0.1) {
		return "null"
	}
	if m.chance(m.trouble) {
		return m.pick(`true`, `[{}]`, `{"a":1}`, `"x"`, `-1.5`, `1e400`, `[1,2]`, `"2024-02-30"`, `""`)
	}
	switch f.Type {
	case String:
		return m.pick(`"ascii"`, `"é ünï"`, `"esc \" \\ \/ \b\f\n\r\t \u00e9 \ud83d\ude00 \ud800 \udc00x"`, `12345678901234567890`, `-0.50`, `""`, `1E5`)
	case Int64:
		return m.pick(`0`, `-0`, `17`, `"42"`, `9223372036854775807`, `-9223372036854775808`, `""`)
	case Decimal:
		return m.pick(`1.5`, `"0.000001"`, `-3`, `1e3`, `12.5000000`, `999999999999.999999`, `125e-2`, `0e9`)
	case Bool:
		return m.pick(`true`, `false`, `"true"`, `"false"`)
	case Timestamp, Date:
		return m.pick(`"2024-02-29T12:34:56Z"`, `"2023-10-10T20:28:13.6201993Z"`, `"2017-06-29 20:23:47"`, `"1969-12-31T23:59:59.9999999+03:00"`,
			`"0001-01-01T00:00:00"`, `"2022-01-01"`, `"1600-03-01T00:00:00.1-0330"`, `""`)
	case Map:
		return m.pick(`{}`, `[]`, `{"a":"b","c":1.50,"d":null,"e":{"x" : [1, 2]},"f":true}`, `{" k ":"\u0041"}`, `{"Token":"hidden","t":{"token":1,"u":[{"TOKEN ":2}]}}`)
	case JSON:
		return m.pick(`{"z" : 1.50, "a":[ ]}`, `"te xt"`, `17`, `[{"token":"hidden","k\u0065y":"\n"}, 2]`, `false`)
	case Struct:
		return m.object(f.Fields)
	}
	if m.chance(0.1) {
		return m.value(f.Elem) // may be a list of one
	}
	parts := make([]string, m.IntN(4))
	for i := range parts {
		parts[i] = m.space() + m.value(f.Elem) + m.space()
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (m maker) object(fields []Field) string {
	var parts []string
	for i := range fields {
		f := &fields[i]
		if f.Required || m.chance(0.7) {
			continue
		}
		key := jsonKey(f)
		if m.chance(0.02) {
			key = m.pick(" ", "\\u0020") + key + " "
		}
		parts = append(parts, `"`+key+`"`+m.space()+":"+m.space()+m.value(f))
		if m.chance(m.trouble / 10) {
			parts = append(parts, `"`+key+`":null`)
		}
	}
	if m.chance(0.1) {
		parts = append(parts, m.pick(`"new":1`, `"new":{"a" : [1,{"token":3}]},"new":2,"gone":null`, `"dot.ted\n":"x"`, `"TOKEN":"hidden"`))
	}
	m.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return "{" + strings.Join(parts, ","+m.space()) + "}"
}

func (m maker) page(t *Table) []byte {
	records := make([]string, m.IntN(12))
	for i := range records {
		body := m.object(t.Fields)
		id := fmt.Sprintf(`{"id":"k%d"`, m.IntN(40))
		if body != "{}" {
			id += ","
		}
		records[i] = id + body[1:]
	}
	list := "[" + strings.Join(records, ",") + "]"
	return []byte(m.pick(list, `{"data":`+list+`,"paging":{"total":1}}`, `{"paging":{},"data":`+list+`}`,
		`{"data":`+list+"} x", `{"data":`+list))
}

func TestDecoderAgreesWithReference(t *testing.T) {
	table := everyKind()
	d, mem := newChecked(t, table)
	for seed := range uint64(400) {
		m := maker{rand.New(rand.NewPCG(seed, 7)), float64(seed%4) * 0.01}
		var bodies [][]byte
		for range 1 + m.IntN(4) {
			bodies = append(bodies, m.page(table))
		}
		requireSame(t, d, mem, bodies...)
	}
}

func TestDamagedAnswersAgreeWithReference(t *testing.T) {
	table := everyKind()
	d, mem := newChecked(t, table)
	for seed := range uint64(600) {
		m := maker{rand.New(rand.NewPCG(seed, 10)), 0.01}
		body := m.page(table)
		for range 1 + m.IntN(3) {
			at := m.IntN(len(body))
			switch m.IntN(3) {
			case 0:
				body[at] = m.pick(`"`, `\`, "{", "}", "[", "]", ",", ":", "0", "-", "e", ".", " ", "\n", "\x00", "\xff", "n", "t")[0]
			case 1:
				body = slices.Delete(body, at, at+1)
			default:
				body = slices.Insert(body, at, body[m.IntN(len(body))])
			}
			if len(body) == 0 {
				break
			}
		}
		requireSame(t, d, mem, body)
	}
}

func FuzzDecode(f *testing.F) {
	for seed := range uint64(20) {
		m := maker{rand.New(rand.NewPCG(seed, 8)), 0.02}
		f.Add(m.page(everyKind()))
	}
	f.Add([]byte(`[{"id":"a","s":"` + "\xff" + `"},{"id":"b","\ud800":1}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, mem := newChecked(t, everyKind())
		requireSame(t, d, mem, body, body)
	})
}

func FuzzScan(f *testing.F) {
	for _, text := range []string{`{"a":[1,-0.5e+10,"x\u00e9\n",true,false,null,{}]}`, `[1,]`, `01`, `1.`, `"\x"`, "\"\x01\"", `{"a" 1}`,
		`nul`, `-`, ` "` + strings.Repeat("long ", 20) + `" `, strings.Repeat("[", 10001), "\xff", "\"\xff\"", `{"a":1}}`, `[[[]]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		end := skipValue(text, skipSpace(text, 0), 0)
		valid := end >= 0 && skipSpace(text, end) == len(text)
		require.Equal(t, json.Valid(text), valid)
		if !valid {
			return
		}
		require.Equal(t, refCompact(text), string(appendCompact(nil, text)))
		var s string
		if utf8.Valid(text) && json.Unmarshal(text, &s) == nil && text[skipSpace(text, 0)] == '"' {
			raw := strings.Trim(string(text), " \t\r\n")
			got := string(appendUnquoted(nil, []byte(raw[1:len(raw)-1])))
			require.Equal(t, s, got)
			require.True(t, json.Valid(appendQuoted(nil, []byte(got))))
		}
	})
}
