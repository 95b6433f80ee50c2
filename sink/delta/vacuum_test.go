package delta

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/mem"
)

// agedLake is a table in a store whose objects are a year old, unless a test
// says otherwise.
func agedLake(t *testing.T, inner store.Store, change ...func(*Settings)) (*lake, *aged) {
	st := &aged{Store: inner, now: testSettings().Now(), ages: map[string]time.Duration{"": 365 * day}}
	return newLake(t, st, change...), st
}

// later moves the clock of a run.
func later(d time.Duration) func(*Settings) {
	return func(s *Settings) {
		now := s.Now()
		s.Now = func() time.Time { return now.Add(d) }
	}
}

func (l *lake) drop(path string) {
	l.t.Helper()
	require.NoError(l.t, l.st.Put(context.Background(), l.key(path), strings.NewReader("x")))
}

func (l *lake) vacuum(o VacuumOptions) []string {
	l.t.Helper()
	var gone []string
	o.Each = func(path string, size int64) {
		require.Positive(l.t, size)
		gone = append(gone, path)
	}
	done, err := l.Vacuum(context.Background(), o)
	require.NoError(l.t, err)
	require.Len(l.t, gone, done.Files)
	return gone
}

func TestVacuumRemovesWhatNoVersionNeeds(t *testing.T) {
	onDisk, err := local.New(t.TempDir())
	require.NoError(t, err)
	for name, inner := range map[string]store.Store{"mem": mem.New(), "local": onDisk} {
		t.Run(name, func(t *testing.T) {
			l, st := agedLake(t, inner)
			l.put(rowsOf(0, 5))
			old := l.load()
			oldPath := slices.Collect(old.Files())[0].Path
			l.put(rowsOf(0, 6))
			kept := []string{
				"_paylake/full/record.parquet", ".hidden/part.parquet", "_symlink_format_manifest/x.parquet", "created_date=2026-01-01/_part.parquet",
				"other/part-1.parquet", "other/created_date=2026-01-01/part-1.parquet", "created_date=2026-01-01/young.parquet", "notes.txt",
			}
			orphans := []string{"created_date=2026-01-01/part-dead.zstd.parquet", "part-dead.zstd.parquet"}
			for _, path := range append(kept, orphans...) {
				l.drop(path)
			}
			require.NoError(t, inner.Put(t.Context(), "raw/acme/sales2/part-1.parquet", strings.NewReader("x")))
			st.ages[l.key("created_date=2026-01-01/young")] = 7*day - time.Minute
			before := l.keys("")

			require.ElementsMatch(t, orphans, l.vacuum(VacuumOptions{DryRun: true}))
			require.Equal(t, before, l.keys(""), "a dry run removes nothing")
			require.ElementsMatch(t, orphans, l.vacuum(VacuumOptions{}))
			require.Subset(t, l.keys(""), append(kept, oldPath))
			require.NotContains(t, l.keys(""), orphans[0])
			require.Empty(t, l.vacuum(VacuumOptions{}))

			st.ages[l.key("created_date=2026-01-01/young")] = -day
			after := l.rival(later(7 * day))
			require.Empty(t, after.vacuum(VacuumOptions{}), "the tombstone is exactly as old as the retention")
			after = l.rival(later(7*day + time.Millisecond))
			require.Equal(t, []string{oldPath}, after.vacuum(VacuumOptions{}))
			l.requireRows(rowsOf(0, 6))
			_, err := store.ReadAll(t.Context(), inner, "raw/acme/sales2/part-1.parquet")
			require.NoError(t, err, "another table's file")
		})
	}
}

func TestVacuumRefusesAShortRetention(t *testing.T) {
	vacuum := func(l *lake, o VacuumOptions) (time.Duration, error) {
		o.DryRun = true
		done, err := l.Vacuum(context.Background(), o)
		return done.Retention, err
	}
	l := newMemLake(t)
	l.put(rowsOf(0, 5))
	var short *RetentionError
	_, err := vacuum(l, VacuumOptions{Retention: 7*day - time.Second})
	require.ErrorAs(t, err, &short)
	require.ErrorContains(t, err, "--force")
	got, err := vacuum(l, VacuumOptions{Retention: time.Hour, Force: true})
	require.NoError(t, err)
	require.Equal(t, time.Hour, got)
	got, err = vacuum(l, VacuumOptions{})
	require.NoError(t, err)
	require.Equal(t, 7*day, got)

	for text, least := range map[string]time.Duration{"interval 30 days": 30 * day, "interval 1 hour": 7 * day} {
		l.commitMeta(nil, func(m *metaData) { m.Configuration[propertyFileRetention] = text })
		_, err = vacuum(l, VacuumOptions{Retention: least - day})
		require.ErrorAs(t, err, &short)
		got, err = vacuum(l, VacuumOptions{})
		require.NoError(t, err)
		require.Equal(t, least, got)
	}
	l.commitMeta(nil, func(m *metaData) { m.Configuration[propertyFileRetention] = "interval 2 months" })
	_, err = vacuum(l, VacuumOptions{})
	require.ErrorContains(t, err, "cannot be read")
	_, err = vacuum(l, VacuumOptions{Retention: 90 * day, Force: true})
	require.NoError(t, err)
}

func TestVacuumSeesWhatIsCommittedWhileItLists(t *testing.T) {
	l, st := agedLake(t, mem.New())
	l.put(rowsOf(0, 5))
	// An old file becomes live between the listing and the removal, as by a
	// full sync that went on after a week.
	stored, err := l.Store(t.Context(), l.files(rowsOf(1, 5)...))
	require.NoError(t, err)
	l.drop("part-dead.parquet")
	racing := newLake(t, &onList{Store: st, at: 2, do: func() {
		c := l.replace(0, nil, 1)
		c.Files = stored
		l.commit(c)
	}})
	require.Equal(t, []string{"part-dead.parquet"}, racing.vacuum(VacuumOptions{}))
	l.requireRows(rowsOf(0, 5), rowsOf(1, 5))
}

func TestVacuumStopsWhenTheTableIsGoneOrForeign(t *testing.T) {
	l, st := agedLake(t, mem.New())
	l.drop("part-1.parquet")
	_, err := l.Vacuum(t.Context(), VacuumOptions{})
	require.ErrorContains(t, err, "there is no table")

	l.put(rowsOf(0, 5))
	racing := newLake(t, &onList{Store: st, at: 2, do: func() {
		for _, key := range l.keys(logFolder) {
			require.NoError(t, l.st.Delete(t.Context(), l.key(key)))
		}
	}})
	before := l.dataKeys()
	_, err = racing.Vacuum(t.Context(), VacuumOptions{})
	require.ErrorContains(t, err, "its log is gone")
	require.Equal(t, before, l.dataKeys())
}

func TestVacuumChecksWhatTheTableAsksOfWriters(t *testing.T) {
	l, _ := agedLake(t, mem.New())
	l.put(rowsOf(0, 5))
	l.drop("part-dead.parquet")
	l.commitMeta(&protocol{MinReaderVersion: 1, MinWriterVersion: 7, WriterFeatures: []string{"somethingNew"}}, nil)
	_, err := l.Vacuum(t.Context(), VacuumOptions{})
	require.ErrorContains(t, err, "somethingNew")
	require.Contains(t, l.keys(""), "part-dead.parquet")
}

func TestHiddenAndOrphan(t *testing.T) {
	columns := []string{"created_date", "_odd"}
	for path, want := range map[string]string{
		"part.parquet": "orphan", "created_date=1/part.parquet": "orphan", "_odd=1/part.parquet": "orphan",
		"part.csv": "other", "sub/part.parquet": "other", "created_date=1/sub/part.parquet": "other", "created_date/part.parquet": "other",
		"_delta_log/0.parquet": "hidden", "created_date=1/_x/part.parquet": "hidden", ".part.parquet": "hidden", "_other=1/part.parquet": "hidden",
	} {
		got := "other"
		switch {
		case hidden(path, columns):
			got = "hidden"
		case orphan(path, columns):
			got = "orphan"
		}
		require.Equal(t, want, got, path)
	}
}

// A clock that is ahead makes the uploads of writers that are at work look old.
func TestVacuumRefusesAClockThatIsAhead(t *testing.T) {
	l, st := agedLake(t, mem.New())
	l.put(rowsOf(0, 5))
	l.drop("created_date=2026-08-24/part-orphan.parquet")
	st.slow = 8 * day
	keys := len(l.dataKeys())
	_, err := l.Vacuum(context.Background(), VacuumOptions{})
	require.ErrorContains(t, err, "the clock of this machine is 192h0m0s ahead of the store's")
	require.Len(t, l.dataKeys(), keys)
	st.slow = time.Minute
	require.Len(t, l.vacuum(VacuumOptions{}), 1)
}
