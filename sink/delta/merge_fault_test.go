package delta

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

func TestMergeConflictsWithRivalsInItsPartitions(t *testing.T) {
	l := newMemLake(t)
	day0, day1, day2 := rowsOf(0, 20), rowsOf(1, 20), rowsOf(2, 20)
	l.put(slices.Concat(day0, day1, day2))
	base := l.load().Version()
	l.rival().put(with(day1, refund, 4))
	r := l.commit(l.merging(base, with(day0, refund, 1)[1], with(day1, refund, 5)[5]))
	require.Equal(t, sink.Conflict, r.Outcome)
	require.Equal(t, dayValues(1), r.Stale)
	require.Equal(t, base+1, r.Version)

	away := day1[9]
	away.day, away.seen = 7, 20
	r = l.commit(l.merging(base, away))
	require.Equal(t, []any{sink.Conflict, dayValues(1)}, []any{r.Outcome, r.Stale}, "a partition that a row would leave")
	require.Equal(t, sink.Committed, l.commit(l.merging(base, with(day0, refund, 1)[1])).Outcome)
	require.Equal(t, sink.Conflict, l.commit(l.merging(99, day0[1])).Outcome, "the log went back")
	l.requireRows(with(day0, refund, 1), with(day1, refund, 4), day2)
	require.Len(t, l.dataKeys(), 3+1+1, "what conflicts leaves nothing behind")
}

func TestMergeThatLosesARaceKeepsWhatItWrote(t *testing.T) {
	st := mem.New()
	rival := newLake(t, st)
	day0, day1 := rowsOf(0, 20), rowsOf(1, 20)
	rival.put(slices.Concat(day0, day1))
	l := newLake(t, &hooked{Store: st, before: func() { rival.put(rowsOf(5, 5)) }})
	c := l.merging(0, with(day0, refund, 1)[1], with(day1, refund, 2)[2])
	puts := st.Calls(mem.Put)
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, int64(2), r.Version)
	require.Equal(t, 3, st.Calls(mem.Put)-puts, "each file is written and uploaded once")
	rival.requireRows(with(day0, refund, 1), with(day1, refund, 2), rowsOf(5, 5))

	l = newLake(t, &hooked{Store: st, before: func() { rival.put(with(day1, refund, 7)) }})
	r = l.commit(l.merging(2, with(day0, refund, 3)[3], with(day1, refund, 4)[4]))
	require.Equal(t, []any{sink.Conflict, dayValues(1)}, []any{r.Outcome, r.Stale})
	require.Len(t, l.dataKeys(), 2+2+1+1)
}

// Other engines may rewrite files or add rows at any time.
func TestMergeTakesWhatOtherEnginesLeft(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	day0, day1 := rowsOf(0, 20), rowsOf(1, 20)
	l.put(slices.Concat(day0, day1))
	compacted := l.foreign().files(day0...)[0].Path
	racing := newLake(t, &hooked{Store: st, before: func() { compact(l, dayValueText(0), compacted) }})
	r := racing.commit(racing.merging(0, with(day0, refund, 1)[1], with(day1, refund, 2)[2]))
	require.Equal(t, sink.Committed, r.Outcome, "no conflict: it was no commit of ours")
	l.requireRows(with(day0, refund, 1), with(day1, refund, 2))
	_, _, known, files := l.load().Partition(dayValue(0))
	require.Equal(t, []any{true, 1}, []any{known, files})
	require.Equal(t, sink.Unchanged, l.merge(sink.Unchanged, with(day0, refund, 1)...).Outcome)
}

func TestMergeIntoFilesOfOtherEngines(t *testing.T) {
	l := newLake(t, mem.New(), stated)
	all := rowsOf(0, 900)
	l.pieces(some(all, 0, 3))
	shuffled := some(all, 1, 3)
	slices.Reverse(shuffled)
	l.foreignFile("part-00001.parquet", 0, shuffled, sparkColumns())
	l.foreignFile("part-00002.parquet", 0, some(all, 2, 3), append(sparkColumns(), nullable("created_date", arrow.BinaryTypes.String)))
	l.merge(sink.Unchanged, all[1], all[2])

	r := l.merge(sink.Committed, with(all, refund, 1)[1])
	require.Equal(t, 1, r.FilesRemoved)
	want := with(all, refund, 1, 2, 4, 700, 899)
	r = l.merge(sink.Committed, want[2], want[4], want[700], want[899])
	require.Equal(t, []int{1, 2}, []int{r.FilesAdded, r.FilesRemoved})
	l.requireRows(want)
	l.requireSorted()
	_, prints, known, _ := l.load().Partition(dayValue(0))
	own := newMemLake(t)
	own.put(want)
	_, wantPrints, _, _ := own.load().Partition(dayValue(0))
	require.True(t, known)
	require.Equal(t, wantPrints, prints, "the rows are as if Paylake had written them")
}

func TestMergeLeavesFilesAloneThatWouldLoseSomething(t *testing.T) {
	text := arrow.BinaryTypes.String
	odd := rowsOf(0, 2)
	odd[1].status = string(bytes.Repeat([]byte("x"), 100))
	for name, c := range map[string]struct {
		rows    []row
		columns []arrow.Field
		want    string
	}{
		"a column of another engine": {rowsOf(0, 2), append(sparkColumns(), nullable("note", text)), "the table has no column note"},
		"nanoseconds":                {odd, sparkColumns(), "has nanoseconds"},
		"another type of key":        {rowsOf(0, 2), append(slices.Clone(sparkColumns()[3:]), nullable("created_at", sparkColumns()[1].Type), nullable("id", arrow.BinaryTypes.Binary)), "column id is binary"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newMemLake(t)
			l.pieces(rowsOf(1, 5))
			l.foreignFile("part-00001.parquet", 0, c.rows, c.columns)
			changed := with(rowsOf(1, 5), refund, 2)
			change := l.merging(0, with(rowsOf(0, 2), refund, 0)[0], changed[2])
			r, err := l.Commit(t.Context(), change)
			require.NoError(t, err)
			require.Equal(t, sink.Committed, r.Outcome)
			require.Equal(t, dayValues(0), r.Unmerged)
			require.Len(t, r.Warnings, 1)
			require.Contains(t, r.Warnings[0], c.want)
			require.Equal(t, int64(7), l.load().Rows())
			require.NotNil(t, l.load().files["created_date=2026-01-01/part-00001.parquet"])
		})
	}
}

// A file may be lost, or be another one than the log says.
func TestMergeLeavesDamagedPartitionsAlone(t *testing.T) {
	cut := func(t *testing.T, l *lake, key string) {
		raw, err := store.ReadAll(t.Context(), l.st, key)
		require.NoError(t, err)
		for i := range raw[:len(raw)/2] {
			raw[i] ^= 0x55
		}
		require.NoError(t, l.st.Put(t.Context(), key, bytes.NewReader(raw)))
	}
	swap := func(t *testing.T, l *lake, key string) { // other rows, as many bytes of another file
		raw, err := store.ReadAll(t.Context(), l.st, l.key(l.load().partition(dayValue(1)).files[0].path))
		require.NoError(t, err)
		require.NoError(t, l.st.Put(t.Context(), key, bytes.NewReader(raw)))
	}
	for name, damage := range map[string]func(*testing.T, *lake, string){
		"gone":  func(t *testing.T, l *lake, key string) { require.NoError(t, l.st.Delete(t.Context(), key)) },
		"cut":   cut,
		"other": swap,
	} {
		t.Run(name, func(t *testing.T) {
			l := newMemLake(t)
			day0, day1 := rowsOf(0, 500), rowsOf(1, 500)
			l.put(slices.Concat(day0, day1))
			damage(t, l, l.key(l.load().partition(dayValue(0)).files[0].path))
			r, err := l.Commit(t.Context(), l.merging(0, with(day0, refund, 3)[3], with(day1, refund, 3)[3]))
			require.NoError(t, err)
			require.NotEmpty(t, r.Warnings)
			if name != "other" { // it holds the keys of another day: they are doubled
				require.Equal(t, []any{sink.Committed, dayValues(0)}, []any{r.Outcome, r.Unmerged})
				require.Equal(t, 1, r.FilesAdded)
				require.Contains(t, r.Warnings[0], "2026-01-01")
			}
		})
	}
}

func TestMergeThatFailsAnywhereLosesNothing(t *testing.T) {
	for _, late := range []bool{false, true} {
		for n := 1; ; n++ {
			st := mem.New()
			l := newLake(t, st)
			day0, day1 := rowsOf(0, 20), rowsOf(1, 20)
			l.put(slices.Concat(day0, day1))
			run := l.rival()
			c := run.merging(0, with(day0, refund, 1)[1], with(day1, refund, 2)[2], row{id: "new", day: 4})
			run.load()
			st.Inject(mem.Fault{N: n, Err: errLost, Late: late})
			calls := st.Calls("")
			_, err := run.Commit(t.Context(), c)
			if st.Calls("")-calls < n {
				require.NoError(t, err)
				require.Greater(t, n, 8)
				break
			}
			if err != nil && !late {
				l.requireRows(day0, day1)
			}
			c.Base = l.load().Version() // it may have taken effect
			r, err := l.rival().Commit(t.Context(), c)
			require.NoError(t, err)
			require.NotEqual(t, sink.Conflict, r.Outcome)
			l.requireRows(with(day0, refund, 1), with(day1, refund, 2), []row{{id: "new", day: 4}})
		}
	}
}

func TestMergeThatIsInterruptedClearsUp(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(slices.Concat(rowsOf(0, 20), rowsOf(1, 20)))
	before := l.dataKeys()
	ctx, cancel := context.WithCancel(t.Context())
	racing := newLake(t, &onPut{Store: st, part: "created_date=2026-01-02", do: cancel})
	c := racing.merging(0, with(rowsOf(0, 20), refund, 1)[1], with(rowsOf(1, 20), refund, 1)[1])
	_, err := racing.Commit(ctx, c)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, l.dataKeys())
	requireEmptyFolder(t, c.WorkDir)
}

// widest is a store that tells how many puts it had at once.
type widest struct {
	store.Store
	now, most atomic.Int64
}

func (w *widest) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	n := w.now.Add(1)
	for most := w.most.Load(); n > most && !w.most.CompareAndSwap(most, n); most = w.most.Load() {
	}
	for range 1000 { // others come
		runtime.Gosched()
	}
	defer w.now.Add(-1)
	return w.Store.Put(ctx, key, body)
}

func TestMergeOfManyPartitions(t *testing.T) {
	st := mem.New()
	w := &widest{Store: st}
	l := newLake(t, w)
	var all, change []row
	for day := range 60 {
		rows := rowsOf(day, 20)
		all = append(all, rows...)
		change = append(change, with(rows, refund, 3, 7, 11)...)
	}
	l.put(all)
	w.most.Store(0)
	r := l.merge(sink.Committed, change...)
	require.Equal(t, []int{60, 60}, []int{r.FilesAdded, r.FilesRemoved})
	require.LessOrEqual(t, w.most.Load(), int64(uploads))
	l.requireRows(change)
	require.Len(t, l.dataKeys(), 120)
}

// Statistics tell which files cannot hold a key, also when they lie in a
// checkpoint.
func TestMergeReadsOnlyFilesThatMayHoldAKey(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	var all []row
	for day := range 20 {
		all = append(all, rowsOf(day, 20)...)
	}
	l.put(all)
	l.pieces(rowsOf(30, 1), rowsOf(31, 1))
	l.settle()
	for name, run := range map[string]*lake{"written": l, "from a checkpoint": l.rival()} {
		run.load()
		before := st.Calls(mem.Open)
		change := run.merging(run.load().Version(), row{id: "zz-" + name, day: 50}, with(rowsOf(7, 20), refund, len(name))[len(name)])
		require.Equal(t, sink.Committed, run.commit(change).Outcome)
		require.LessOrEqual(t, st.Calls(mem.Open)-before, 5, "%s: the checkpoint, and the file of day 7 for its keys, its rows, and to be copied", name)
	}
}

func TestMergeOfFilesOfAnOlderSchema(t *testing.T) {
	st := mem.New()
	old := newLake(t, st, func(s *Settings) {
		s.Table = sales()
		s.Table.Fields = slices.DeleteFunc(s.Table.Fields, func(f schema.Field) bool { return f.Name == "amount" || f.Name == "metadata" })
	})
	day := rowsOf(0, 30)
	for i := range day {
		day[i].amount = 0
	}
	old.put(day)
	l := newLake(t, st)
	want := with(day, func(r *row) { r.amount = 7 }, 3, 9)
	l.merge(sink.Committed, want[3], want[9])
	l.requireRows(want)
	require.Contains(t, l.load().Schema(), `"amount"`)
}

func requireEmptyFolder(t *testing.T, dir string) {
	t.Helper()
	require.Empty(t, strings.Join(globAll(t, dir), "\n"))
}
