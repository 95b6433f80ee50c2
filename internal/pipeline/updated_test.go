package pipeline_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

const oneDay = 24 * time.Hour

// aged is a scene whose account is older than the lookback: synced once at the
// end of its days, and again some days later.
func aged(t *testing.T, days, size int, config simapi.Config, streams ...string) *scene {
	t.Helper()
	config.NoLimits = true
	s := newScene(t, days, size, config)
	s.lookback = 3 * oneDay
	s.streams = streams
	s.url = "https://api.pagar.me/core/v5"
	s.inBubble()
	require.Equal(t, report.Succeeded, s.sync().Status)
	return s
}

// Payables settle long after they were created: the next sync finds each of
// them by its time of change, without a refresh, and commits only what changed.
func TestUpdatedPayablesAreFoundHoweverOld(t *testing.T) {
	t.Parallel()
	s := aged(t, 60, 1_500, simapi.Config{}, simapi.Payables)
	first := of(s.sync(), simapi.Payables)
	require.Zero(t, first.Commits, "nothing changed: quiet")

	s.now = s.now.Add(oneDay)
	rep := of(s.sync(), simapi.Payables)
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.Positive(t, rep.Updated)
	require.Empty(t, rep.Warnings)
	s.requireStream(simapi.Payables)
	require.Less(t, rep.Requests, int64(20))

	again := of(s.sync(), simapi.Payables)
	require.Zero(t, again.Commits, "what the overlap brings again is no change")
	require.Positive(t, again.Requests)
}

// Only partitions in which something changed get other files.
func TestUpdatedLeavesOtherPartitionsAlone(t *testing.T) {
	t.Parallel()
	s := aged(t, 60, 600, simapi.Config{}, simapi.Payables)
	rows, files := s.rows(simapi.Payables), s.files(simapi.Payables)
	s.now = s.now.Add(7 * oneDay)
	require.Equal(t, report.Succeeded, s.sync().Status)
	touched := map[string]bool{}
	for key, r := range s.rows(simapi.Payables) {
		if was, ok := rows[key]; !ok || was != r {
			touched[r.created.Format(time.DateOnly)] = true
		}
	}
	same := 0
	for day, list := range s.files(simapi.Payables) {
		if !touched[day] {
			require.Equal(t, files[day], list, "nothing changed on %s", day)
			same++
		}
	}
	require.Positive(t, same)
	require.Greater(t, len(touched), 5, "older partitions changed, or the test proves nothing")
}

// A payable may be known by another id since 2026-08-28. Partitions that were
// read before then are read again in whole when one of their payables changes,
// and none stands there twice.
func TestUpdatedAcrossTheChangeOfIDs(t *testing.T) {
	t.Parallel()
	boundary := time.Date(2026, 8, 28, 0, 0, 0, 0, time.UTC)
	s := newScene(t, 1, 1, simapi.Config{NoLimits: true, ContractChange: boundary})
	s.start = boundary.AddDate(0, 0, -50)
	s.world = simapi.Merchant(7, s.start, 70, 1_400)
	s.world.Now = func() time.Time { return s.now }
	s.streams, s.url, s.lookback = []string{simapi.Payables}, "https://api.pagar.me/core/v5", 3*oneDay
	s.now = boundary.Add(-36 * time.Hour)
	s.inBubble()
	require.Equal(t, report.Succeeded, s.sync().Status)
	numeric := len(s.rows(simapi.Payables))
	require.Positive(t, numeric)

	for range 6 {
		s.now = s.now.Add(oneDay)
		rep := of(s.sync(), simapi.Payables)
		require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	}
	forms := map[string]map[bool]bool{} // of the ids, by day
	left := 0
	for key, r := range s.rows(simapi.Payables) {
		day := r.created.Format(time.DateOnly)
		if forms[day] == nil {
			forms[day] = map[bool]bool{}
		}
		digits := key[0] >= '0' && key[0] <= '9'
		forms[day][digits] = true
		if digits {
			left++
		}
	}
	for day, f := range forms {
		require.Len(t, f, 1, "%s holds ids of both forms: a payable may stand there twice", day)
	}
	require.Positive(t, left, "days without a change stay as they are")
	renewed := 0
	for day, f := range forms {
		if f[false] && day < boundary.AddDate(0, 0, -7).Format(time.DateOnly) {
			renewed++
		}
	}
	require.Positive(t, renewed, "days older than the lookback that changed were read again")
}

// A run whose question about changes fails has committed its new data, says so by
// name, and the next run finds what this one did not.
func TestUpdatedAfterARunThatFailed(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 800, simapi.Config{}, simapi.Payables)
	s.now = s.now.Add(oneDay)
	good := s.rt
	s.rt = refusing{good, func(r *http.Request) bool { return r.URL.Query().Has("updated_since") }}
	rep := of(s.sync(), simapi.Payables)
	require.Equal(t, report.Failed, rep.Status)
	require.Contains(t, rep.Error, "read what changed of payables")
	require.Positive(t, rep.Commits, "new data comes first")
	require.NotZero(t, s.wrong(simapi.Payables))

	s.rt = good
	s.now = s.now.Add(2 * oneDay)
	require.Equal(t, report.Succeeded, s.sync().Status)
	s.requireStream(simapi.Payables)
}

// A source that ignores the filter would send its whole list each time.
func TestUpdatedFilterWithoutEffect(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 800, simapi.Config{}, simapi.Payables)
	s.now = s.now.Add(oneDay)
	s.rt = deafTo{s.rt, "updated_"}
	rep := of(s.sync(), simapi.Payables)
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.Contains(t, strings.Join(rep.Warnings, "\n"), "no effect")
	require.Zero(t, rep.Updated)
}

// A first sync that was interrupted goes on days later. What changed meanwhile of
// the partitions that it had read is found.
func TestUpdatedAfterAFirstSyncThatDied(t *testing.T) {
	t.Parallel()
	s := newScene(t, 40, 4_000, simapi.Config{NoLimits: true})
	s.streams, s.url = []string{simapi.Payables}, "https://api.pagar.me/core/v5"
	s.opts.CommitEvery, s.opts.Chunk = 1, 64<<10
	s.inBubble()
	ctx, cancel := context.WithCancel(t.Context())
	good := s.rt
	var sent atomic.Int64
	s.rt = refusing{good, func(*http.Request) bool {
		if sent.Add(1) == 12 {
			cancel()
		}
		return false
	}}
	s.syncWith(ctx)
	cancel()
	had := s.rows(simapi.Payables)
	require.NotEmpty(t, had, "the first run committed a part")

	s.rt = good
	s.now = s.now.Add(5 * oneDay)
	require.Equal(t, report.Succeeded, s.sync().Status)
	require.Greater(t, len(s.rows(simapi.Payables)), len(had))
	s.requireStream(simapi.Payables)
}

// A table that nobody followed the changes of (its object is gone, or an older
// version made it) begins where it was last read, with a warning.
func TestUpdatedWithoutAPosition(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 800, simapi.Config{}, simapi.Payables)
	require.NoError(t, s.store.Delete(t.Context(), "_paylake/changes/loja/payables.json"))
	s.now = s.now.Add(oneDay)
	rep := of(s.sync(), simapi.Payables)
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.Contains(t, strings.Join(rep.Warnings, "\n"), "nobody has followed the changes")
	s.requireStream(simapi.Payables)
	require.Empty(t, of(s.sync(), simapi.Payables).Warnings)
}

// A clock that ran ahead for a run leaves its position in the future. The next
// run with a right clock does not believe it.
func TestUpdatedAfterAClockThatJumped(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 800, simapi.Config{}, simapi.Payables)
	s.now = s.now.Add(oneDay)
	ahead := s.now.Add(20 * time.Hour)
	s.opts.Now = func() time.Time { return ahead }
	require.Equal(t, report.Succeeded, s.sync().Status)

	s.opts.Now = nil
	s.now = s.now.Add(18 * time.Hour)
	rep := of(s.sync(), simapi.Payables)
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.Contains(t, strings.Join(rep.Warnings, "\n"), "position in the future")
	s.now = s.now.Add(5 * time.Minute)
	s.requireStream(simapi.Payables)
}

// Records from before the start that change after it land in partitions of
// their own, unless they are not wanted.
func TestUpdatedFromBeforeTheStart(t *testing.T) {
	t.Parallel()
	for name, wanted := range map[string]bool{"wanted": true, "not wanted": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, 60, 1_200, simapi.Config{NoLimits: true})
			s.streams, s.url, s.fromStart = []string{simapi.Payables}, "https://api.pagar.me/core/v5", !wanted
			s.start = worldStart.AddDate(0, 0, 40)
			s.inBubble()
			require.Equal(t, report.Succeeded, s.sync().Status)
			s.now = s.now.Add(oneDay)
			require.Equal(t, report.Succeeded, s.sync().Status)
			truth := map[string]row{}
			s.server.Each(simapi.Payables, time.Time{}, time.Time{}, func(r simapi.Record) bool {
				truth[r.Key] = row{status: r.Status, amount: r.Amount}
				return true
			})
			early := 0
			for key, r := range s.rows(simapi.Payables) {
				require.Equal(t, truth[key].status, r.status)
				if r.created.Before(s.start) {
					early++
				}
			}
			require.Equal(t, wanted, early > 0)
			require.Zero(t, of(s.sync(), simapi.Payables).Commits, "quiet")
		})
	}
}

// A changed record that does not fit the table is kept in the quarantine and
// shows in the report.
func TestUpdatedRejects(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 800, simapi.Config{}, simapi.Payables)
	s.now = s.now.Add(oneDay)
	s.config.BadEvery = 7
	s.inBubble()
	rep := of(s.sync(), simapi.Payables)
	require.Equal(t, report.Incomplete, rep.Status, rep.Error)
	s.lookback = time.Nanosecond
	old := of(s.sync(), simapi.Payables)
	require.Positive(t, old.Rejects, "of records older than the lookback")
	require.NotEmpty(t, old.Quarantine)
}
