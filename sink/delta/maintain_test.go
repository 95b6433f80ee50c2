package delta

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

func (l *lake) maintain(o Maintenance) Maintained {
	l.t.Helper()
	o.WorkDir = l.t.TempDir()
	done, err := l.Maintain(context.Background(), o)
	require.NoError(l.t, err)
	require.Empty(l.t, done.Warnings)
	return done
}

func everything() Maintenance { return Maintenance{Optimize: true, Vacuum: true, CleanLog: true} }

func retention(log, files time.Duration) func(*Settings) {
	return func(s *Settings) { s.LogRetention, s.DeletedFileRetention = log, files }
}

func (l *lake) property(name string) string {
	text, _ := l.load().Property(name)
	return text
}

func TestRetentionBecomesTableProperties(t *testing.T) {
	l := newLake(t, mem.New(), retention(30*day, 36*time.Hour))
	l.put(rowsOf(0, 5))
	require.Equal(t, "interval 30 days", l.property(propertyLogRetention))
	require.Equal(t, "interval 36 hours", l.property(propertyFileRetention))

	require.False(t, l.maintain(everything()).Properties, "they are as the settings want them")
	require.Zero(t, l.load().Version())

	next := l.rival(retention(60*day, 36*time.Hour))
	require.True(t, next.maintain(everything()).Properties)
	require.Equal(t, "interval 60 days", l.property(propertyLogRetention))
	require.Equal(t, "shop", l.property("paylake.connection"), "the others stay")
	require.Equal(t, int64(1), l.load().Version())
	l.requireRows(rowsOf(0, 5))

	more := l.rival(retention(90*day, 0))
	more.put(rowsOf(0, 6))
	require.Equal(t, "interval 90 days", l.property(propertyLogRetention), "a commit that comes anyway carries them")
	require.Equal(t, "interval 36 hours", l.property(propertyFileRetention), "zero leaves it alone")
	require.Equal(t, int64(2), l.load().Version())
}

func TestRetentionInOtherWordsIsLeftAlone(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 5))
	run := l.rival(retention(30*day, 7*day))
	require.False(t, run.maintain(everything()).Properties, "those are the defaults of every engine")
	l.commitMeta(nil, func(m *metaData) {
		m.Configuration[propertyLogRetention], m.Configuration[propertyFileRetention] = "INTERVAL 720 HOURS", "interval 1 week"
	})
	require.False(t, l.rival(retention(30*day, 7*day)).maintain(everything()).Properties)
	l.commitMeta(nil, func(m *metaData) { m.Configuration[propertyLogRetention] = "P30D" })
	require.True(t, l.rival(retention(30*day, 7*day)).maintain(everything()).Properties, "what no engine can read is no retention")
	require.Equal(t, "interval 30 days", l.property(propertyLogRetention))
	require.Equal(t, "interval 1 week", l.property(propertyFileRetention))
}

// grow makes n more versions.
func (l *lake) grow(n int) {
	l.t.Helper()
	for range n {
		v := l.load().Version()
		l.put(rowsOf(0, 5+int(v+1)))
	}
}

// ageLog says when the commits up to each version were made.
func (s *aged) ageLog(l *lake, ages map[int64]time.Duration) {
	last := int64(-1)
	versions := []int64{}
	for v := range ages {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	for _, until := range versions {
		for v := last + 1; v <= until; v++ {
			s.ages[l.key(logFolder+fmt.Sprintf("%020d", v))] = ages[until]
		}
		last = until
	}
}

func (l *lake) logVersions() []int64 {
	var out []int64
	for _, key := range l.keys(logFolder) {
		if n := parseLogName(strings.TrimPrefix(key, logFolder)); n.Kind == commitObject {
			out = append(out, n.Version)
		}
	}
	return out
}

func TestCleanLogKeepsWhatRetentionNeeds(t *testing.T) {
	// The clock says 12:00, so the cutoff is 12 hours before the retention.
	grown := newMemLake(t)
	grown.grow(26)
	for name, c := range map[string]struct {
		ages map[int64]time.Duration
		want int64 // first commit that stays
	}{
		"nothing is old enough":                {map[int64]time.Duration{25: 30*day + 11*time.Hour}, 0},
		"everything is":                        {map[int64]time.Duration{25: 40 * day}, 20},
		"the cutoff itself is old enough":      {map[int64]time.Duration{10: 30*day + 12*time.Hour, 25: day}, 10},
		"the commit before the checkpoint":     {map[int64]time.Duration{9: 40 * day, 25: day}, 0},
		"the last midnight counts, not now":    {map[int64]time.Duration{19: 40 * day, 25: 30*day + time.Hour}, 10},
		"an old commit after a younger one":    {map[int64]time.Duration{12: 40 * day, 13: day, 25: 40 * day}, 10},
		"versions up to the second checkpoint": {map[int64]time.Duration{20: 40 * day, 25: day}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			l, st := agedLake(t, grown.copied())
			st.ageLog(l, c.ages)
			for _, extra := range []string{"00000000000000000003.crc", "00000000000000000002.00000000000000000005.compacted.json",
				"00000000000000000021.00000000000000000024.compacted.json", "something.else"} {
				l.drop(logFolder + extra)
			}
			before := len(l.keys(logFolder))
			n, err := l.CleanLog(t.Context(), true)
			require.NoError(t, err)
			require.Len(t, l.keys(logFolder), before, "a dry run removes nothing")
			again, err := l.CleanLog(t.Context(), false)
			require.NoError(t, err)
			require.Equal(t, n, again)
			require.Len(t, l.keys(logFolder), before-n)
			require.Equal(t, c.want, l.logVersions()[0])
			require.Contains(t, l.keys(logFolder), logFolder+"something.else")
			for v := c.want; v <= 25; v++ {
				s, err := ReadSnapshotAt(t.Context(), l.st, testRoot, v)
				require.NoError(t, err, v)
				require.Equal(t, 5+v, s.Rows())
			}
			l.requireRows(rowsOf(0, 30))
			n, err = l.CleanLog(t.Context(), false)
			require.NoError(t, err)
			require.Zero(t, n)
		})
	}
}

func TestCleanLogLeavesTheLogAlone(t *testing.T) {
	grown := newMemLake(t)
	grown.grow(21)
	clean := func(change func(l *lake)) (*lake, int, error) {
		l, _ := agedLake(t, grown.copied())
		change(l)
		n, err := l.rival().CleanLog(t.Context(), false)
		return l, n, err
	}
	set := func(name, value string) func(*lake) {
		return func(l *lake) { l.commitMeta(nil, func(m *metaData) { m.Configuration[name] = value }) }
	}
	_, n, err := clean(set(propertyLogCleanup, "false"))
	require.NoError(t, err)
	require.Zero(t, n, "switched off")
	_, n, err = clean(set(propertyLogRetention, "interval 1 month"))
	require.NoError(t, err)
	require.Zero(t, n, "a retention that cannot be read")
	l, _, err := clean(func(l *lake) {
		require.NoError(t, l.st.Put(t.Context(), l.key(lastCheckpoint), strings.NewReader(`{"version":10,"size":1}`)))
	})
	require.NoError(t, err)
	require.Equal(t, int64(10), l.logVersions()[0], "a reader may be on its way to the checkpoint that is named")
	_, _, err = clean(func(l *lake) { l.drop(checkpointName(20)) })
	require.Error(t, err, "a damaged checkpoint replaces no commits")
	l, n, err = clean(func(l *lake) {
		require.NoError(t, l.st.Delete(t.Context(), l.key(checkpointName(10)), l.key(checkpointName(20)), l.key(lastCheckpoint)))
	})
	require.NoError(t, err)
	require.Zero(t, n)
	require.Equal(t, int64(0), l.logVersions()[0])
}

func TestMaintainCompactsWhatIsQuiet(t *testing.T) {
	l := newMemLake(t)
	for i := range 4 {
		l.pieces(some(rowsOf(0, 40), i, 4), some(rowsOf(1, 40), i, 4))
	}
	require.Zero(t, l.maintain(everything()).Optimized.Commits, "it was written to today")
	tomorrow := l.rival(later(25 * time.Hour))
	tomorrow.pieces(some(rowsOf(0, 50), 41, 50)) // its partition is not quiet
	done := tomorrow.maintain(everything())
	require.Equal(t, []int{1, 4, 1}, []int{done.Optimized.Partitions, done.Optimized.FilesRemoved, done.Optimized.FilesAdded})
	require.Contains(t, l.keys(logFolder), checkpointName(l.load().Version()), "the next run has no commit to read")
	_, _, _, files := l.load().Partition(dayValue(0))
	require.Equal(t, 5, files)
	require.Zero(t, tomorrow.maintain(everything()).Optimized.Commits)
	l.requireRows(rowsOf(0, 40), some(rowsOf(0, 50), 41, 50), rowsOf(1, 40))
}

func TestMaintainCompactsATableWithoutPartitionsInTiers(t *testing.T) {
	l := newLake(t, mem.New(), func(s *Settings) { s.Spec.Column = "" })
	all := rowsOf(0, 4000) // files large enough that their footers do not count
	rewritten := int64(0)
	for i := range 40 {
		l.pieces(some(all, i, 40))
		rewritten += l.maintain(everything()).Optimized.Rows
	}
	require.Less(t, l.load().NumFiles(), 12)
	require.Less(t, rewritten, int64(5*len(all)), "no row is rewritten at every run")
	l.requireRows(all)
}

func TestMaintainAsksTheStoreNothingWhenThereIsNothingToDo(t *testing.T) {
	counted := store.Count(mem.New())
	l := newLake(t, counted, retention(30*day, 7*day))
	l.put(rowsOf(0, 5))
	before := counted.Calls()
	l.maintain(everything())
	require.Equal(t, before, counted.Calls())
}

func TestMaintainRemovesFilesWhenTheLogForgetsThem(t *testing.T) {
	l := newMemLake(t)
	l.grow(5)
	require.Len(t, l.dataKeys(), 5)
	soon := l.rival(later(6 * day))
	soon.grow(6) // writes a checkpoint
	require.Zero(t, soon.maintain(everything()).VacuumFiles, "no tombstone is old enough")
	after := l.rival(later(8 * day))
	after.grow(3)
	require.Zero(t, after.maintain(everything()).VacuumFiles, "no checkpoint forgot anything")
	after.grow(7)
	require.Equal(t, 4, after.maintain(everything()).VacuumFiles)
	require.Len(t, l.dataKeys(), 21-4)
	require.Zero(t, after.maintain(everything()).VacuumFiles)
	l.requireRows(rowsOf(0, 25))
}

func TestMaintainNeverFollowsATombstoneOutOfTheTable(t *testing.T) {
	l := newMemLake(t)
	l.grow(10)
	require.NoError(t, l.st.Put(t.Context(), "raw/acme/other/part.parquet", strings.NewReader("x")))
	l.drop("_paylake/full/record.parquet")
	at := int64(1)
	var lines []string
	for _, path := range []string{"../other/part.parquet", "_delta_log/00000000000000000000.json", "/raw/acme/other/part.parquet", "_paylake/full/record.parquet"} {
		lines = append(lines, string(mustLine(t, action{Remove: &remove{Path: path, DeletionTimestamp: &at, PartitionValues: map[string]*string{}}})))
	}
	s := l.load()
	l.createRaw(s.Version()+1, lines...)
	run := l.rival(later(30 * day))
	run.load()
	before := len(l.dataKeys())
	run.fresh = true
	require.Equal(t, 9, run.maintain(Maintenance{Vacuum: true}).VacuumFiles, "the files of our own commits only")
	require.Len(t, l.dataKeys(), before-9)
	require.Contains(t, l.keys(logFolder), commitName(0))
	_, err := store.ReadAll(t.Context(), l.st, "raw/acme/other/part.parquet")
	require.NoError(t, err)
}

func TestOlderVersionsReadWithinRetention(t *testing.T) {
	l, st := agedLake(t, mem.New())
	l.grow(9)
	all := rowsOf(1, 400)
	for i := range 4 {
		l.pieces(some(all, i, 4))
	}
	l.optimize(OptimizeOptions{})
	st.ages[l.key(logFolder)] = 20 * day
	require.Empty(t, l.vacuum(VacuumOptions{}))
	_, err := l.CleanLog(t.Context(), false)
	require.NoError(t, err)
	for v := range l.load().Version() + 1 {
		s, err := ReadSnapshotAt(t.Context(), l.st, testRoot, v)
		require.NoError(t, err)
		rows := 0
		for f := range s.Files() {
			require.NoError(t, l.ReadFile(t.Context(), f, nil, func(b arrow.RecordBatch) error {
				rows += int(b.NumRows())
				return nil
			}), v)
		}
		require.Equal(t, s.Rows(), int64(rows))
		require.Equal(t, v, s.Version())
	}
	_, err = ReadSnapshotAt(t.Context(), l.st, testRoot, 99)
	require.ErrorContains(t, err, "it has no version 99")
	require.NoError(t, l.st.Delete(t.Context(), l.key(commitName(1))))
	_, err = ReadSnapshotAt(t.Context(), l.st, testRoot, 2)
	require.ErrorContains(t, err, "version 2 is no longer in the log")
	_, err = ReadSnapshotAt(t.Context(), l.st, testRoot, 12)
	require.NoError(t, err, "it starts at a checkpoint")
}

func TestMaintainLeavesToTheCommandWhatItMightReadInVain(t *testing.T) {
	l := newMemLake(t)
	for i := range 4 {
		l.pieces(some(rowsOf(0, 40), i, 4))
		l.foreignFile(fmt.Sprintf("part-%d.parquet", i), 1, some(rowsOf(1, 40), i, 4), sparkColumns())
	}
	more := l.rival(func(s *Settings) {
		s.Table = sales()
		s.Table.Fields = append(s.Table.Fields, schema.Text("note", "New."))
	})
	more.pieces(rowsOf(2, 1))
	require.Zero(t, l.rival(later(2*day)).maintain(everything()).Optimized.Commits, "a column that this run does not know")
	done := newLake(t, l.st, later(2*day), func(s *Settings) { s.Table = more.settings.Table }).maintain(everything())
	require.Equal(t, []int{1, 4}, []int{done.Optimized.Partitions, done.Optimized.FilesRemoved}, "its own files only")
	require.Equal(t, int64(81), l.load().Rows())
}
