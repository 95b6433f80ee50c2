package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

// fill makes versions 0..n, one day each, and marks.
func fill(l *lake, n int) [][]row {
	l.t.Helper()
	var want [][]row
	for day := range n + 1 {
		c := l.replace(l.load().Version(), rowsOf(day, 3))
		c.Mark = &sink.Mark{App: "sync", Version: int64(day)}
		require.Equal(l.t, sink.Committed, l.commit(c).Outcome)
		want = append(want, rowsOf(day, 3))
	}
	return want
}

func TestCheckpointHoldsTheWholeTable(t *testing.T) {
	eachStore(t, func(t *testing.T, l *lake) {
		want := fill(l, 9)
		want[2] = rowsOf(2, 4)
		l.put(want[2]) // version 10, with a tombstone
		require.Contains(t, l.keys(logFolder), checkpointName(10))
		require.Contains(t, l.keys(logFolder), lastCheckpoint)
		for v := range int64(11) {
			require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(v))))
		}

		fresh := l.rival()
		s := fresh.load()
		require.Equal(t, int64(10), s.Version())
		mark, _ := s.Mark("sync")
		require.Equal(t, int64(9), mark)
		require.Equal(t, l.load().meta, s.meta)
		require.Equal(t, l.load().protocol, s.protocol)
		require.Len(t, s.tombstones, 1)
		require.Equal(t, l.load().tombstones, s.tombstones)
		fresh.requireRows(want...)
		require.Equal(t, stats(l.load()), stats(s), "sums and sizes survive")

		require.Equal(t, sink.Unchanged, fresh.commit(fresh.replace(10, want[2])).Outcome)
		require.Equal(t, int64(11), fresh.put(rowsOf(20, 1)).Version)
		l.requireRows(append(want, rowsOf(20, 1))...)
	})
}

func stats(s *Snapshot) []File {
	var out []File
	for f := range s.Files() {
		out = append(out, f)
	}
	return out
}

func TestLastCheckpointIsOnlyAHint(t *testing.T) {
	tests := map[string]string{
		"garbage":        `{"version":`,
		"not a version":  `{"version":"ten"}`,
		"negative":       `{"version":-4}`,
		"stale":          `{"version":10,"size":1}`,
		"in the future":  `{"version":99999,"size":1}`,
		"no such file":   `{"version":7,"size":1}`,
		"empty":          ``,
		"something else": `[1,2]`,
	}
	l := newMemLake(t)
	want := fill(l, 22)
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, l.st.Put(context.Background(), l.key(lastCheckpoint), strings.NewReader(body)))
			l.requireRows(want...)
			require.Equal(t, int64(22), l.rival().load().Version())
		})
	}
	require.NoError(t, l.st.Delete(context.Background(), l.key(lastCheckpoint)))
	l.requireRows(want...)
}

func TestLastCheckpointTellsItsSchema(t *testing.T) {
	l := newMemLake(t)
	fill(l, 10)
	raw, err := store.ReadAll(context.Background(), l.st, l.key(lastCheckpoint))
	require.NoError(t, err)
	var last struct {
		Version, Size, SizeInBytes, NumOfAddFiles int64
		CheckpointSchema                          struct {
			Type   string
			Fields []struct{ Name string }
		}
	}
	require.NoError(t, json.Unmarshal(raw, &last))
	require.Equal(t, int64(10), last.Version)
	require.Equal(t, int64(11+4), last.Size, "protocol, metaData and two txn beside the files")
	require.Equal(t, int64(11), last.NumOfAddFiles)
	require.Equal(t, "struct", last.CheckpointSchema.Type)
	require.Len(t, last.CheckpointSchema.Fields, 5)
}

func TestCheckpointFailureIsAWarning(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	want := fill(l, 9)
	c := l.replace(9, rowsOf(30, 1))
	st.Inject(mem.Fault{Op: mem.Put, N: 2, Err: errors.New("disk full")}) // 1 is the data file
	r, err := l.Commit(context.Background(), c)
	require.NoError(t, err)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Len(t, r.Warnings, 1)
	require.Contains(t, r.Warnings[0], "disk full")
	l.requireRows(append(want, rowsOf(30, 1))...)
}

func TestCheckpointIntervalIsAProperty(t *testing.T) {
	l := newLake(t, mem.New(), func(s *Settings) { s.Properties["delta.checkpointInterval"] = "3" })
	fill(l, 4)
	require.Contains(t, l.keys(logFolder), checkpointName(3))
}

func TestExpiredTombstonesAreLeftOut(t *testing.T) {
	now := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	l := newLake(t, mem.New(), func(s *Settings) { s.Now = func() time.Time { return now } })
	l.put(rowsOf(0, 20))
	l.put(rowsOf(0, 21))
	now = now.Add(7*24*time.Hour + time.Minute)
	l.put(rowsOf(0, 22))
	for day := 1; l.load().Version() < 10; day++ {
		l.put(rowsOf(day, 1))
	}
	require.Len(t, l.load().tombstones, 2)
	for v := range int64(11) {
		require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(v))))
	}
	require.Len(t, l.rival().load().tombstones, 1)
}

func TestCheckpointInPartsIsRead(t *testing.T) {
	l := newMemLake(t)
	want := fill(l, 10)
	ctx := context.Background()
	body, err := store.ReadAll(ctx, l.st, l.key(checkpointName(10)))
	require.NoError(t, err)
	require.NoError(t, l.st.Delete(ctx, l.key(checkpointName(10)), l.key(lastCheckpoint)))
	for v := range int64(10) {
		require.NoError(t, l.st.Delete(ctx, l.key(commitName(v))))
	}
	part := func(n int) string {
		return l.key(logFolder + logName{Kind: partObject, Version: 10, Part: n, Parts: 2}.String())
	}
	require.NoError(t, l.st.Put(ctx, part(1), strings.NewReader(string(body))))
	_, err = l.rival().Load(ctx)
	require.ErrorContains(t, err, "commit 0 is missing", "a part alone is no checkpoint")
	require.NoError(t, l.st.Put(ctx, part(2), strings.NewReader(string(body)))) // the same actions twice do no harm
	l.requireRows(want...)
}

func TestLogWithAGapIsRefused(t *testing.T) {
	l := newMemLake(t)
	fill(l, 4)
	require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(2))))
	_, err := l.rival().Load(context.Background())
	require.ErrorContains(t, err, "commit 2 is missing")
}

func TestDamagedCommitNamesItsLine(t *testing.T) {
	l := newMemLake(t)
	fill(l, 1)
	l.createRaw(2, `{"commitInfo":{}}`, `{"add":{"path":7}}`)
	_, err := l.rival().Load(context.Background())
	require.ErrorContains(t, err, commitName(2)+": line 2")
}

func TestLogThatWasReplacedIsReadAnew(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	fill(l, 3)
	for _, k := range l.keys("") {
		require.NoError(t, st.Delete(context.Background(), l.key(k)))
	}
	require.Equal(t, int64(-1), l.load().Version())
	l.rival().put(rowsOf(50, 2))
	require.Equal(t, int64(0), l.load().Version())
	l.requireRows(rowsOf(50, 2))
}

func TestCommitAfterTheLogWentBackIsAConflict(t *testing.T) {
	l := newMemLake(t)
	fill(l, 3)
	require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(3))))
	other := l.rival()
	r := other.commit(other.replace(3, rowsOf(1, 4)))
	require.Equal(t, sink.Conflict, r.Outcome)
	require.Equal(t, dayValues(1), r.Stale)
	require.Equal(t, int64(2), r.Version)
}

func TestLoadingAgainCostsOneRequest(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	fill(l, 12)
	other := l.rival()
	other.load()
	calls := st.Calls("")
	other.load()
	require.Equal(t, 1, st.Calls("")-calls)
}

func TestStatisticsThatOthersCannotParseAreReduced(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 1))
	good := `{"numRecords":2,"minValues":{"id":"a","amount":1,"rate":1.5,"buyer":{"name":"A"}},"maxValues":{"created_at":"2026-01-01T00:00:00Z"},"nullCount":{"id":0,"buyer":{"name":1},"metadata":2}}`
	tests := map[string]string{
		good: good,
		`{"numRecords":2,"minValues":{"buyer":{"new":false}}}`: `{"numRecords":2}`,
		`{"numRecords":2,"nullCount":{"metadata":{"key":0}}}`:  `{"numRecords":2}`,
		`{"numRecords":2,"minValues":{"amount":"1"}}`:          `{"numRecords":2}`,
		`{"numRecords":2,"minValues":{"nobody":1}}`:            `{"numRecords":2}`,
		`not json`: ``,
		``:         ``,
	}
	lines := []string{`{"commitInfo":{"engineInfo":"DuckDB"}}`}
	for in := range tests {
		lines = append(lines, fmt.Sprintf(`{"add":{"path":"created_date=2026-01-09/%x.parquet","partitionValues":{"created_date":"2026-01-09"},"size":1,"modificationTime":1,"dataChange":true,"stats":%q}}`, in, in))
	}
	l.createRaw(1, lines...)
	require.NoError(t, l.writeCheckpoint(context.Background(), l.load()))
	require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(0)), l.key(commitName(1))))
	require.Equal(t, wantStats(tests), l.checkpointStats(1))
	fresh := l.rival().load()
	require.NoError(t, l.writeCheckpoint(context.Background(), fresh))
	require.Equal(t, wantStats(tests), l.checkpointStats(1), "also from the checkpoint before")
}

func wantStats(tests map[string]string) map[string]string {
	out := map[string]string{}
	for in, want := range tests {
		out[fmt.Sprintf("created_date=2026-01-09/%x.parquet", in)] = want
	}
	return out
}

// checkpointStats reads the statistics of the files of another engine from a
// checkpoint.
func (l *lake) checkpointStats(version int64) map[string]string {
	l.t.Helper()
	body, err := store.ReadAll(context.Background(), l.st, l.key(checkpointName(version)))
	require.NoError(l.t, err)
	part := checkpointPart{logName{Kind: checkpointObject, Version: version}, int64(len(body))}
	out := map[string]string{}
	err = l.eachAction(context.Background(), part, func(kinds map[string]column, i int) error {
		if add := kinds["add"]; add.has(i) && !strings.Contains(add.child("path").text(i), "part-") {
			out[add.child("path").text(i)] = add.child("stats").text(i)
		}
		return nil
	})
	require.NoError(l.t, err)
	return out
}

// Statistics of a checkpoint's files are not in memory: each checkpoint takes
// them over from the one before.
func TestStatisticsSurviveFromCheckpointToCheckpoint(t *testing.T) {
	l := newMemLake(t)
	fill(l, 10)
	ours := func(version int64) map[string]string {
		out := map[string]string{}
		body, err := store.ReadAll(context.Background(), l.st, l.key(checkpointName(version)))
		require.NoError(t, err)
		part := checkpointPart{logName{Kind: checkpointObject, Version: version}, int64(len(body))}
		require.NoError(t, l.eachAction(context.Background(), part, func(kinds map[string]column, i int) error {
			if kinds["add"].has(i) {
				out[kinds["add"].child("path").text(i)] = kinds["add"].child("stats").text(i)
			}
			return nil
		}))
		return out
	}
	first := ours(10)
	require.Len(t, first, 11)
	fresh := l.rival()
	for day := 20; fresh.load().Version() < 20; day++ {
		fresh.put(rowsOf(day, 2))
	}
	second := ours(20)
	require.Len(t, second, 21)
	for path, text := range first {
		require.Contains(t, text, "minValues")
		require.Equal(t, text, second[path])
	}
}

func TestLastCheckpointNeverGoesBack(t *testing.T) {
	l := newMemLake(t)
	fill(l, 9)
	old := l.load()
	l.put(rowsOf(30, 1)) // version 10
	last := func() int64 { return l.hint(context.Background()).version }
	require.Equal(t, int64(10), last())
	require.NoError(t, l.writeCheckpoint(context.Background(), old))
	require.Equal(t, int64(10), last())

	require.NoError(t, l.st.Put(context.Background(), l.key(lastCheckpoint), strings.NewReader(`{"version":99999}`)))
	require.NoError(t, l.writeCheckpoint(context.Background(), l.load()))
	require.Equal(t, int64(10), last(), "a hint at nothing is mended")
}

func TestTableKnownByItsCheckpointOnlyIsReadAnew(t *testing.T) {
	l := newMemLake(t)
	fill(l, 10)
	for v := range int64(11) {
		require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(v))))
	}
	other := l.rival()
	require.Equal(t, int64(10), other.load().Version())
	require.Equal(t, int64(10), other.load().Version())
	require.NoError(t, l.st.Delete(context.Background(), l.key(checkpointName(10))))
	require.Equal(t, int64(-1), other.load().Version())
}

// A file that comes back, as by Spark's RESTORE, is live and no tombstone.
func TestFileThatComesBackIsLive(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	first, err := l.readCommit(context.Background(), 0)
	require.NoError(t, err)
	l.put(rowsOf(0, 21))
	body, err := encodeActions(append(removesOf(l.load()), addsOf(first)...))
	require.NoError(t, err)
	require.NoError(t, l.st.Create(context.Background(), l.key(commitName(2)), body))
	l.requireRows(rowsOf(0, 20))
	require.Len(t, l.load().tombstones, 1)
	require.NoError(t, l.writeCheckpoint(context.Background(), l.load()))
	for v := range int64(3) {
		require.NoError(t, l.st.Delete(context.Background(), l.key(commitName(v))))
	}
	l.requireRows(rowsOf(0, 20))
}

func removesOf(s *Snapshot) []action {
	var out []action
	for _, f := range s.files {
		out = append(out, action{Remove: f.remove(s.version)})
	}
	return out
}

func addsOf(actions []action) []action {
	return slices.DeleteFunc(slices.Clone(actions), func(a action) bool { return a.Add == nil })
}
