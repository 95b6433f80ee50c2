package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
)

func hashed() *arrow.Schema {
	text := arrow.BinaryTypes.String
	point := arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "y", Type: text, Nullable: true})
	fields := []arrow.Field{
		{Name: "id", Type: text},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "m", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "rate", Type: &arrow.Decimal128Type{Precision: 18, Scale: 6}, Nullable: true},
		{Name: "point", Type: point, Nullable: true},
		{Name: "list", Type: arrow.ListOf(text), Nullable: true},
		{Name: "points", Type: arrow.ListOf(point), Nullable: true},
		{Name: "grid", Type: arrow.ListOf(arrow.ListOf(text)), Nullable: true},
		{Name: "attrs", Type: arrow.MapOf(text, text), Nullable: true},
		{Name: "_extracted_at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
	}
	return arrow.NewSchema(fields, nil)
}

// hashedRows builds a batch from JSON objects, one a line.
func hashedRows(t *testing.T, s *arrow.Schema, lines ...string) arrow.RecordBatch {
	t.Helper()
	b, _, err := array.RecordFromJSON(memory.DefaultAllocator, s, strings.NewReader("["+strings.Join(lines, ",")+"]"))
	require.NoError(t, err)
	t.Cleanup(b.Release)
	return b
}

func fingerprint(t *testing.T, line string) uint64 {
	t.Helper()
	return schema.Fingerprint(hashedRows(t, hashed(), line))[0]
}

func TestFingerprintTellsValuesApart(t *testing.T) {
	rows := []string{
		`{"id":"a"}`, `{"id":"b"}`, `{"id":""}`,
		`{"id":"a","n":1}`, `{"id":"a","m":1}`, `{"id":"a","n":0}`, `{"id":"a","n":-1}`,
		`{"id":"a","flag":true}`, `{"id":"a","flag":false}`,
		`{"id":"a","rate":"1.000000"}`, `{"id":"a","rate":"-1.000000"}`,
		`{"id":"a","point":{}}`, `{"id":"a","point":{"x":1}}`, `{"id":"a","point":{"y":"1"}}`,
		`{"id":"a","list":[]}`, `{"id":"a","list":[null]}`, `{"id":"a","list":["x"]}`, `{"id":"a","list":["x",null]}`, `{"id":"a","list":[null,"x"]}`,
		`{"id":"a","list":["x","y"]}`, `{"id":"a","list":["y","x"]}`, `{"id":"a","list":["xy"]}`,
		`{"id":"a","points":[]}`, `{"id":"a","points":[null]}`, `{"id":"a","points":[{}]}`, `{"id":"a","points":[{"x":1},{"y":"2"}]}`, `{"id":"a","points":[{"x":1,"y":"2"},{}]}`,
		`{"id":"a","grid":[["x"],["y"]]}`, `{"id":"a","grid":[["x","y"]]}`, `{"id":"a","grid":[["x","y"],[]]}`, `{"id":"a","grid":[["x","y"],null]}`, `{"id":"a","grid":[[],["x","y"]]}`,
		`{"id":"a","attrs":[]}`, `{"id":"a","attrs":[{"key":"k","value":"v"}]}`, `{"id":"a","attrs":[{"key":"v","value":"k"}]}`, `{"id":"a","attrs":[{"key":"k","value":null}]}`,
		`{"id":"a","attrs":[{"key":"k","value":"v"},{"key":"l","value":"w"}]}`, `{"id":"a","attrs":[{"key":"k","value":"w"},{"key":"l","value":"v"}]}`,
	}
	seen := map[uint64]string{}
	for _, row := range rows {
		h := fingerprint(t, row)
		require.Emptyf(t, seen[h], "%s has the hash of another row", row)
		seen[h] = row
	}
	all := schema.Fingerprint(hashedRows(t, hashed(), rows...))
	for i, row := range rows {
		require.Equalf(t, row, seen[all[i]], "row %d of a batch of all", i)
	}
}

func TestFingerprintOfEqualRows(t *testing.T) {
	for name, pair := range map[string][2]string{
		"time of the read": {`{"id":"a","_extracted_at":"2026-01-01T00:00:00Z"}`, `{"id":"a","_extracted_at":"2026-01-02T00:00:00Z"}`},
		"order of a map": {`{"id":"a","attrs":[{"key":"k","value":"v"},{"key":"l","value":"w"}]}`,
			`{"id":"a","attrs":[{"key":"l","value":"w"},{"key":"k","value":"v"}]}`},
	} {
		require.Equal(t, fingerprint(t, pair[0]), fingerprint(t, pair[1]), name)
	}
}

// Values that change places between rows change the sum.
func TestFingerprintIsOfRowsNotOfCells(t *testing.T) {
	sum := func(lines ...string) (s uint64) {
		for _, h := range schema.Fingerprint(hashedRows(t, hashed(), lines...)) {
			s += h
		}
		return s
	}
	require.NotEqual(t, sum(`{"id":"a","n":1}`, `{"id":"b","n":2}`), sum(`{"id":"a","n":2}`, `{"id":"b","n":1}`))
	require.Equal(t, sum(`{"id":"a","n":1}`, `{"id":"b","n":2}`), sum(`{"id":"b","n":2}`, `{"id":"a","n":1}`))
}

func TestFingerprintDoesNotSeeColumns(t *testing.T) {
	line := `{"id":"a","n":1,"point":{"x":1},"points":[{"y":"2"}]}`
	fields := hashed().Fields()
	point := arrow.StructOf(arrow.Field{Name: "z", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "y", Type: arrow.BinaryTypes.String, Nullable: true}, arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	fields[5].Type, fields[7].Type = point, arrow.ListOf(point)
	fields = append(fields, arrow.Field{Name: "later", Type: arrow.BinaryTypes.String, Nullable: true})
	slices.Reverse(fields)
	other := hashedRows(t, arrow.NewSchema(fields, nil), line)
	require.Equal(t, fingerprint(t, line), schema.Fingerprint(other)[0])
}

func TestFingerprintOfSlices(t *testing.T) {
	lines := []string{
		`{"id":"a","points":[{"x":1},null],"attrs":[{"key":"k","value":"v"}]}`, `{"id":"b","points":null,"point":{"x":3}}`,
		`{"id":"c","points":[],"grid":[["x"],null,["y","z"]]}`, `{"id":"d","points":[{"y":"2"}],"list":["a","b"]}`, `{"id":"e","point":{"y":"z"}}`,
	}
	whole := hashedRows(t, hashed(), lines...)
	want := schema.Fingerprint(whole)
	for from := range lines {
		for to := from + 1; to <= len(lines); to++ {
			part := whole.NewSlice(int64(from), int64(to))
			require.Equal(t, want[from:to], schema.Fingerprint(part))
			part.Release()
		}
	}
	for i, line := range lines {
		require.Equal(t, want[i], fingerprint(t, line))
	}
}

// What a struct that is null hides does not count: Parquet does not keep it.
func TestFingerprintIgnoresWhatANullHides(t *testing.T) {
	full := hashedRows(t, hashed(), `{"id":"a","point":{"x":1,"y":"2"}}`)
	point := full.Column(5).Data()
	bits := memory.NewBufferBytes([]byte{0})
	data := array.NewData(point.DataType(), 1, []*memory.Buffer{bits}, point.Children(), 1, 0)
	defer data.Release()
	hidden := array.NewStructData(data)
	defer hidden.Release()
	cols := slices.Clone(full.Columns())
	cols[5] = hidden
	b := array.NewRecordBatch(full.Schema(), cols, 1)
	defer b.Release()
	require.Equal(t, fingerprint(t, `{"id":"a"}`), schema.Fingerprint(b)[0])
}

func TestFingerprintOfTimesInOtherUnits(t *testing.T) {
	of := func(unit arrow.TimeUnit, v int64) uint64 {
		typ := &arrow.TimestampType{Unit: unit, TimeZone: "UTC"}
		b := array.NewTimestampBuilder(memory.DefaultAllocator, typ)
		defer b.Release()
		b.Append(arrow.Timestamp(v))
		col := b.NewArray()
		defer col.Release()
		rec := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "at", Type: typ}}, nil), []arrow.Array{col}, 1)
		defer rec.Release()
		return schema.Fingerprint(rec)[0]
	}
	require.Equal(t, of(arrow.Microsecond, -2_000_000), of(arrow.Second, -2))
	require.Equal(t, of(arrow.Microsecond, -2_000_000), of(arrow.Millisecond, -2_000))
	require.Equal(t, of(arrow.Microsecond, -2_000_001), of(arrow.Nanosecond, -2_000_000_999))
}

// The numbers are part of the tables that exist: they may never change.
func TestFingerprintIsStable(t *testing.T) {
	line := `{"id":"or_1","n":5,"flag":true,"rate":"2.500000","point":{"x":1},"list":["a"],"points":[{"y":"z"}],"attrs":[{"key":"k","value":"v"}]}`
	require.Equal(t, uint64(0xd048530b057c1b53), fingerprint(t, line))
	require.Equal(t, uint64(0xae575c6c258bbd16), schema.KeyHashes(hashedRows(t, hashed(), line), []string{"id"})[0])
}

func TestKeyHashes(t *testing.T) {
	b := hashedRows(t, hashed(), `{"id":"a","n":1}`, `{"id":"a","n":2}`, `{"id":"b","n":1}`)
	one := schema.KeyHashes(b, []string{"id"})
	require.Equal(t, one[0], one[1])
	require.NotEqual(t, one[0], one[2])
	two := schema.KeyHashes(b, []string{"id", "n"})
	require.NotEqual(t, two[0], two[1])
	require.NotEqual(t, two[0], two[2])
	require.Equal(t, two, schema.KeyHashes(b, []string{"n", "id"}))
}
