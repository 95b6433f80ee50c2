package delta

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
)

// keeping makes a run keep deleted records.
func keeping(s *Settings) {
	s.Table = s.Table.KeepingDeleted()
	s.Table.State = "status"
}

// keep is a replace that keeps what it does not have.
func (l *lake) keep(rows []row, days ...int) sink.Change {
	c := l.replace(l.load().Version(), rows, days...)
	c.KeepDeleted, c.WorkDir = true, l.t.TempDir()
	return c
}

// deleted marks rows as the clock of the tests does.
func deleted(rows []row) []row {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].gone = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC).Unix()
	}
	return rows
}

// keptFiles are the live files of deleted records.
func (l *lake) keptFiles() []File {
	l.t.Helper()
	var out []File
	for f := range l.rival().load().Files() {
		if f.Deleted {
			out = append(out, f)
		}
	}
	return out
}

// requireQuiet asserts that the same rows again commit nothing.
func (l *lake) requireQuiet(rows []row, days ...int) {
	l.t.Helper()
	for _, run := range []*lake{l, l.rival(keeping)} {
		require.Equal(l.t, sink.Unchanged, run.commit(run.keep(rows, days...)).Outcome)
	}
}

func TestDeletedRecordsAreKeptAndMarked(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	all := slices.Concat(rowsOf(0, 100), rowsOf(1, 100))
	l.put(all)
	receipt := l.commit(l.keep(all[3:]))
	require.Equal(t, int64(3), receipt.Deleted)
	l.requireRows(all[3:], deleted(all[:3]))
	l.requireQuiet(all[3:])

	s := l.rival().load()
	rows, _, known, files := s.Partition(dayValue(0))
	require.Equal(t, []any{int64(97), true, 1}, []any{rows, known, files}, "deleted records are not those of the partition")
	states, known := s.States(dayValue(0))
	require.True(t, known)
	require.Equal(t, map[string]int64{"paid": 97}, states)
	require.Equal(t, []int64{197, 3}, []int64{s.Rows(), s.DeletedRows()})
	require.Len(t, l.keptFiles(), 1)
}

// The tag and the counts go through a checkpoint.
func TestDeletedRecordsAreKnownFromACheckpoint(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	l.put(rowsOf(0, 50))
	l.commit(l.keep(rowsOf(0, 50)[:48]))
	for day := range 10 {
		l.put(rowsOf(1+day, 3))
	}
	require.NotEmpty(t, l.keys(logFolder+lastCheckpoint[len(logFolder):]))
	l = l.rival(keeping)
	s := l.load()
	require.Equal(t, []int64{78, 2}, []int64{s.Rows(), s.DeletedRows()})
	states, known := s.States(dayValue(0))
	require.Equal(t, map[string]int64{"paid": 48}, states)
	require.True(t, known)
	l.requireQuiet(rowsOf(0, 50)[:48])
}

func TestARecordThatComesBackIsNotDeleted(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	all := rowsOf(0, 100)
	l.put(all)
	l.commit(l.keep(all[3:]))
	require.Zero(t, l.commit(l.keep(all[2:])).Deleted)
	l.requireRows(all[2:], deleted(all[:2]))
	l.requireQuiet(all[2:])

	l.settings.Now = func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
	again := deleted(all[99:])
	again[0].gone = l.settings.Now().Unix()
	require.Equal(t, int64(1), l.commit(l.keep(all[2:99])).Deleted, "what was deleted before is not noticed again")
	l.requireRows(all[2:99], deleted(all[:2]), again)

	l.commit(l.keep(all))
	l.requireRows(all)
	require.Empty(t, l.keptFiles())
}

// never-shrinks-silently: so many deletions are doubtful, though the rows stay.
func TestGuardJudgesKeptDeletions(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	l.put(rowsOf(0, 100))
	c := l.keep(rowsOf(0, 80))
	_, err := l.Commit(context.Background(), c)
	var shrink *sink.ShrinkError
	require.ErrorAs(t, err, &shrink)
	require.Equal(t, []int64{20, 100}, []int64{shrink.Removed, shrink.Before})
	l.requireRows(rowsOf(0, 100))
	require.Len(t, l.dataKeys(), 1, "nothing may be uploaded")

	c.AcceptShrink = true
	require.Equal(t, int64(20), l.commit(c).Deleted)
	l.requireRows(rowsOf(0, 80), deleted(rowsOf(0, 100)[80:]))
	l.requireQuiet(rowsOf(0, 80))
}

// A partition may lose all its records, and get some again.
func TestAPartitionMayHoldDeletedRecordsOnly(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	l.put(slices.Concat(rowsOf(0, 5), rowsOf(1, 200)))
	require.Equal(t, int64(5), l.commit(l.keep(rowsOf(1, 200), 0)).Deleted)
	l.requireRows(deleted(rowsOf(0, 5)), rowsOf(1, 200))
	l.requireQuiet(rowsOf(1, 200), 0)

	l.commit(l.keep(slices.Concat(rowsOf(0, 2), rowsOf(1, 200))))
	l.requireRows(rowsOf(0, 2), deleted(rowsOf(0, 5)[2:]), rowsOf(1, 200))
}

func TestOverwriteKeepsDeletedRecordsToo(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	all := slices.Concat(rowsOf(0, 5), rowsOf(1, 200))
	l.put(all)
	overwrite := func() sink.Change {
		return sink.Change{Mode: sink.Overwrite, Base: l.load().Version(), Files: l.files(rowsOf(1, 199)...), KeepDeleted: true, WorkDir: t.TempDir()}
	}
	require.Equal(t, int64(6), l.commit(overwrite()).Deleted)
	l.requireRows(deleted(rowsOf(0, 5)), rowsOf(1, 199), deleted(rowsOf(1, 200)[199:]))
	require.Equal(t, sink.Unchanged, l.commit(overwrite()).Outcome)
}

// Another engine may put files of both kinds together. Nothing changed by that;
// the next change of the partition parts them.
func TestDeletedRecordsInAForeignFileStay(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	all := rowsOf(0, 20)
	l.put(all)
	l.commit(l.keep(all[2:]))
	compact(l, dayValueText(0), l.files(slices.Concat(deleted(all[:2]), all[2:])...)[0].Path)
	l.requireQuiet(all[2:])
	l.requireRows(deleted(all[:2]), all[2:])

	done := l.rival(keeping).optimize(OptimizeOptions{})
	require.Zero(t, done.Commits, "one file of both kinds stays alone")

	changed := refunded(slices.Clone(all[3:]))
	receipt := l.commit(l.keep(changed))
	require.Equal(t, int64(1), receipt.Deleted, "deleted rows are not noticed again")
	l.requireRows(deleted(all[:3]), changed)
	require.Len(t, l.keptFiles(), 1)
	l.requireQuiet(changed)
}

func TestOptimizeKeepsDeletedRecordsApart(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	all := rowsOf(0, 100)
	l.put(all)
	for n := range 4 {
		l.commit(l.keep(all[n+1:]))
	}
	require.Len(t, l.keptFiles(), 4)
	done := l.optimize(OptimizeOptions{})
	require.Equal(t, []int{4, 1}, []int{done.FilesRemoved, done.FilesAdded})
	require.Len(t, l.keptFiles(), 1)
	l.requireRows(deleted(all[:4]), all[4:])
	l.requireQuiet(all[4:])
}

// The setting may come later, and go: what was kept stays, also beside a run
// that knows nothing of it.
func TestKeepingDeletedRecordsIsTurnedOnAndOff(t *testing.T) {
	st := mem.New()
	all := rowsOf(0, 100)
	l := newLake(t, st)
	l.put(all)
	require.False(t, l.load().KeepsDeleted())

	on := l.rival(keeping)
	c := on.keep(all)
	c.MoveMark = true
	on.commit(c)
	require.True(t, on.load().KeepsDeleted())
	on.commit(on.keep(all[3:]))
	l.requireRows(all[3:], deleted(all[:3]))

	off := l.rival()
	receipt := off.commit(off.replace(off.load().Version(), all[4:]))
	require.Equal(t, int64(1), receipt.Deleted)
	off.requireRows(all[4:], deleted(all[:3]))
	off.put(all[1:]) // two of them come back
	off.requireRows(all[1:], deleted(all[:1]))
	require.True(t, off.load().KeepsDeleted())
}

// A file of deleted records that somebody removed is taken out of the table when
// its partition is written anew.
func TestLostFileOfDeletedRecordsIsNamed(t *testing.T) {
	all := rowsOf(0, 100)
	for name, lose := range map[string]func(l *lake, key string) error{
		"removed": func(l *lake, key string) error { return l.st.Delete(t.Context(), key) },
		"cut":     func(l *lake, key string) error { return l.st.Put(t.Context(), key, strings.NewReader("PAR1")) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLake(t, mem.New(), keeping)
			l.put(all)
			l.commit(l.keep(all[3:]))
			require.NoError(t, lose(l, l.key(l.keptFiles()[0].Path)))
			damaged, err := l.Damaged(t.Context(), l.load())
			require.NoError(t, err)
			require.Equal(t, dayValues(0), damaged)

			c := l.keep(all[3:])
			c.Rewrite = damaged
			receipt, err := l.Commit(t.Context(), c)
			require.NoError(t, err)
			require.Len(t, receipt.Warnings, 1)
			require.Contains(t, receipt.Warnings[0], "3 deleted records is gone")
			l.requireRows(all[3:])
			l.requireQuiet(all[3:])
		})
	}
}

// A live file that is gone is no reason to refuse the rows that replace it; what
// it held is not known any more.
func TestLostFileIsReplacedThoughKeysWent(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	l.put(slices.Concat(rowsOf(0, 100), rowsOf(1, 5)))
	for f := range l.load().Files() {
		if f.Partition == dayValue(0) {
			require.NoError(t, l.st.Delete(t.Context(), l.key(f.Path)))
		}
	}
	c := l.keep(slices.Concat(rowsOf(0, 98), rowsOf(1, 5)))
	require.Equal(t, sink.Committed, l.commit(c).Outcome)
	l.requireRows(rowsOf(0, 98), rowsOf(1, 5))
}

// A record that goes to another partition is not deleted.
func TestARecordThatMovesIsNotDeleted(t *testing.T) {
	for _, keep := range []bool{true, false} {
		l := newLake(t, mem.New(), keeping)
		first, second := rowsOf(0, 40), rowsOf(1, 40)
		l.put(slices.Concat(first, second))
		moved := first[1]
		moved.day = 1
		c := l.keep(slices.Concat(first[2:], second, []row{moved}))
		c.KeepDeleted = keep
		require.Equal(t, int64(1), l.commit(c).Deleted, "the first row is gone, the second moved")
		if !keep {
			l.requireRows(first[2:], second, []row{moved})
			continue
		}
		l.requireRows(deleted(first[:1]), first[2:], second, []row{moved})
		l.requireQuiet(slices.Concat(first[2:], second, []row{moved}))
	}
}

// Where keys may be other ones today, a key that is gone is no deleted record:
// only the number of rows tells.
func TestRenamedKeysAreNoDeletedRecords(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	l.put(rowsOf(0, 40))
	c := l.keep(renamed(rowsOf(0, 39), 39))
	c.NotBefore = firstDay().AddDate(0, 0, 1)
	require.Equal(t, int64(1), l.commit(c).Deleted)
	l.requireRows(renamed(rowsOf(0, 39), 39))
	require.Empty(t, l.keptFiles())
}
