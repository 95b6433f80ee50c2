package delta

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

func TestRivalCommitMakesItsPartitionsStale(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 20), rowsOf(1, 20)...))
	base := l.load().Version()

	newer := rowsOf(1, 20)
	newer[0].status = "refunded"
	l.rival().put(newer)

	stale := append(rowsOf(0, 21), rowsOf(1, 20)...)
	r := l.commit(l.replace(base, stale))
	require.Equal(t, sink.Conflict, r.Outcome)
	require.Equal(t, dayValues(1), r.Stale)
	require.Equal(t, base+1, r.Version)
	l.requireRows(rowsOf(0, 20), newer)

	again := l.commit(l.replace(r.Version, append(rowsOf(0, 21), newer...)))
	require.Equal(t, sink.Committed, again.Outcome)
	l.requireRows(rowsOf(0, 21), newer)
}

func TestRivalCommitElsewhereIsNoConflict(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	c := l.replace(l.load().Version(), rowsOf(0, 21))
	l.rival().put(rowsOf(1, 5))
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, int64(2), r.Version)
	l.requireRows(rowsOf(0, 21), rowsOf(1, 5))
}

func TestRivalThatOnlyEmptiedAPartitionMakesItStale(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 3), rowsOf(1, 200)...))
	base := l.load().Version()
	other := l.rival()
	other.commit(other.replace(base, rowsOf(1, 200), 0))

	r := l.commit(l.replace(base, rowsOf(0, 3)))
	require.Equal(t, sink.Conflict, r.Outcome)
	require.Equal(t, dayValues(0), r.Stale)
}

func TestConflictIsSeenThoughTheTableWasLoadedAgain(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	base := l.load().Version()
	l.rival().put(rowsOf(0, 22))
	l.load() // an incremental load must not hide that the base is older
	require.Equal(t, sink.Conflict, l.commit(l.replace(base, rowsOf(0, 21))).Outcome)

	fresh := l.rival() // one that never read the rival's commit by itself
	require.Equal(t, sink.Conflict, fresh.commit(fresh.replace(base, rowsOf(0, 21))).Outcome)
}

func TestOverwriteConflictsOnlyInFrontOfTheHorizon(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 20), rowsOf(5, 20)...))
	l.rival().put(rowsOf(0, 21))
	c := sink.Change{Mode: sink.Overwrite, Base: 0, Keep: dayValue(3), Files: l.files(rowsOf(5, 21)...)}
	require.Equal(t, sink.Committed, l.commit(c).Outcome)
	l.requireRows(rowsOf(0, 21), rowsOf(5, 21))

	l.rival().put(rowsOf(7, 2))
	c = sink.Change{Mode: sink.Overwrite, Base: 2, Keep: dayValue(3), Files: l.files(rowsOf(5, 22)...)}
	r := l.commit(c)
	require.Equal(t, sink.Conflict, r.Outcome)
	require.Equal(t, dayValues(7), r.Stale)
}

func TestCommitThatTheLogForgotMakesEverythingStale(t *testing.T) {
	l := newMemLake(t)
	fill(l, 10)
	for v := range int64(10) {
		require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(v))))
	}
	fresh := l.rival()
	r := fresh.commit(fresh.replace(4, rowsOf(2, 4)))
	require.Equal(t, sink.Conflict, r.Outcome)
	require.Equal(t, dayValues(2), r.Stale)
	require.Equal(t, int64(10), r.Version)
}

func TestForeignRowsInAReplacedPartitionAreReplaced(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 20), rowsOf(1, 20)...))
	base := l.load().Version()
	foreign := l.foreign()
	foreign.commit(sink.Change{Mode: sink.Append, Files: foreign.files(row{id: "x", day: 0, status: "fake"}, row{id: "y", day: 1, status: "fake"})})

	r := l.commit(l.replace(base, rowsOf(0, 21)))
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, 2, r.FilesRemoved, "their file, too")
	l.requireRows(rowsOf(0, 21), rowsOf(1, 20), []row{{id: "y", day: 1, status: "fake"}})
}

// An engine that compacts writes the same rows to a file without tags.
func TestForeignRewriteOfEqualRowsIsUnchanged(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	compact(l, dayValueText(0), l.foreign().files(rowsOf(0, 20)...)[0].Path)
	require.Equal(t, int64(1), l.load().Version())
	_, _, known, _ := l.load().Partition(dayValue(0))
	require.False(t, known)

	require.Equal(t, sink.Unchanged, l.commit(l.replace(1, rowsOf(0, 20))).Outcome)
	changed := rowsOf(0, 20)
	changed[0].amount = 1
	require.Equal(t, sink.Committed, l.commit(l.replace(0, changed)).Outcome, "no conflict: it was no commit of ours")
	l.requireRows(changed)
}

func dayValueText(day int) string { return string(dayValue(day)) }

// compact commits what Spark's OPTIMIZE does: one new file without tags in place
// of all files of a partition, dataChange false.
func compact(l *lake, partition, path string) {
	l.t.Helper()
	ctx := context.Background()
	s := l.load()
	key := "created_date=" + partition + "/part-00000-optimized.snappy.parquet"
	require.NoError(l.t, store.PutFile(ctx, l.st, l.key(key), path))
	var size int64
	for o, err := range l.st.List(ctx, l.key(key), "") {
		require.NoError(l.t, err)
		size = o.Size
	}
	lines := []string{`{"commitInfo":{"operation":"OPTIMIZE","engineInfo":"Apache-Spark/4.1.1 Delta-Lake/4.1.0","txnId":"t"}}`}
	for f := range s.Files() {
		if string(f.Partition) == partition {
			lines = append(lines, fmt.Sprintf(`{"remove":{"path":%q,"deletionTimestamp":1,"dataChange":false}}`, f.URI))
		}
	}
	lines = append(lines, fmt.Sprintf(`{"add":{"path":%q,"partitionValues":{"created_date":%q},"size":%d,"modificationTime":1,"dataChange":false,"stats":"{\"numRecords\":20}"}}`, key, partition, size))
	require.NoError(l.t, l.st.Create(ctx, l.key(commitName(s.Version()+1)), []byte(strings.Join(lines, "\n"))))
}

// hooked calls before in front of every Create of a commit, once.
type hooked struct {
	store.Store
	once   sync.Once
	before func()
}

func (h *hooked) Create(ctx context.Context, key string, body []byte) error {
	h.once.Do(h.before)
	return h.Store.Create(ctx, key, body)
}

func TestLostRaceIsTriedAgainWithTheSameFiles(t *testing.T) {
	st := mem.New()
	rival := newLake(t, st)
	rival.put(rowsOf(0, 20))
	l := newLake(t, &hooked{Store: st, before: func() { rival.put(rowsOf(1, 5)) }})
	c := l.replace(l.load().Version(), rowsOf(0, 21))
	puts := st.Calls(mem.Put)
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, int64(2), r.Version)
	rival.requireRows(rowsOf(0, 21), rowsOf(1, 5))
	require.Equal(t, 2, st.Calls(mem.Put)-puts, "each file is uploaded once")
}

func TestLostRaceForTheSamePartitionLeavesNothingBehind(t *testing.T) {
	st := mem.New()
	rival := newLake(t, st)
	rival.put(rowsOf(0, 20))
	l := newLake(t, &hooked{Store: st, before: func() { rival.put(rowsOf(0, 22)) }})
	r := l.commit(l.replace(l.load().Version(), rowsOf(0, 21)))
	require.Equal(t, sink.Conflict, r.Outcome)
	rival.requireRows(rowsOf(0, 22))
	require.Len(t, rival.dataKeys(), 2, "the loser's upload is removed")
}

func TestManyRunsAtOnceLoseNothing(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(99, 1))
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		run := l.rival()
		c := run.replace(0, rowsOf(i, 5))
		wg.Go(func() {
			r, err := run.Commit(context.Background(), c)
			if err == nil && r.Outcome != sink.Committed {
				err = fmt.Errorf("outcome %s", r.Outcome)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	want := [][]row{rowsOf(99, 1)}
	for i := range errs {
		want = append(want, rowsOf(i, 5))
	}
	l.requireRows(want...)
	require.Equal(t, int64(6), l.load().Version())
}
