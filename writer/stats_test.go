package writer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// statsOf writes rows, JSON objects, and returns the statistics of the file.
func statsOf(t *testing.T, table *schema.Table, opts *writer.Options, lines ...string) string {
	t.Helper()
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, table.ArrowSchema(), strings.NewReader("["+strings.Join(lines, ",")+"]"))
	require.NoError(t, err)
	defer b.Release()
	files := writeAll(t, table, opts, partitioning.Part{Rows: b})
	require.Len(t, files, 1)
	require.True(t, json.Valid([]byte(files[0].Stats)), files[0].Stats)
	return files[0].Stats
}

func oneColumn(f schema.Field) *schema.Table {
	return &schema.Table{Name: "t", Version: 1, Fields: []schema.Field{f}}
}

const systemNulls = `"_extracted_at":%d,"_connection":%[1]d,"_extra":%[1]d`

func TestStatsOfEveryType(t *testing.T) {
	table := &schema.Table{Name: "t", Key: []string{"id"}, Version: 1, Fields: []schema.Field{
		schema.ID("id", ""), schema.Integer("amount", ""), schema.Number("rate", ""), schema.Flag("paid", ""), schema.Instant("at", ""),
		schema.Day("due", ""), schema.Text("none", ""), schema.Attributes("attrs", ""),
		schema.ListOf("items", "", schema.Object("", "", schema.Integer("n", ""))),
		schema.Object("card", "", schema.Text("brand", ""), schema.Object("owner", "", schema.Integer("age", "")), schema.Text("empty", "")),
		schema.Raw("raw", ""),
	}}
	got := statsOf(t, table, &writer.Options{RowGroupBytes: 100},
		`{"id":"b","amount":-5,"rate":"0.010000","paid":true,"at":"2023-06-15T12:30:00.123999Z","due":"2024-02-29","attrs":[],"items":[{"n":1}],"card":{"brand":"visa","owner":{"age":30}},"raw":"{\"a\":1}"}`,
		`{"id":"c","amount":900,"rate":"-12345.678901","paid":false,"at":"1969-12-31T23:59:59.999001Z","due":"1969-12-31","items":[],"card":{"brand":"amex"}}`,
		`{"id":"a","card":{},"raw":"[]"}`,
		`{"id":"d","amount":7,"rate":"0.000000"}`)
	require.Equal(t, `{"numRecords":4,`+
		`"minValues":{"id":"a","amount":-5,"rate":-12345.678901,"at":"1969-12-31T23:59:59.999Z","due":"1969-12-31","raw":"[]"},`+
		`"maxValues":{"id":"d","amount":900,"rate":0.010000,"at":"2023-06-15T12:30:00.123Z","due":"2024-02-29","raw":"{\"a\":1}"},`+
		`"nullCount":{"id":0,"amount":1,"rate":1,"paid":2,"at":2,"due":2,"none":4,"attrs":3,"items":2,"raw":2,`+fmt.Sprintf(systemNulls, 4)+`},`+
		`"tightBounds":true}`, got)
}

// Leaves of structs count among the first 32, though they have no statistics;
// lists and maps count as one.
func TestStatsOfTheFirst32Leaves(t *testing.T) {
	table := &schema.Table{Name: "t", Version: 1}
	for i := range 26 {
		table.Fields = append(table.Fields, schema.Integer(fmt.Sprintf("n%02d", i), ""))
	}
	table.Fields = append(table.Fields, schema.Attributes("attrs", ""),
		schema.Object("s", "", schema.Integer("a", ""), schema.Object("b", "", schema.Integer("c", ""), schema.Integer("d", ""))),
		schema.ListOf("items", "", schema.Object("", "", schema.Integer("x", ""), schema.Integer("y", ""))),
		schema.Integer("last", ""), schema.Integer("beyond", ""))
	got := statsOf(t, table, nil, `{"n00":1,"n25":2,"s":{"a":3,"b":{"c":4}},"items":[{"x":1}],"last":6,"beyond":7}`)
	require.Contains(t, got, `"minValues":{"n00":1,"n25":2,"last":6}`)
	require.Contains(t, got, `"maxValues":{"n00":1,"n25":2,"last":6}`)
	require.Contains(t, got, `"n25":0,"attrs":1,"items":0,"last":0},"tightBounds"`)
}

// A struct that crosses the limit ends it.
func TestStatsEndInAStruct(t *testing.T) {
	table := &schema.Table{Name: "t", Version: 1, Fields: []schema.Field{schema.Integer("first", "")}}
	wide := schema.Object("wide", "")
	for i := range 40 {
		wide.Fields = append(wide.Fields, schema.Integer(fmt.Sprintf("m%02d", i), ""))
	}
	table.Fields = append(table.Fields, wide, schema.Integer("last", ""))
	got := statsOf(t, table, nil, `{"first":1,"wide":{"m00":3},"last":6}`)
	require.Equal(t, `{"numRecords":1,"minValues":{"first":1},"maxValues":{"first":1},"nullCount":{"first":0},"tightBounds":true}`, got)
}

func TestBoundsOfTexts(t *testing.T) {
	a32 := strings.Repeat("a", 32)
	top := "\U0010FFFF"
	for name, c := range map[string]struct{ text, min, max string }{
		"32 characters":                {a32, a32, a32},
		"33":                           {a32 + "b", a32, a32 + "\x7f"},
		"cut before a DEL":             {a32 + "\x7f", a32, a32 + top},
		"cut before a wide one":        {a32 + "é", a32, a32 + top},
		"wide characters":              {strings.Repeat("é", 40), strings.Repeat("é", 32), strings.Repeat("é", 32) + top},
		"pairs of surrogates":          {strings.Repeat("😀", 20), strings.Repeat("😀", 16), strings.Repeat("😀", 16) + top},
		"a pair across the cut":        {a32[1:] + "😀x", a32[1:], a32[1:] + top},
		"cut before the highest":       {a32 + top + "bb", a32, a32 + top + "\x7f"},
		"the highest up to the end":    {a32 + top + top, a32, a32 + top + top},
		"the highest for ever":         {a32 + strings.Repeat(top, 30), a32, ""},
		"quotes":                       {`"\<&>` + "\n", `"\<&>` + "\n", `"\<&>` + "\n"},
		"empty":                        {"", "", ""},
		"text that JSON would replace": {"a\xff", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := array.NewRecordBuilder(memory.DefaultAllocator, oneColumn(schema.Text("x", "")).ArrowSchema())
			defer b.Release()
			b.Field(0).(*array.StringBuilder).Append(c.text)
			for i := range 3 {
				b.Field(i + 1).AppendNull()
			}
			rec := b.NewRecordBatch()
			defer rec.Release()
			files := writeAll(t, oneColumn(schema.Text("x", "")), nil, partitioning.Part{Rows: rec})
			var stats struct {
				MinValues, MaxValues map[string]string
			}
			require.NoError(t, json.Unmarshal([]byte(files[0].Stats), &stats))
			require.Equal(t, c.min, stats.MinValues["x"])
			require.Equal(t, c.max, stats.MaxValues["x"])
			max, ok := stats.MaxValues["x"]
			require.Equal(t, ok, c.max != "" || c.text == "")
			if ok {
				require.GreaterOrEqual(t, max, c.text)
			}
		})
	}
}

func FuzzBoundsOfTexts(f *testing.F) {
	f.Add("a", "b")
	f.Add(strings.Repeat("a", 33), strings.Repeat("\U0010FFFF", 33))
	f.Add("\x00", "\u2028")
	table := oneColumn(schema.Text("x", ""))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, one, two string) {
		b := array.NewRecordBuilder(memory.DefaultAllocator, table.ArrowSchema())
		defer b.Release()
		for _, s := range []string{one, two} {
			b.Field(0).(*array.StringBuilder).Append(s)
			for i := range 3 {
				b.Field(i + 1).AppendNull()
			}
		}
		rec := b.NewRecordBatch()
		defer rec.Release()
		w, err := writer.New(table, partitioning.Spec{}, dir, nil)
		require.NoError(t, err)
		require.NoError(t, w.Write(t.Context(), partitioning.Part{Rows: rec}))
		files, err := w.Finish(t.Context())
		require.NoError(t, err)
		var stats struct {
			MinValues, MaxValues map[string]string
		}
		require.NoError(t, json.Unmarshal([]byte(files[0].Stats), &stats))
		for _, s := range []string{one, two} {
			if min, ok := stats.MinValues["x"]; ok {
				require.LessOrEqual(t, min, s)
			}
			if max, ok := stats.MaxValues["x"]; ok {
				require.GreaterOrEqual(t, max, s)
			}
		}
	})
}
