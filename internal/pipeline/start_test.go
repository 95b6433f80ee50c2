package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// "Records created or updated after the start date": older ones that changed after
// start, before or after the first sync. The first sync finds payables; what the
// change feed names is read when its table is there.
func TestWhatChangedBetweenStartAndTheFirstSyncIsFetched(t *testing.T) {
	t.Parallel()
	s := newScene(t, 90, 4_000, simapi.Config{NoLimits: true})
	s.lookback = 3 * oneDay
	s.streams = []string{simapi.Payables, simapi.Charges, simapi.Hooks}
	s.url = "https://api.pagar.me/core/v5"
	s.start = worldStart.AddDate(0, 0, 40)
	s.inBubble()
	for _, streams := range [][]string{{simapi.Payables}, {simapi.Payables, simapi.Charges}} {
		require.Equal(t, report.Succeeded, s.sync().Status)
		for _, name := range streams {
			rows := s.rows(name)
			changed := changedSince(s, name, s.start)
			require.NotEmpty(t, changed, "the test needs such records")
			for _, key := range changed {
				require.Contains(t, rows, key, name)
			}
		}
		s.now = s.now.Add(2 * oneDay)
	}
}

// changedSince gives the keys of records from before a time whose state or amount
// is another one than it was then.
func changedSince(s *scene, name string, at time.Time) []string {
	was, now := map[string]simapi.Record{}, s.now
	s.now = at
	s.server.Each(name, time.Time{}, at, func(r simapi.Record) bool { was[r.Key] = r; return true })
	s.now = now.Add(-time.Hour)
	defer func() { s.now = now }()
	var keys []string
	s.server.Each(name, time.Time{}, at, func(r simapi.Record) bool {
		if old := was[r.Key]; old.Status != r.Status || old.Amount != r.Amount {
			keys = append(keys, r.Key)
		}
		return true
	})
	return keys
}
