package delta

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
)

// merging makes a merge of rows.
func (l *lake) merging(base int64, rows ...row) sink.Change {
	return sink.Change{Mode: sink.Merge, Base: base, Files: l.files(rows...), WorkDir: l.t.TempDir(), RunID: "run-1", Operation: "sync"}
}

// merge commits rows and expects an outcome and an empty work folder.
func (l *lake) merge(want sink.Outcome, rows ...row) sink.Receipt {
	l.t.Helper()
	c := l.merging(l.load().Version(), rows...)
	r := l.commit(c)
	require.Equal(l.t, want, r.Outcome)
	left, err := os.ReadDir(c.WorkDir)
	require.NoError(l.t, err)
	require.Empty(l.t, left)
	return r
}

// stated is a table that tells most changes by two columns.
func stated(s *Settings) { s.Table.State, s.Table.Updated = "status", "created_at" }

// with gives rows of which some were changed.
func with(rows []row, change func(*row), at ...int) []row {
	out := slices.Clone(rows)
	for _, i := range at {
		change(&out[i])
	}
	return out
}

func refund(r *row) { r.status = "refunded" }

func TestMergeRewritesOnlyFilesThatHoldAKey(t *testing.T) {
	for name, l := range stores(t) {
		t.Run(name, func(t *testing.T) {
			day0, day1, day2 := rowsOf(0, 300), rowsOf(1, 300), rowsOf(2, 300)
			l.pieces(some(day0, 0, 2), some(day0, 1, 2), day1, day2)
			before := l.load()

			day0, day2 = with(day0, refund, 4, 6), with(day2, refund, 299)
			r := l.merge(sink.Committed, day0[4], day0[6], day2[299])
			require.Equal(t, []int{2, 2}, []int{r.FilesAdded, r.FilesRemoved})
			require.Equal(t, []int64{450, 450}, []int64{r.RowsAdded, r.RowsRemoved})
			require.Equal(t, before.Version()+1, r.Version)
			l.requireRows(day0, day1, day2)
			l.requireSorted()
			require.Len(t, l.dataKeys(), 6)
			for _, d := range []int{0, 1, 2} {
				_, _, known, _ := l.load().Partition(dayValue(d))
				require.True(t, known, "the new files are tagged")
			}
		})
	}
}

func TestMergeInsertsInOrder(t *testing.T) {
	l := newMemLake(t)
	day0 := rowsOf(0, 50)
	l.pieces(some(day0, 0, 2))
	r := l.merge(sink.Committed, append(some(day0, 1, 2), rowsOf(3, 4)...)...)
	require.Equal(t, []int{2, 0}, []int{r.FilesAdded, r.FilesRemoved}, "no file holds a key: none is rewritten")
	l.requireRows(day0, rowsOf(3, 4))

	changed := with(day0, refund, 10)
	fresh := row{id: "new", minute: 5, status: "paid", amount: 1, buyer: "Ana"}
	r = l.merge(sink.Committed, changed[10], fresh)
	require.Equal(t, []int{1, 1}, []int{r.FilesAdded, r.FilesRemoved})
	l.requireRows(changed, []row{fresh}, rowsOf(3, 4))
	l.requireSorted()
}

func TestMergeMakesATable(t *testing.T) {
	l := newMemLake(t)
	l.merge(sink.Committed, append(rowsOf(0, 3), rowsOf(1, 3)...)...)
	l.requireRows(rowsOf(0, 3), rowsOf(1, 3))
	require.Equal(t, sink.Unchanged, l.merge(sink.Unchanged, rowsOf(0, 3)...).Outcome)
}

// quiet: rows that the table holds are never written again.
func TestMergeOfEqualRowsWritesNothing(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(append(rowsOf(0, 50), rowsOf(1, 50)...))
	before := l.keys("")
	puts := st.Calls(mem.Put)
	r := l.merge(sink.Unchanged, append(rowsOf(0, 3), rowsOf(1, 50)...)...)
	require.Equal(t, 2, r.Skipped)
	require.Equal(t, before, l.keys(""))
	require.Equal(t, puts, st.Calls(mem.Put))

	changed := with(rowsOf(1, 50), refund, 7)
	r = l.merge(sink.Committed, append(rowsOf(0, 3), changed...)...)
	require.Equal(t, []int{1, 1, 1}, []int{r.FilesAdded, r.FilesRemoved, r.Skipped}, "day 0 is equal")
	l.requireRows(rowsOf(0, 50), changed)
}

func TestMergeMovesARowToItsPartition(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 50), rowsOf(5, 50)...))
	moved := rowsOf(0, 50)[9]
	moved.day = 7
	r := l.merge(sink.Committed, moved)
	require.Equal(t, []int{2, 1}, []int{r.FilesAdded, r.FilesRemoved})
	l.requireRows(slices.Delete(rowsOf(0, 50), 9, 10), []row{moved}, rowsOf(5, 50))

	back := rowsOf(0, 50)[9]
	back.seen = 8
	r = l.merge(sink.Committed, back)
	require.Equal(t, []int{1, 1}, []int{r.FilesAdded, r.FilesRemoved}, "the file that lost its only row is not written anew")
	l.requireRows(rowsOf(0, 50), rowsOf(5, 50))
}

func TestMergeFindsAKeyAtAnotherTimeOfItsPartition(t *testing.T) {
	l := newMemLake(t)
	day := rowsOf(0, 200)
	l.pieces(day[:100], day[100:])
	moved := day[150]
	moved.minute, moved.seen = 3, 1 // where the statistics of the other file say it would be
	l.merge(sink.Committed, moved)
	l.requireRows(slices.Delete(slices.Clone(day), 150, 151), []row{moved})
	l.requireSorted()
}

func TestMergeRules(t *testing.T) {
	one := row{id: "a", day: 1, minute: 7, status: "paid", amount: 5, buyer: "Ana", seen: 10}
	but := func(change func(*row)) row { r := one; change(&r); return r }
	changed := func(seen int) row { return but(func(r *row) { r.status, r.seen = "refunded", seen }) }
	moved := func(seen int) row { return but(func(r *row) { r.day, r.seen = 4, seen }) }
	other := row{id: "b", day: 1, minute: 7, status: "paid", amount: 9, buyer: "Bia", seen: 10}
	for name, c := range map[string]struct {
		have    [][]row // one file each, at least
		change  []row
		want    []row
		outcome sink.Outcome
	}{
		"a changed row":                          {[][]row{{one, other}}, []row{changed(11)}, []row{changed(11), other}, sink.Committed},
		"a row of the same moment":               {[][]row{{one, other}}, []row{changed(10)}, []row{changed(10), other}, sink.Committed},
		"an older row":                           {[][]row{{one, other}}, []row{changed(9)}, []row{one, other}, sink.Unchanged},
		"an equal row":                           {[][]row{{one, other}}, []row{but(func(r *row) { r.seen = 20 })}, []row{one, other}, sink.Unchanged},
		"a row that moved":                       {[][]row{{one, other}}, []row{moved(20)}, []row{other, moved(20)}, sink.Committed},
		"an older row that moved":                {[][]row{{one, other}}, []row{moved(1)}, []row{one, other}, sink.Unchanged},
		"twice in the change, newest first":      {[][]row{{other}}, []row{changed(12), but(func(r *row) { r.seen = 11 })}, []row{changed(12), other}, sink.Committed},
		"twice in the change, in two partitions": {[][]row{{one}}, []row{changed(11), moved(20)}, []row{moved(20)}, sink.Committed},
		"doubled in one file":                    {[][]row{{one, one, other}}, []row{changed(11)}, []row{changed(11), other}, sink.Committed},
		"doubled in two files":                   {[][]row{{one}, {one, other}}, []row{changed(11)}, []row{changed(11), other}, sink.Committed},
		"doubled and equal":                      {[][]row{{one}, {one, other}}, []row{one}, []row{one, other}, sink.Committed},
		"doubled and newer":                      {[][]row{{one}, {changed(12), other}}, []row{changed(11)}, []row{changed(12), other}, sink.Committed},
		"doubled elsewhere and new there":        {[][]row{{moved(10), but(func(r *row) { r.day = 3 })}}, []row{changed(30)}, []row{changed(30)}, sink.Committed},
		"nothing":                                {[][]row{{one}}, nil, []row{one}, sink.Unchanged},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLake(t, mem.New(), stated)
			l.pieces(c.have...)
			l.merge(c.outcome, c.change...)
			l.requireRows(c.want)
			l.requireSorted()
			l.merge(sink.Unchanged, c.change...)
		})
	}
}

func TestMergeLeavesPartitionsWithOldRowsAlone(t *testing.T) {
	l := newMemLake(t)
	day0, day1, day5 := rowsOf(0, 20), rowsOf(1, 20), rowsOf(5, 20)
	day1[3].seen = 2
	l.put(slices.Concat(day0, day1, day5))
	newer0, newer1, newer5 := with(day0, refund, 2), with(day1, refund, 2), with(day5, refund, 2)
	c := l.merging(0, newer0[2], newer1[2], newer5[2], row{id: "new", day: 9})
	c.NotBefore = firstDay().AddDate(0, 0, 1).Add(time.Minute)
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, dayValues(0, 1), r.Unmerged, "also a partition with one old row")
	l.requireRows(day0, day1, newer5, []row{{id: "new", day: 9}})

	c = l.merging(1, newer0[2], newer5[2])
	c.NotBefore = firstDay().AddDate(0, 0, 1)
	r = l.commit(c)
	require.Equal(t, sink.Unchanged, r.Outcome)
	require.Equal(t, dayValues(0), r.Unmerged)
}

func TestMergeOfKnownKeysOnly(t *testing.T) {
	l := newMemLake(t)
	day0, day1 := rowsOf(0, 20), rowsOf(1, 20)
	l.put(slices.Concat(day0, day1))
	newer0, newer1 := with(day0, refund, 2), with(day1, refund, 2)
	c := l.merging(0, newer0[2], newer1[2], row{id: "new", day: 1}, row{id: "other", day: 3})
	c.KnownOnly = true
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, dayValues(1, 3), r.Unmerged)
	l.requireRows(newer0, day1)
}

// A row that cannot come to its partition stays where it was, and everything
// that belongs together is left together.
func TestMergeLeavesBothEndsOfAMoveAlone(t *testing.T) {
	l := newMemLake(t)
	days := [][]row{rowsOf(0, 20), rowsOf(1, 20), rowsOf(2, 20), rowsOf(3, 20)}
	l.put(slices.Concat(days...))
	move := func(r row, day int) row { r.day, r.seen = day, 10; return r }
	changed := with(days[3], refund, 5)
	c := l.merging(0, row{id: "new", day: 2}, move(days[1][4], 2), move(days[0][4], 1), changed[5])
	c.KnownOnly = true
	r := l.commit(c)
	require.Equal(t, dayValues(0, 1, 2), r.Unmerged)
	l.requireRows(days[0], days[1], days[2], changed)
}

func TestMergeTakesMostRowsOfAFileAway(t *testing.T) {
	l := newMemLake(t)
	day := rowsOf(0, 5000)
	l.put(day)
	l.optimize(OptimizeOptions{})
	moved := slices.Clone(day[:4900])
	for i := range moved {
		moved[i].day, moved[i].seen = 3, 10
	}
	r := l.merge(sink.Committed, moved...)
	require.Equal(t, []int64{5000, 5000}, []int64{r.RowsAdded, r.RowsRemoved})
	l.requireRows(moved, day[4900:])
}

// globAll lists a folder.
func globAll(t testing.TB, dir string) []string {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, f := range left {
		out = append(out, f.Name())
	}
	return out
}
