package writer_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

func daily() partitioning.Spec {
	return partitioning.Spec{Column: "created_date", Source: "created_at"}
}

// names returns what lies in a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func sums(b arrow.RecordBatch, key []string) (prints, keys uint64) {
	for _, h := range schema.Fingerprint(b) {
		prints += h
	}
	for _, h := range schema.KeyHashes(b, key) {
		keys += h
	}
	return prints, keys
}

func TestFilesOfSeveralPartitions(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	table, dir := allTypes(), t.TempDir()
	r := newRows(3)
	w, err := writer.New(table, daily(), dir, nil)
	require.NoError(t, err)
	var parts []partitioning.Part
	for range 3 { // 3 batches over some days each, which meet inside a day
		r.micro += 9 * 3600e6
		b := r.batch(mem, table, 40)
		r.micro += 2 * 86_400e6
		next := r.batch(mem, table, 40)
		for _, batch := range []arrow.RecordBatch{b, next} {
			split, err := daily().Split(batch)
			require.NoError(t, err)
			parts = append(parts, split...)
			batch.Release()
		}
	}
	rows := map[partitioning.Value]int64{}
	for _, p := range parts {
		require.NoError(t, w.Write(t.Context(), p))
		rows[p.Value] += p.Rows.NumRows()
	}
	files, err := w.Finish(t.Context())
	require.NoError(t, err)
	require.Len(t, files, len(rows), "one file for each partition")
	for i, f := range files {
		if i > 0 {
			require.Greater(t, f.Partition, files[i-1].Partition)
		}
		require.Equal(t, rows[f.Partition], f.Rows)
		require.Regexp(t, regexp.MustCompile(`^part-\d{5}-[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\.zstd\.parquet$`), f.Name)
		require.Equal(t, filepath.Join(dir, f.Name), f.Path)
		info, err := os.Stat(f.Path)
		require.NoError(t, err)
		require.Equal(t, info.Size(), f.Bytes)
		got := read(t, f.Path)
		require.Equal(t, -1, fieldIndex(got, "created_date"), "the partition column is not in the file")
		prints, keys := sums(got, table.Key)
		require.Equal(t, prints, f.Fingerprint)
		require.Equal(t, keys, f.Keys)
		times := got.Column(fieldIndex(got, "created_at")).(*array.Timestamp)
		require.Equal(t, times.Value(0).ToTime(arrow.Microsecond), f.MinTime)
		require.Equal(t, times.Value(times.Len()-1).ToTime(arrow.Microsecond), f.MaxTime)
		require.Equal(t, f.Partition, daily().Of(f.MinTime))
	}
	require.Len(t, names(t, dir), len(files))
	for _, p := range parts {
		p.Rows.Release()
	}
}

func fieldIndex(b arrow.RecordBatch, name string) int {
	at := b.Schema().FieldIndices(name)
	if len(at) == 0 {
		return -1
	}
	return at[0]
}

// Small neighbours of a partition become one row group, in order; large batches
// become several.
func TestRowGroups(t *testing.T) {
	table := allTypes()
	r := newRows(4)
	var small []partitioning.Part
	for range 10 {
		b := r.batch(memory.DefaultAllocator, table, 20)
		defer b.Release()
		small = append(small, partitioning.Part{Rows: b})
	}
	files := writeAll(t, table, nil, small...)
	require.Len(t, files, 1)
	require.Equal(t, 1, open(t, files[0].Path).NumRowGroups())
	got := read(t, files[0].Path)
	for i, p := range small {
		slice := got.NewSlice(int64(i*20), int64(i*20+20))
		requireRows(t, p.Rows, slice)
		slice.Release()
	}

	big := r.batch(memory.DefaultAllocator, table, 2000)
	defer big.Release()
	files = writeAll(t, table, &writer.Options{RowGroupBytes: 200_000, MaxRowGroups: 1000}, small[0], partitioning.Part{Rows: big}, small[1])
	require.Len(t, files, 1)
	require.EqualValues(t, 2040, files[0].Rows)
	groups := open(t, files[0].Path).NumRowGroups()
	require.Greater(t, groups, 4)
	require.Less(t, groups, 30)
	got = read(t, files[0].Path)
	slice := got.NewSlice(20, 2020)
	defer slice.Release()
	requireRows(t, big, slice)
}

// What waits is written by itself where it would make a row group too large.
func TestRowGroupsStayBelowTheirSize(t *testing.T) {
	table := allTypes()
	r := newRows(4)
	small, large := r.batch(memory.DefaultAllocator, table, 100), r.batch(memory.DefaultAllocator, table, 300)
	defer small.Release()
	defer large.Release()
	size := int64(0)
	for _, col := range large.Columns() {
		size += int64(col.Data().SizeInBytes())
	}
	for limit, want := range map[int64][]int64{size * 7 / 6: {100, 300, 100}, size * 5 / 3: {400, 100}} {
		files := writeAll(t, table, &writer.Options{RowGroupBytes: limit}, partitioning.Part{Rows: small}, partitioning.Part{Rows: large}, partitioning.Part{Rows: small})
		var rows []int64
		f := open(t, files[0].Path)
		for i := range f.NumRowGroups() {
			rows = append(rows, f.MetaData().RowGroup(i).NumRows())
		}
		require.Equal(t, want, rows)
	}
}

func TestRowGroupOfOneHugeRow(t *testing.T) {
	table := allTypes()
	r := newRows(4)
	r.long = 5000
	b := r.batch(memory.DefaultAllocator, table, 3)
	defer b.Release()
	files := writeAll(t, table, &writer.Options{RowGroupBytes: 100}, partitioning.Part{Rows: b})
	require.Equal(t, 3, open(t, files[0].Path).NumRowGroups())
	requireRows(t, b, read(t, files[0].Path))
}

func TestRollOver(t *testing.T) {
	table := allTypes()
	b := newRows(4).batch(memory.DefaultAllocator, table, 1200)
	defer b.Release()
	part := partitioning.Part{Rows: b}
	for name, opts := range map[string]*writer.Options{
		"by row groups": {RowGroupBytes: 100_000, MaxRowGroups: 3},
		"by size":       {RowGroupBytes: 100_000, TargetBytes: 60_000},
	} {
		files := writeAll(t, table, opts, part, part)
		require.Greater(t, len(files), 2, name)
		rows, prints := int64(0), uint64(0)
		seen := map[string]bool{}
		for i, f := range files {
			rows, prints = rows+f.Rows, prints+f.Fingerprint
			require.False(t, seen[f.Name])
			seen[f.Name] = true
			groups := open(t, f.Path).NumRowGroups()
			if opts.MaxRowGroups > 0 {
				require.LessOrEqual(t, groups, 3)
			} else if i < len(files)-1 {
				require.GreaterOrEqual(t, f.Bytes, opts.TargetBytes)
				require.Less(t, f.Bytes, 4*opts.TargetBytes)
			}
		}
		want, _ := sums(b, table.Key)
		require.EqualValues(t, 2400, rows, name)
		require.Equal(t, 2*want, prints, name)
	}
}

// Equal rows give equal bytes, whatever the number of processors.
func TestDeterministicBytes(t *testing.T) {
	table := allTypes()
	b := newRows(6).batch(memory.DefaultAllocator, table, 700)
	defer b.Release()
	var first [][]byte
	for run := range 10 {
		procs := runtime.GOMAXPROCS(1 + run%2)
		files := writeAll(t, table, &writer.Options{RowGroupBytes: 150_000, MaxRowGroups: 4}, partitioning.Part{Rows: b}, partitioning.Part{Rows: b})
		runtime.GOMAXPROCS(procs)
		var all [][]byte
		for _, f := range files {
			data, err := os.ReadFile(f.Path)
			require.NoError(t, err)
			all = append(all, data)
		}
		if run == 0 {
			require.Greater(t, len(all), 1)
			first = all
		}
		require.Equal(t, first, all, "run %d", run)
	}
}

// A column said to have few values keeps its one encoding if it has many.
func TestEnumWithManyValues(t *testing.T) {
	table := &schema.Table{Name: "t", Key: []string{"id"}, Version: 1, Fields: []schema.Field{schema.ID("id", ""), schema.Enumeration("state", "")}}
	r := newRows(1)
	r.fill = func(arrow.Field, int) float64 { return 1 }
	r.long = 300
	b := r.batch(memory.DefaultAllocator, table, 20_000)
	defer b.Release()
	files := writeAll(t, table, nil, partitioning.Part{Rows: b})
	chunk, err := open(t, files[0].Path).MetaData().RowGroup(0).ColumnChunk(1)
	require.NoError(t, err)
	require.Len(t, chunk.EncodingStats(), 2, "one dictionary, one encoding")
	requireRows(t, b, read(t, files[0].Path))
}

func TestFinishAndGoOn(t *testing.T) {
	table, dir := allTypes(), t.TempDir()
	r := newRows(7)
	w, err := writer.New(table, partitioning.Spec{}, dir, nil)
	require.NoError(t, err)
	files, err := w.Finish(t.Context())
	require.NoError(t, err)
	require.Empty(t, files)
	for range 3 {
		b := r.batch(memory.DefaultAllocator, table, 10)
		require.NoError(t, w.Write(t.Context(), partitioning.Part{Rows: b}))
		b.Release()
		files, err = w.Finish(t.Context())
		require.NoError(t, err)
		require.Len(t, files, 1)
		require.EqualValues(t, 10, files[0].Rows)
	}
	require.NoError(t, w.Abort())
	require.Len(t, names(t, dir), 3, "what was reported stays")
}

func TestEmptyPartMakesNoFile(t *testing.T) {
	table := allTypes()
	b := newRows(7).batch(memory.DefaultAllocator, table, 0)
	defer b.Release()
	require.Empty(t, writeAll(t, table, nil, partitioning.Part{Rows: b}))
}

func TestAbort(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	table, dir := allTypes(), t.TempDir()
	r := newRows(8)
	w, err := writer.New(table, partitioning.Spec{}, dir, &writer.Options{RowGroupBytes: 50_000, MaxRowGroups: 2})
	require.NoError(t, err)
	for _, n := range []int{500, 3} { // finished files, an open one, rows that wait
		b := r.batch(mem, table, n)
		require.NoError(t, w.Write(t.Context(), partitioning.Part{Rows: b}))
		b.Release()
	}
	require.Greater(t, len(names(t, dir)), 1)
	require.NoError(t, w.Abort())
	require.Empty(t, names(t, dir))
	require.NoError(t, w.Abort())
	_, err = w.Finish(t.Context())
	require.Error(t, err)
}

func TestErrorsNameTableAndPartition(t *testing.T) {
	table := allTypes()
	good := newRows(8).batch(memory.DefaultAllocator, table, 3)
	defer good.Release()
	other := newRows(8).batch(memory.DefaultAllocator, &schema.Table{Fields: []schema.Field{schema.ID("id", "")}}, 3)
	defer other.Release()

	w, err := writer.New(table, daily(), t.TempDir(), nil)
	require.NoError(t, err)
	err = w.Write(t.Context(), partitioning.Part{Value: "2026-11-21", Rows: other})
	require.ErrorContains(t, err, "everything")
	require.ErrorContains(t, err, "2026-11-21")
	require.Equal(t, err, w.Write(t.Context(), partitioning.Part{Rows: good}), "the first error stays")
	require.NoError(t, w.Abort())

	w, err = writer.New(table, daily(), t.TempDir(), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.Write(ctx, partitioning.Part{Rows: good}), context.Canceled)

	_, err = writer.New(table, daily(), filepath.Join(t.TempDir(), "absent"), nil)
	require.ErrorContains(t, err, "absent")
	_, err = writer.New(&schema.Table{Name: "t", Key: []string{"id"}}, daily(), t.TempDir(), nil)
	require.ErrorContains(t, err, `"id"`)
	_, err = writer.New(table, partitioning.Spec{Column: "due", Source: "created_at"}, t.TempDir(), nil)
	require.ErrorContains(t, err, `"due"`)
}

// A directory that is gone is an error, and Abort still frees what waits.
func TestWriteIntoNowhere(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	table, dir := allTypes(), filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Mkdir(dir, 0o755))
	w, err := writer.New(table, partitioning.Spec{}, dir, nil)
	require.NoError(t, err)
	b := newRows(8).batch(mem, table, 3)
	defer b.Release()
	require.NoError(t, w.Write(t.Context(), partitioning.Part{Rows: b}))
	require.NoError(t, os.Remove(dir))
	_, err = w.Finish(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, w.Abort())
}

// Arrays that contradict the schema end in an error, not in a panic.
func TestBrokenArrays(t *testing.T) {
	table := &schema.Table{Name: "t", Key: []string{"id"}, Version: 1, Fields: []schema.Field{schema.ID("id", ""), schema.Text("name", ""), schema.Number("rate", "")}}
	good := newRows(8).batch(memory.DefaultAllocator, table, 3)
	defer good.Release()
	s := table.ArrowSchema()
	with := func(i int, col arrow.Array) arrow.RecordBatch {
		cols := append([]arrow.Array{}, good.Columns()...)
		cols[i] = col
		return array.NewRecordBatch(s, cols, 3)
	}
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 900, 90, 5}))
	data := array.NewData(arrow.BinaryTypes.String, 3, []*memory.Buffer{nil, offsets, memory.NewBufferBytes(make([]byte, 1000))}, nil, 0, 0)
	wide := memory.NewBufferBytes(arrow.Decimal128Traits.CastToBytes(make([]decimal128.Num, 3)))
	arrow.Decimal128Traits.CastFromBytes(wide.Bytes())[1] = decimal128.New(0, 1<<62)
	decimals := array.NewData(s.Field(2).Type, 3, []*memory.Buffer{nil, wide}, nil, 0, 0)
	for name, b := range map[string]arrow.RecordBatch{
		"digits":        with(2, array.NewDecimal128Data(decimals)),
		"null in a key": with(0, array.MakeArrayOfNull(memory.DefaultAllocator, arrow.BinaryTypes.String, 3)),
		"offsets":       with(1, array.NewStringData(data)),
	} {
		w, err := writer.New(table, partitioning.Spec{}, t.TempDir(), &writer.Options{RowGroupBytes: 1})
		require.NoError(t, err)
		require.Error(t, w.Write(t.Context(), partitioning.Part{Rows: b}), name)
		require.NoError(t, w.Abort())
	}
}

func TestTimesOfATableThatMayHaveNone(t *testing.T) {
	table := &schema.Table{Name: "t", Key: []string{"id"}, Time: "seen_at", Version: 1, Fields: []schema.Field{schema.ID("id", ""), schema.Instant("seen_at", "")}}
	rec := array.NewRecordBuilder(memory.DefaultAllocator, table.ArrowSchema())
	defer rec.Release()
	for i, at := range []int64{0, 3_000_000, -5, 7} {
		rec.Field(0).(*array.StringBuilder).Append(string(rune('a' + i)))
		if i == 0 {
			rec.Field(1).AppendNull()
		} else {
			rec.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
		}
		for j := 2; j < len(rec.Fields()); j++ {
			rec.Field(j).AppendNull()
		}
	}
	b := rec.NewRecordBatch()
	defer b.Release()
	files := writeAll(t, table, nil, partitioning.Part{Rows: b})
	require.Equal(t, time.UnixMicro(-5).UTC(), files[0].MinTime)
	require.Equal(t, time.UnixMicro(3_000_000).UTC(), files[0].MaxTime)
}

// Rows that wait share the memory of their batch, and let go of it when they
// are written.
func TestWhatWaitsIsNotCopied(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	table := allTypes()
	w, err := writer.New(table, partitioning.Spec{}, t.TempDir(), nil)
	require.NoError(t, err)
	b := newRows(8).batch(mem, table, 3)
	size := mem.CurrentAlloc()
	part := b.NewSlice(1, 2)
	require.NoError(t, w.Write(t.Context(), partitioning.Part{Rows: part}))
	part.Release()
	b.Release()
	require.Equal(t, size, mem.CurrentAlloc())
	files, err := w.Finish(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, files[0].Rows)
	mem.AssertSize(t, 0)
}
