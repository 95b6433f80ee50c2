package partitioning_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
)

func at(unit arrow.TimeUnit) arrow.DataType {
	return &arrow.TimestampType{Unit: unit, TimeZone: "UTC"}
}

// timed makes a batch of rows (n, created_at); a negative time is null if
// nulls is set.
func timed(mem memory.Allocator, typ arrow.DataType, micros []int64, nulls bool) arrow.RecordBatch {
	s := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "created_at", Type: typ, Nullable: true}}, nil)
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for i, v := range micros {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if nulls && v < 0 {
			b.Field(1).AppendNull()
		} else {
			b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(v))
		}
	}
	return b.NewRecordBatch()
}

// requireSplit splits and checks that the parts, put together, are the batch,
// and that each is the whole of its partition.
func requireSplit(t *testing.T, spec partitioning.Spec, micros []int64) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := timed(mem, at(arrow.Microsecond), micros, false)
	parts, err := spec.Split(b)
	b.Release()
	require.NoError(t, err)
	row := int64(0)
	last := partitioning.Value("")
	for _, p := range parts {
		require.Positive(t, p.Rows.NumRows())
		require.Greater(t, p.Value, last, "parts come in order, one per partition")
		last = p.Value
		for i := range int(p.Rows.NumRows()) {
			require.Equal(t, row, p.Rows.Column(0).(*array.Int64).Value(i))
			got := p.Rows.Column(1).(*array.Timestamp).Value(i)
			require.Equal(t, micros[row], int64(got))
			require.Equal(t, p.Value, spec.Of(time.UnixMicro(int64(got))))
			row++
		}
		p.Rows.Release()
	}
	require.EqualValues(t, len(micros), row)
}

func TestSplitRebuildsTheBatch(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, name := range zones {
		for _, size := range []partitioning.Granularity{partitioning.Day, partitioning.Month} {
			spec := partitioning.Spec{Column: "created", Source: "created_at", Granularity: size, Location: zone(t, name)}
			for _, span := range []int64{1, 86_400e6, 90 * 86_400e6} {
				micros := make([]int64, r.IntN(200))
				for i := range micros {
					micros[i] = 1_257_000_000e6 + r.Int64N(span)
				}
				slices.Sort(micros)
				requireSplit(t, spec, micros)
			}
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(int64(1_257_042_600_000_000), []byte{0, 1, 200, 3}, uint8(2))
	f.Add(int64(-5), []byte{0, 0, 255, 255, 255}, uint8(0))
	f.Fuzz(func(t *testing.T, first int64, steps []byte, which uint8) {
		first %= 200 * 365 * 86_400e6
		micros := []int64{first}
		for _, s := range steps {
			first += int64(s) * int64(s) * 1_350_000_123
			micros = append(micros, first)
		}
		if y := time.UnixMicro(micros[0]).UTC().Year(); y < 2 {
			return
		}
		requireSplit(t, partitioning.Spec{Column: "created", Source: "created_at", Location: zone(t, zones[int(which)%len(zones)])}, micros)
	})
}

func TestSplitOfAnUnpartitionedTable(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := timed(mem, at(arrow.Microsecond), []int64{5, 3, -1}, true)
	parts, err := partitioning.Spec{}.Split(b)
	require.NoError(t, err)
	require.Len(t, parts, 1)
	require.Equal(t, partitioning.Value(""), parts[0].Value)
	require.EqualValues(t, 3, parts[0].Rows.NumRows())
	parts[0].Rows.Release()
	b.Release()
}

func TestSplitOfNothing(t *testing.T) {
	b := timed(memory.DefaultAllocator, at(arrow.Microsecond), nil, false)
	defer b.Release()
	for _, spec := range []partitioning.Spec{{}, {Column: "created_date", Source: "created_at"}} {
		parts, err := spec.Split(b)
		require.NoError(t, err)
		require.Empty(t, parts)
	}
}

func TestSplitRefuses(t *testing.T) {
	spec := partitioning.Spec{Column: "created_date", Source: "created_at"}
	for name, c := range map[string]struct {
		spec   partitioning.Spec
		typ    arrow.DataType
		micros []int64
		want   string
	}{
		"rows that are not sorted": {spec, at(arrow.Microsecond), []int64{1, 3, 2}, "row 2"},
		"rows without a time":      {spec, at(arrow.Microsecond), []int64{1, -1}, "1 rows have no time"},
		"another unit":             {spec, at(arrow.Millisecond), []int64{1}, "timestamp[us]"},
		"a column that is not there": {partitioning.Spec{Column: "paid_date", Source: "paid_at"}, at(arrow.Microsecond), []int64{1},
			`"paid_at"`},
		"a year of five digits": {spec, at(arrow.Microsecond), []int64{1, 253402300800e6}, "year 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
			defer mem.AssertSize(t, 0)
			b := timed(mem, c.typ, c.micros, true)
			defer b.Release()
			_, err := c.spec.Split(b)
			require.ErrorContains(t, err, c.want)
		})
	}
}
