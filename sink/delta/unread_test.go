package delta

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
)

// restore commits what RESTORE of Spark 4 does: it brings back the files of an
// old version, removes those that came later, and leaves every txn.
func (l *lake) restore(version int64) {
	l.t.Helper()
	now := l.load()
	old, err := ReadSnapshotAt(l.t.Context(), l.st, testRoot, version)
	require.NoError(l.t, err)
	line := func(kind string, v any) string {
		raw, err := json.Marshal(map[string]any{kind: v})
		require.NoError(l.t, err)
		return string(raw)
	}
	lines := []string{fmt.Sprintf(`{"commitInfo":{"timestamp":1780000000000,"operation":"RESTORE","operationParameters":{"version":"%d","timestamp":null},`+
		`"readVersion":%d,"isolationLevel":"Serializable","isBlindAppend":false,"operationMetrics":{"numRestoredFiles":"1","numRemovedFiles":"1"},`+
		`"engineInfo":"Apache-Spark/4.1.1 Delta-Lake/4.1.0","txnId":"d1b1"}}`, version, now.version)}
	lines = append(lines, line("metaData", old.meta), line("protocol", old.protocol))
	for path, f := range old.files {
		if now.files[path] == nil {
			lines = append(lines, line("add", add{Path: f.uri, PartitionValues: f.values.log, Size: f.size, ModificationTime: f.modified,
				DataChange: true, Stats: f.stats, Tags: f.allTags()}))
		}
	}
	for path, f := range now.files {
		if old.files[path] == nil {
			lines = append(lines, line("remove", f.remove(1780000000000)))
		}
	}
	l.createRaw(now.version+1, lines...)
}

func (l *lake) requireUnread(want ...partitioning.Value) {
	l.t.Helper()
	require.Equal(l.t, want, l.load().Unread())
	fresh := l.rival().load()
	require.Equal(l.t, want, fresh.Unread(), "a run that has not seen the commits")
	require.Empty(l.t, fresh.Doubt())
}

// changed is a table whose days 1 and 2 were written twice, then restored.
func restored(t *testing.T, l *lake) (now []row) {
	t.Helper()
	l.put(append(append(rowsOf(0, 20), rowsOf(1, 20)...), rowsOf(2, 20)...))
	l.put(append(rowsOf(1, 21), rowsOf(2, 21)...))
	l.requireUnread()
	l.restore(0)
	l.requireRows(rowsOf(0, 20), rowsOf(1, 20), rowsOf(2, 20))
	l.requireUnread(dayValues(1, 2)...)
	return append(rowsOf(1, 21), rowsOf(2, 21)...)
}

func TestRestoredPartitionsAreUnread(t *testing.T) {
	l := newMemLake(t)
	now := restored(t, l)
	l.put(now)
	l.requireUnread()
	l.requireRows(rowsOf(0, 20), now)
}

// A run that dies after a part of what it reads again leaves the rest unread.
func TestUnreadPartitionsAreSettledOneByOne(t *testing.T) {
	l := newMemLake(t)
	restored(t, l)
	l.put(rowsOf(9, 3))
	l.requireUnread(dayValues(1, 2)...)
	l.put(rowsOf(1, 21))
	l.requireUnread(dayValues(2)...)
	l.settle()
	l.requireUnread(dayValues(2)...)
	l.rival().put(rowsOf(2, 21))
	l.requireUnread()
}

// What is read again and found equal is noted by the commit that leaves none.
func TestUnreadPartitionsThatAreEqualAreNoted(t *testing.T) {
	l := newMemLake(t)
	restored(t, l)
	base := l.load().Version()
	require.Equal(t, sink.Unchanged, l.commit(l.replace(base, rowsOf(1, 20))).Outcome)
	require.Equal(t, dayValues(1, 2), l.rival().load().Unread())
	r := l.commit(l.replace(base, rowsOf(2, 20)))
	require.Equal(t, sink.Committed, r.Outcome, "a commit without files")
	require.Zero(t, r.FilesAdded+r.FilesRemoved)
	l.requireUnread()
	require.Equal(t, sink.Unchanged, l.commit(l.replace(r.Version, rowsOf(2, 20))).Outcome)
}

func TestRereadIsNotedWithoutAChange(t *testing.T) {
	l := newMemLake(t)
	restored(t, l)
	base := l.load().Version()
	part := sink.Change{Mode: sink.Replace, Base: base, Reread: dayValues(2)}
	require.Equal(t, sink.Unchanged, l.commit(part).Outcome, "day 1 is unread still")
	stale := sink.Change{Mode: sink.Replace, Base: base - 1, Reread: dayValues(1, 2)}
	require.Equal(t, sink.Unchanged, l.commit(stale).Outcome, "compared with the table before the RESTORE")
	require.Equal(t, sink.Committed, l.commit(sink.Change{Mode: sink.Replace, Base: base, Reread: dayValues(1)}).Outcome)
	l.requireUnread()
}

func TestRestoreBetweenTwoReadingsIsUnreadAgain(t *testing.T) {
	l := newMemLake(t)
	restored(t, l)
	l.commit(l.replace(l.load().Version(), rowsOf(1, 20))) // equal: remembered
	l.restore(1)
	l.requireUnread(dayValues(1, 2)...)
	r := l.commit(l.replace(l.load().Version(), rowsOf(2, 21)))
	require.Equal(t, sink.Unchanged, r.Outcome, "day 1 was read before the second RESTORE")
	l.requireUnread(dayValues(1, 2)...)
}

func TestOverwriteReadsEverything(t *testing.T) {
	l := newLake(t, mem.New(), unpartitioned)
	l.commit(sink.Change{Mode: sink.Overwrite, Base: -1, Files: l.files(rowsOf(0, 40)...)})
	l.commit(sink.Change{Mode: sink.Overwrite, Base: 0, Files: l.files(rowsOf(0, 41)...)})
	l.restore(0)
	require.Equal(t, []partitioning.Value{""}, l.rival(unpartitioned).load().Unread())
	l.commit(sink.Change{Mode: sink.Overwrite, Base: 2, Files: l.files(rowsOf(0, 41)...)})
	require.Empty(t, l.load().Unread())
	require.Empty(t, l.rival(unpartitioned).load().Unread())
}

// An older version of Paylake commits without knowing of RESTORE.
func TestUnreadSurvivesAnOlderBinary(t *testing.T) {
	l := newMemLake(t)
	restored(t, l)
	l.createRaw(3, `{"commitInfo":{"operation":"WRITE","engineInfo":"paylake/0.0.9","txnId":"old","isBlindAppend":false}}`,
		`{"remove":{"path":"created_date=2026-01-02/none.parquet","dataChange":true,"partitionValues":{"created_date":"2026-01-02"}}}`)
	l.requireUnread(dayValues(2)...)
	for v := int64(4); v <= 12; v++ {
		l.createRaw(v, `{"commitInfo":{"operation":"WRITE","engineInfo":"paylake/0.0.9","txnId":"old","isBlindAppend":false}}`)
	}
	l.requireUnread(dayValues(2)...)
}

// Removals by others are respected: they are no reason to read again.
func TestDeleteAndOptimizeLeaveNothingUnread(t *testing.T) {
	l := newMemLake(t)
	l.put(append(rowsOf(0, 20), rowsOf(1, 20)...))
	compact(l, dayValueText(0), l.foreign().files(rowsOf(0, 20)...)[0].Path)
	for f := range l.load().Files() {
		if f.Partition == dayValue(1) {
			l.createRaw(2, `{"commitInfo":{"operation":"DELETE","engineInfo":"Apache-Spark/4.1.1 Delta-Lake/4.1.0"}}`,
				fmt.Sprintf(`{"remove":{"path":%q,"dataChange":true,"deletionTimestamp":1}}`, f.URI))
		}
	}
	l.requireUnread()
	l.put(rowsOf(5, 2))
	l.requireRows(rowsOf(0, 20), rowsOf(5, 2))
}

func TestRestoreBehindACheckpointIsFound(t *testing.T) {
	l := newMemLake(t)
	restored(t, l)
	require.NoError(t, l.writeCheckpoint(t.Context(), l.load()))
	l.requireUnread(dayValues(1, 2)...)

	require.NoError(t, l.st.Delete(t.Context(), l.key(commitName(2))))
	fresh := l.rival().load()
	require.Empty(t, fresh.Unread())
	require.Contains(t, fresh.Doubt(), "commit 2")
	require.Empty(t, l.rival().put(rowsOf(9, 1)).Warnings)
	require.Empty(t, l.rival().load().Doubt(), "told until the next commit")
}
