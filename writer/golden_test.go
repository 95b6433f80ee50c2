package writer_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// golden returns the folder of tables that other engines wrote.
func golden(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PAYLAKE_GOLDEN")
	if dir == "" {
		dir = "../../shared/golden"
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no golden tables in %s", dir)
	}
	return filepath.Join(dir, "writer")
}

// logged is what the log of a golden table says of its one file with rows.
type logged struct {
	file  string
	stats map[string]any
	names map[string]string // of the columns, by their name in the file; of members too
}

func readLog(t *testing.T, dir string) logged {
	t.Helper()
	out := logged{names: map[string]string{}}
	logs, err := filepath.Glob(filepath.Join(dir, "_delta_log", "*.json"))
	require.NoError(t, err)
	for _, log := range logs {
		f, err := os.Open(log)
		require.NoError(t, err)
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var action struct {
				MetaData struct{ SchemaString string }
				Add      struct{ Path, Stats string }
			}
			require.NoError(t, json.Unmarshal(lines.Bytes(), &action))
			if s := action.MetaData.SchemaString; s != "" {
				var fields any
				require.NoError(t, json.Unmarshal([]byte(s), &fields))
				out.name(fields)
			}
			if action.Add.Stats != "" {
				out.file = filepath.Join(dir, action.Add.Path)
				out.stats = numbers(t, action.Add.Stats)
			}
		}
		require.NoError(t, f.Close())
	}
	return out
}

// name gathers the physical names of columns.
func (l logged) name(node any) {
	switch n := node.(type) {
	case []any:
		for _, m := range n {
			l.name(m)
		}
	case map[string]any:
		if meta, ok := n["metadata"].(map[string]any); ok {
			if physical, ok := meta["delta.columnMapping.physicalName"].(string); ok {
				l.names[physical] = n["name"].(string)
			}
		}
		l.name(n["type"])
		l.name(n["fields"])
	}
}

// rename gives the keys of an object their logical names, at every depth.
func (l logged) rename(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for k, v := range m {
		if name, ok := l.names[k]; ok {
			k = name
		}
		out[k] = l.rename(v)
	}
	return out
}

// numbers decodes JSON with numbers as exact fractions.
func numbers(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v map[string]any
	require.NoError(t, d.Decode(&v))
	return exact(t, v).(map[string]any)
}

func exact(t *testing.T, v any) any {
	switch v := v.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(v.String())
		require.True(t, ok)
		return r.RatString()
	case map[string]any:
		for k, m := range v {
			v[k] = exact(t, m)
		}
	}
	return v
}

// only keeps the members of statistics that a table has.
func only(stats map[string]any, like map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range like {
		if s, ok := stats[k].(map[string]any); ok {
			out[k] = only(s, v.(map[string]any))
		} else {
			out[k] = stats[k]
		}
	}
	return out
}

// The same rows have the statistics that Spark wrote for them, where both know
// the type.
func TestStatsAreThoseOfSpark(t *testing.T) {
	log := readLog(t, filepath.Join(golden(t), "stats-writing-all-types", "delta"))
	table := &schema.Table{Name: "t", Version: 1, Fields: []schema.Field{
		schema.Integer("long_col", ""), schema.Integer("int_col", ""), schema.Day("date_col", ""), schema.Instant("timestamp_col", ""), schema.Text("string_col", ""),
		schema.Number("decimal_col", ""), schema.Flag("boolean_col", ""), schema.ListOf("array_col", "", schema.Integer("", "")), schema.Attributes("map_col", ""),
		schema.Object("nested_struct", "", schema.Integer("inner_int", ""), schema.Text("inner_string", "")),
	}}
	rows := read(t, log.file)
	var lines []string
	for i := range int(rows.NumRows()) {
		row := map[string]any{}
		for c := range int(rows.NumCols()) {
			name := log.names[rows.ColumnName(c)]
			text, err := json.Marshal(rows.Column(c).GetOneForMarshal(i))
			require.NoError(t, err)
			var v any
			require.NoError(t, json.Unmarshal(text, &v))
			row[name] = log.rename(v)
			if entries, ok := v.([]any); ok && name == "map_col" {
				for _, e := range entries {
					e.(map[string]any)["value"] = fmt.Sprint(e.(map[string]any)["value"])
				}
			}
		}
		line, err := json.Marshal(row)
		require.NoError(t, err)
		lines = append(lines, string(line))
	}
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, table.ArrowSchema(), strings.NewReader("["+strings.Join(lines, ",")+"]"))
	require.NoError(t, err)
	defer b.Release()
	files := writeAll(t, table, nil, partitioning.Part{Rows: b})
	got := numbers(t, files[0].Stats)
	for _, name := range []string{schema.ColumnExtractedAt, schema.ColumnConnection, schema.ColumnExtra} {
		delete(got["nullCount"].(map[string]any), name)
	}
	delete(got, "tightBounds")
	require.Len(t, got["nullCount"], len(table.Fields)-1, "all but the struct")
	require.Len(t, got["minValues"], len(table.Fields)-4, "nor have a flag, a list and a map any")
	want := log.rename(log.stats).(map[string]any)
	require.Equal(t, only(want, got), got)
}

// Spark truncates timestamps to milliseconds, the upper bound too.
func TestTimesInStatsAreThoseOfSpark(t *testing.T) {
	log := readLog(t, filepath.Join(golden(t), "timestamp-truncation-stats"))
	table := &schema.Table{Name: "t", Version: 1, Fields: []schema.Field{schema.Integer("id", ""), schema.Instant("ts_col", "")}}
	got := numbers(t, statsOf(t, table, nil, `{"id":5,"ts_col":"1970-01-01T00:00:07.000999Z"}`, `{"id":6,"ts_col":"1970-01-01T00:00:08.000001Z"}`))
	require.Equal(t, log.stats["minValues"], got["minValues"])
	require.Equal(t, log.stats["maxValues"], got["maxValues"])
}
