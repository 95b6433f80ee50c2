package pipeline_test

import (
	"hash/fnv"
	"maps"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/schema"
)

// purged is a scene whose source loses some of its records, a day after the first
// sync: fewer than what is doubtful.
func purged(t *testing.T, stream string) *scene {
	t.Helper()
	gone := worldStart.AddDate(0, 0, 7)
	s := newScene(t, 6, 360, simapi.Config{NoLimits: true, Deleted: func(_ string, r simapi.Record) time.Time {
		hash := fnv.New64a()
		hash.Write([]byte(r.Key))
		if rest := hash.Sum64() >> 20 % 15; rest != 0 && (stream != simapi.Recipients || rest > 7) {
			return time.Time{}
		}
		return gone
	}})
	s.url = "https://api.pagar.me/core/v5"
	s.inBubble()
	s.streams, s.deaf = []string{stream}, true
	return s
}

// halves reads the records that the table holds, and when those that the source
// no longer has were noticed.
func (s *scene) halves(name string) (live map[string]bool, deleted map[string]time.Time) {
	s.t.Helper()
	ep := s.endpoint(name)
	table := s.lake(ep)
	snapshot, err := table.Load(s.t.Context())
	require.NoError(s.t, err)
	live, deleted = map[string]bool{}, map[string]time.Time{}
	for f := range snapshot.Files() {
		require.NoError(s.t, table.ReadFile(s.t.Context(), f, nil, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				key, at := text(b, ep.Table.Key[0], i), instant(b, schema.ColumnDeletedAt, i)
				require.Equal(s.t, f.Deleted, !at.IsZero(), "the two kinds lie in files of their own")
				require.False(s.t, live[key] || !deleted[key].IsZero(), "key %s stands twice", key)
				if at.IsZero() {
					live[key] = true
				} else {
					deleted[key] = at
				}
			}
			return nil
		}))
	}
	require.Equal(s.t, []int64{int64(len(live)), int64(len(deleted))}, []int64{snapshot.Rows(), snapshot.DeletedRows()})
	return live, deleted
}

// truth are the keys that the source lists.
func (s *scene) truth(name string) map[string]bool {
	until := s.now.Add(-5 * time.Minute)
	if name == simapi.Recipients {
		until = time.Time{}
	}
	keys := map[string]bool{}
	s.server.Each(name, time.Time{}, until, func(r simapi.Record) bool {
		keys[r.Key] = true
		return true
	})
	return keys
}

// A record that the source no longer lists in a window that was proven complete
// goes, and is counted; or it stays, marked. Both only once.
func TestRecordsThatTheSourceNoLongerListsGo(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{simapi.Orders, simapi.Recipients} {
		for _, keep := range []bool{false, true} {
			t.Run(stream+map[bool]string{true: " kept"}[keep], func(t *testing.T) {
				t.Parallel()
				s := purged(t, stream)
				s.keep = keep
				s.sync()
				before, none := s.halves(stream)
				require.Empty(t, none)

				s.now = s.now.Add(3 * day)
				rep := s.sync()
				require.Equal(t, report.Succeeded, rep.Status, of(rep, stream).Error)
				want, gone := s.truth(stream), maps.Clone(before)
				maps.DeleteFunc(gone, func(key string, _ bool) bool { return want[key] })
				require.NotEmpty(t, gone, "the source lost something")
				require.EqualValues(t, len(gone), of(rep, stream).Removed)
				live, deleted := s.halves(stream)
				require.Equal(t, want, live)
				if !keep {
					gone = map[string]bool{}
				}
				require.Len(t, deleted, len(gone))
				for key := range gone {
					require.True(t, deleted[key].Equal(s.now), "the time at which the run noticed it")
				}

				for _, full := range []bool{false, true} {
					s.full = full
					rep = s.sync()
					require.Zero(t, of(rep, stream).Commits, "quiet")
					require.Zero(t, of(rep, stream).Removed)
				}
			})
		}
	}
}

// never-shrinks-silently: that most of a window is gone is doubtful, though its
// rows would stay.
func TestManyDeletionsAreRefusedThoughTheyAreKept(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		s := purged(t, simapi.Orders)
		s.keep = keep
		s.config.Deleted = func(_ string, r simapi.Record) time.Time {
			if r.Created.Day()%2 == 0 {
				return time.Time{}
			}
			return s.world.End().Add(day)
		}
		s.inBubble()
		s.sync()
		before, _ := s.halves(simapi.Orders)
		s.now = s.now.Add(3 * day)
		rep := s.sync()
		require.Equal(t, report.Failed, rep.Status)
		require.Contains(t, of(rep, simapi.Orders).Error, "--accept-shrink")
		live, deleted := s.halves(simapi.Orders)
		require.Equal(t, before, live)
		require.Empty(t, deleted)

		s.opts.AcceptShrink = true
		require.Equal(t, report.Succeeded, s.sync().Status)
		live, deleted = s.halves(simapi.Orders)
		require.Equal(t, s.truth(simapi.Orders), live)
		for key := range before {
			require.Equal(t, keep && !live[key], !deleted[key].IsZero(), key)
		}
	}
}

// The column comes with the first run of the setting, also where nothing else
// changed, and stays when the setting goes, with the rows.
func TestDeletesKeepIsTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{simapi.Orders, simapi.Recipients} {
		s := purged(t, stream)
		s.sync()
		require.Zero(t, of(s.sync(), stream).Commits)
		s.keep = true
		require.Equal(t, 1, of(s.sync(), stream).Commits, "the column")
		require.Zero(t, of(s.sync(), stream).Commits)
		s.now = s.now.Add(3 * day)
		s.sync()
		_, deleted := s.halves(stream)
		require.NotEmpty(t, deleted)

		s.keep = false
		s.sync()
		live, still := s.halves(stream)
		require.Equal(t, deleted, still)
		require.Equal(t, s.truth(stream), live)
		require.Zero(t, of(s.sync(), stream).Commits)
	}
}
