package delta

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/writer"
)

// never-shrinks-silently: see also the empty answer below.
func TestShrinkGuard(t *testing.T) {
	tests := []struct {
		name    string
		have    [][]row
		want    [][]row
		removed int64 // 0 = allowed
		before  int64
	}{
		{"ten rows of ten and one new", [][]row{rowsOf(0, 10)}, [][]row{rowsOf(1, 1)}, 0, 0},
		{"eleven of eleven and one new", [][]row{rowsOf(0, 11)}, [][]row{rowsOf(1, 1)}, 11, 11},
		{"five percent exactly", [][]row{rowsOf(0, 400)}, [][]row{rowsOf(0, 380)}, 0, 0},
		{"one more", [][]row{rowsOf(0, 400)}, [][]row{rowsOf(0, 379)}, 21, 400},
		{"other keys of the same number", [][]row{rowsOf(0, 100)}, [][]row{renamed(rowsOf(0, 100), 20)}, 20, 100},
		{"more rows, but others", [][]row{rowsOf(0, 100)}, [][]row{renamed(rowsOf(0, 150), 20)}, 20, 100},
		{"other contents of the same keys", [][]row{rowsOf(0, 100)}, [][]row{refunded(rowsOf(0, 100))}, 0, 0},
		{"one partition gone among many rows", [][]row{rowsOf(0, 30), rowsOf(1, 1000)}, [][]row{rowsOf(1, 1000)}, 30, 30},
		{"a small partition gone among many rows", [][]row{rowsOf(0, 10), rowsOf(1, 1000)}, [][]row{rowsOf(1, 1000)}, 0, 0},
		{"one partition gone among few rows", [][]row{rowsOf(0, 30), rowsOf(1, 100)}, [][]row{rowsOf(1, 100)}, 30, 130},
		{"spread over partitions", [][]row{rowsOf(0, 100), rowsOf(1, 100)}, [][]row{rowsOf(0, 92), rowsOf(1, 92)}, 16, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newMemLake(t)
			var have, want []row
			for _, rows := range test.have {
				have = append(have, rows...)
			}
			for _, rows := range test.want {
				want = append(want, rows...)
			}
			l.put(have)
			c := l.replace(0, want, 0, 1)
			_, err := l.Commit(context.Background(), c)
			if test.removed == 0 {
				require.NoError(t, err)
				l.requireRows(want)
				return
			}
			var shrink *sink.ShrinkError
			require.ErrorAs(t, err, &shrink)
			require.Equal(t, test.removed, shrink.Removed)
			require.Equal(t, test.before, shrink.Before)
			require.ErrorContains(t, err, "--accept-shrink")
			l.requireRows(have)
			require.Len(t, l.dataKeys(), len(test.have), "nothing may be uploaded")

			c.AcceptShrink = true
			require.Equal(t, sink.Committed, l.commit(c).Outcome)
			l.requireRows(want)
		})
	}
}

func renamed(rows []row, n int) []row {
	for i := range n {
		rows[i].id = "new-" + rows[i].id
	}
	return rows
}

func refunded(rows []row) []row {
	for i := range rows {
		rows[i].status = "refunded"
	}
	return rows
}

// never-shrinks-silently: an empty answer never removes rows, however few.
func TestEmptyAnswerEmptiesNothing(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 1))
	for name, c := range map[string]sink.Change{
		"replace":   l.replace(0, nil, 0),
		"overwrite": {Mode: sink.Overwrite, Base: 0},
		"no rows":   {Mode: sink.Overwrite, Base: 0, Files: []writer.File{{Name: "part-0.parquet", Partition: dayValue(0)}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := l.Commit(context.Background(), c)
			var shrink *sink.ShrinkError
			require.ErrorAs(t, err, &shrink)
			require.True(t, shrink.Empty)
			require.ErrorContains(t, err, "no rows at all")
			l.requireRows(rowsOf(0, 1))
		})
	}
	c := l.replace(0, nil, 0)
	c.AcceptShrink = true
	l.commit(c)
	l.requireRows()
}

// Partitions that the caller left out because they are equal count as rows that
// stay.
func TestGuardCountsUnchangedRows(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 100))
	c := l.replace(0, rowsOf(0, 88), 0)
	_, err := l.Commit(context.Background(), c)
	var shrink *sink.ShrinkError
	require.ErrorAs(t, err, &shrink)
	c.Unchanged = 500
	require.Equal(t, sink.Committed, l.commit(c).Outcome)
}

// A replace reads old files only where their keys may be gone: neither for other
// contents of the same keys nor for a day that got newer records.
func TestRemovedRecordsAreCountedAndReadOnlyWhereTheyMust(t *testing.T) {
	tests := []struct {
		name    string
		rows    []row
		removed int64
		opens   int
	}{
		{"the same keys", refunded(rowsOf(1, 500)), 0, 0},
		{"newer records", rowsOf(1, 600), 0, 0},
		{"newer records and other contents", refunded(rowsOf(1, 600)), 0, 0},
		{"one is gone", rowsOf(1, 500)[1:], 1, 1},
		{"as many came as went", renamed(rowsOf(1, 500), 7), 7, 1},
		{"more came than went", renamed(rowsOf(1, 700), 3), 3, 1},
		{"older records came", append(rowsOf(1, 500), row{id: "old", day: 1}), 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			st := mem.New()
			l := newLake(t, st)
			l.put(slices.Concat(rowsOf(0, 4), rowsOf(1, 500)))
			c := l.replace(0, slices.Concat(rowsOf(0, 4), test.rows))
			opens := st.Calls(mem.Open)
			receipt := l.commit(c)
			require.Equal(t, sink.Committed, receipt.Outcome)
			require.Equal(t, test.removed, receipt.Deleted)
			if test.opens == 0 {
				require.Equal(t, opens, st.Calls(mem.Open))
			} else {
				require.Greater(t, st.Calls(mem.Open), opens)
			}
		})
	}
}

// What goes is counted also where it is accepted, and where a partition empties.
func TestAcceptedRemovalsAreCounted(t *testing.T) {
	l := newMemLake(t)
	l.put(slices.Concat(rowsOf(0, 40), rowsOf(1, 60)))
	c := l.replace(0, rowsOf(1, 30), 0)
	c.AcceptShrink = true
	require.Equal(t, int64(70), l.commit(c).Deleted)
	l.requireRows(rowsOf(1, 30))
}

func TestGuardCountsRowsOfOtherEngines(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	compact(l, dayValueText(0), l.files(rowsOf(0, 20)...)[0].Path)
	_, err := l.Commit(context.Background(), l.replace(1, rowsOf(0, 2)))
	var shrink *sink.ShrinkError
	require.True(t, errors.As(err, &shrink))
	require.Equal(t, int64(18), shrink.Removed)
	require.Equal(t, int64(20), shrink.Before)
}
