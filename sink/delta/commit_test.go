package delta

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/writer"
)

// eachStore runs a test on every store at hand.
func eachStore(t *testing.T, f func(t *testing.T, l *lake)) {
	t.Run("mem", func(t *testing.T) { f(t, newMemLake(t)) })
	t.Run("local", func(t *testing.T) {
		st, err := local.New(t.TempDir())
		require.NoError(t, err)
		f(t, newLake(t, st))
	})
}

func TestFirstCommitMakesTheTable(t *testing.T) {
	eachStore(t, func(t *testing.T, l *lake) {
		require.Equal(t, int64(-1), l.load().Version())
		rows := append(rowsOf(0, 3), rowsOf(1, 2)...)
		c := l.replace(-1, rows)
		c.Mark = &sink.Mark{App: "sync", Version: 42}
		r := l.commit(c)

		require.Equal(t, sink.Committed, r.Outcome)
		require.Equal(t, int64(0), r.Version)
		require.Equal(t, 2, r.FilesAdded)
		require.Equal(t, int64(5), r.RowsAdded)
		l.requireRows(rows)

		s := l.rival().load()
		require.Equal(t, int64(0), s.Version())
		require.Equal(t, int64(5), s.Rows())
		require.Equal(t, "Sales of Acme, a shop", s.Description())
		require.Equal(t, []string{"created_date"}, s.PartitionColumns())
		mark, ok := s.Mark("sync")
		require.True(t, ok)
		require.Equal(t, int64(42), mark)
		oldest, _ := s.Oldest()
		newest, _ := s.Newest()
		require.Equal(t, dayValues(0, 1), dayValues(0, 1))
		require.Equal(t, dayValue(0), oldest)
		require.Equal(t, dayValue(1), newest)
		n, _, known, files := s.Partition(dayValue(0))
		require.Equal(t, int64(3), n)
		require.True(t, known)
		require.Equal(t, 1, files)
	})
}

func TestFirstCommitMakesAnEmptyTableToo(t *testing.T) {
	l := newMemLake(t)
	require.Equal(t, sink.Committed, l.commit(l.replace(-1, nil, 0)).Outcome)
	require.Equal(t, int64(0), l.load().Version())
	l.requireRows()
}

func TestCommitInfoIsWhatHistoryReadersExpect(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 3))
	c := l.replace(0, rowsOf(0, 4))
	l.commit(c)
	raw, err := store.ReadAll(context.Background(), l.st, l.key(commitName(1)))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(raw), "\n")
	var line struct {
		CommitInfo map[string]any `json:"commitInfo"`
	}
	require.NoError(t, json.Unmarshal([]byte(first), &line))
	require.Equal(t, "WRITE", line.CommitInfo["operation"])
	require.Equal(t, "paylake/0.1.0", line.CommitInfo["engineInfo"])
	require.Equal(t, "run-1", line.CommitInfo["paylakeRunId"])
	require.EqualValues(t, 0, line.CommitInfo["readVersion"])
	require.Equal(t, false, line.CommitInfo["isBlindAppend"])
	for _, group := range []string{"operationParameters", "operationMetrics"} {
		for name, v := range line.CommitInfo[group].(map[string]any) {
			require.IsType(t, "", v, "%s.%s", group, name)
		}
	}
}

func TestReplaceTouchesOnlyPartitionsThatChanged(t *testing.T) {
	eachStore(t, func(t *testing.T, l *lake) {
		day0, day1, day2 := rowsOf(0, 30), rowsOf(1, 30), rowsOf(2, 30)
		l.put(append(append(day0, day1...), day2...))
		before := l.load()

		changed := rowsOf(1, 30)
		changed[4].status = "refunded"
		r := l.commit(l.replace(before.Version(), append(rowsOf(0, 30), changed...)))
		require.Equal(t, sink.Committed, r.Outcome)
		require.Equal(t, 1, r.Skipped)
		require.Equal(t, 1, r.FilesAdded)
		require.Equal(t, 1, r.FilesRemoved)
		require.Equal(t, int64(30), r.RowsRemoved)
		l.requireRows(day0, changed, day2)
		require.Len(t, l.dataKeys(), 4, "the file of the unchanged partition must not be uploaded")
	})
}

// quiet: reading again what has not changed commits nothing.
func TestReplaceWithEqualRowsCommitsNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, l *lake) {
		l.put(append(rowsOf(0, 3), rowsOf(1, 3)...))
		before := l.keys("")

		other := l.rival()
		shuffled := append(rowsOf(1, 3), rowsOf(0, 3)...)
		c := other.replace(0, shuffled, 5)
		c.Mark = &sink.Mark{App: "sync", Version: 99}
		r := other.commit(c)
		require.Equal(t, sink.Unchanged, r.Outcome)
		require.Equal(t, int64(0), r.Version)
		require.Equal(t, 2, r.Skipped)
		require.Equal(t, before, l.keys(""), "nothing may be written")
	})
}

func TestReplaceEmptiesAPartitionWithoutFiles(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 5), rowsOf(1, 300)...))
	l.commit(l.replace(0, rowsOf(1, 300), 0))
	l.requireRows(rowsOf(1, 300))
}

func TestReplaceRefusesFilesOfOtherPartitions(t *testing.T) {
	l := newMemLake(t)
	c := l.replace(-1, append(rowsOf(0, 1), rowsOf(1, 1)...))
	c.Partitions = c.Partitions[:1]
	_, err := l.Commit(context.Background(), c)
	require.ErrorContains(t, err, "2026-01-02")
	require.Empty(t, l.keys(""))
}

func TestOverwriteKeepsWhatIsBehindTheHorizon(t *testing.T) {
	l := newMemLake(t)
	l.put(append(append(rowsOf(0, 20), rowsOf(1, 20)...), rowsOf(2, 20)...))
	rows := append(rowsOf(1, 20), rowsOf(3, 20)...)
	rows[3].amount = 7
	c := sink.Change{Mode: sink.Overwrite, Base: 0, Keep: dayValue(1), Files: l.files(rows...), AcceptShrink: true}
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	l.requireRows(rowsOf(0, 20), rows)

	same := sink.Change{Mode: sink.Overwrite, Base: 1, Keep: dayValue(1), Files: l.files(rows...)}
	require.Equal(t, sink.Unchanged, l.commit(same).Outcome)

	behind := sink.Change{Mode: sink.Overwrite, Base: 1, Keep: dayValue(1), Files: l.files(rowsOf(0, 1)...)}
	_, err := l.Commit(context.Background(), behind)
	require.ErrorContains(t, err, "horizon")
}

func unpartitioned(s *Settings) { s.Spec.Column = "" }

func TestOverwriteOfATableWithoutPartitions(t *testing.T) {
	l := newLake(t, mem.New(), unpartitioned)
	first := sink.Change{Mode: sink.Overwrite, Base: -1, Files: l.files(rowsOf(0, 40)...)}
	l.commit(first)
	l.requireRows(rowsOf(0, 40))

	rows := append(rowsOf(0, 39), rowsOf(2, 1)...)
	l.commit(sink.Change{Mode: sink.Overwrite, Base: 0, Files: l.files(rows...)})
	l.requireRows(rows)
	require.Empty(t, l.load().PartitionColumns())
	require.Equal(t, sink.Unchanged, l.commit(sink.Change{Mode: sink.Overwrite, Base: 1, Files: l.files(rows...)}).Outcome)
}

func TestAppendIsDoneOncePerMark(t *testing.T) {
	l := newMemLake(t)
	change := func(day int, mark int64) sink.Change {
		return sink.Change{Mode: sink.Append, Base: -1, Files: l.files(rowsOf(day, 2)...), Mark: &sink.Mark{App: "snap", Version: mark}}
	}
	require.Equal(t, sink.Committed, l.commit(change(0, 1)).Outcome)
	require.Equal(t, sink.AlreadyDone, l.rival().commit(change(0, 1)).Outcome)
	require.Equal(t, sink.Committed, l.rival().commit(change(0, 2)).Outcome)
	require.Equal(t, sink.AlreadyDone, l.commit(change(0, 1)).Outcome)
	l.requireRows(rowsOf(0, 2), rowsOf(0, 2))
	require.Len(t, l.dataKeys(), 2)
}

func TestRemovedFilesAreNamedExactlyAsTheyWereAdded(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	added := ""
	for f := range l.load().Files() {
		added = f.URI
	}
	l.put(rowsOf(0, 21))
	actions, err := l.readCommit(context.Background(), 1)
	require.NoError(t, err)
	found := false
	for _, a := range actions {
		if a.Remove == nil {
			continue
		}
		found = true
		require.Equal(t, added, a.Remove.Path)
		require.True(t, a.Remove.ExtendedFileMetadata)
		require.NotNil(t, a.Remove.Size)
		require.Equal(t, "2026-01-01", *a.Remove.PartitionValues["created_date"])
		require.Equal(t, l.now(), *a.Remove.DeletionTimestamp)
	}
	require.True(t, found)
}

func TestFilesWithoutRowsAreNeverAdded(t *testing.T) {
	l := newMemLake(t)
	files := append(l.files(rowsOf(0, 2)...), writer.File{Path: "/nowhere", Name: "part-x.parquet", Partition: dayValue(1)})
	r := l.commit(sink.Change{Mode: sink.Append, Files: files})
	require.Equal(t, 1, r.FilesAdded)
	require.Len(t, l.dataKeys(), 1)
}

func TestNullPartitionIsNullInTheLog(t *testing.T) {
	l := newMemLake(t)
	files := l.files(rowsOf(0, 2)...)
	files[0].Partition = ""
	l.commit(sink.Change{Mode: sink.Append, Files: files})
	actions, err := l.readCommit(context.Background(), 0)
	require.NoError(t, err)
	a := addsOf(actions)[0].Add
	require.Equal(t, map[string]*string{"created_date": nil}, a.PartitionValues)
	require.True(t, strings.HasPrefix(a.Path, "created_date=__HIVE_DEFAULT_PARTITION__/"), a.Path)
	rows, _, _, _ := l.load().Partition("")
	require.Equal(t, int64(2), rows)
	l.requireRows(rowsOf(0, 2))
}

func TestTagsWithoutTheNumberOfRowsAreNotTrusted(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 2))
	l.createRaw(1, `{"add":{"path":"created_date=2026-01-05/x.parquet","partitionValues":{"created_date":"2026-01-05"},"size":1,"modificationTime":1,"dataChange":true,"tags":{"paylake.fingerprint":"1","paylake.keys":"2"}}}`)
	rows, _, known, files := l.load().Partition(dayValue(4))
	require.Equal(t, int64(-1), rows)
	require.False(t, known)
	require.Equal(t, 1, files)
}
