package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// A stream that is due does a full sync in its run by itself, once, and finds
// what no lookback reaches.
func TestAFullSyncIsDueByItself(t *testing.T) {
	t.Parallel()
	s := purged(t, simapi.Orders)
	s.lookback, s.fullEvery = 2*day, 30*day
	require.Equal(t, "incremental", of(s.sync(), simapi.Orders).Sync)
	s.now = s.now.Add(20 * day)
	rep := s.sync()
	require.Equal(t, "incremental", of(rep, simapi.Orders).Sync, "counted from when the table was made")
	live, _ := s.halves(simapi.Orders)
	require.NotEqual(t, s.truth(simapi.Orders), live, "no window of the first days was read")

	s.now = s.now.Add(10 * day)
	rep = s.sync()
	require.Equal(t, report.Succeeded, rep.Status, of(rep, simapi.Orders).Error)
	require.Equal(t, "full", of(rep, simapi.Orders).Sync)
	require.NotZero(t, of(rep, simapi.Orders).Removed)
	s.requireTruth(rep)
	for range 2 { // the mark stands in the table: not every night
		s.now = s.now.Add(day)
		rep = s.sync()
		require.Equal(t, "incremental", of(rep, simapi.Orders).Sync)
	}
}

// A full sync that finds nothing to commit leaves the table alone and is not
// repeated every night.
func TestAFullSyncThatFindsNothingIsDueAgainLater(t *testing.T) {
	t.Parallel()
	s := newScene(t, 6, 300, simapi.Config{NoLimits: true})
	s.url = "https://api.pagar.me/core/v5"
	s.inBubble()
	s.streams, s.deaf = []string{simapi.Orders}, true
	s.lookback = 2 * day
	s.sync()
	s.fullEvery = 2 * time.Second // so soon that nothing changes
	kinds := func(after time.Duration) string {
		s.now = s.now.Add(after)
		rep := of(s.sync(), simapi.Orders)
		require.Zero(t, rep.Commits)
		return rep.Sync
	}
	require.Equal(t, "incremental", kinds(time.Second))
	require.Equal(t, "full", kinds(time.Second))
	require.Len(t, s.keysBelow("_paylake/full/"), 1)
	require.Equal(t, "incremental", kinds(time.Second))
	require.Equal(t, "full", kinds(time.Second), "due again")
	require.Equal(t, "incremental", kinds(-time.Second), "a clock that is a little behind")

	table, err := s.lake(s.endpoint(simapi.Orders)).Load(t.Context())
	require.NoError(t, err)
	stream := s.wire()[0]
	last, err := stream.LastFull(t.Context(), s.store, table, s.now)
	require.NoError(t, err)
	require.WithinDuration(t, s.now, last, time.Second)
	last, err = stream.LastFull(t.Context(), s.store, table, s.now.Add(-30*time.Hour))
	require.NoError(t, err)
	require.Zero(t, last, "what lies in the future was written by a clock that was wrong")
}

// What is new does not wait for a full sync that is due: it may take days, and
// goes on in the next run. Until then it changes nothing.
func TestNewRecordsDoNotWaitForAFullSync(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.deaf = true
	s.world = simapi.Merchant(7, worldStart, 40, 500)
	s.now, s.fullEvery, s.lookback = worldStart.AddDate(0, 0, 8), 30*day, day
	s.world.Now = func() time.Time { return s.now }
	s.inBubble()
	s.sync()
	newest := func() string {
		snapshot, err := s.lake(s.endpoint(crashStream)).Load(t.Context())
		require.NoError(t, err)
		v, _ := snapshot.Newest()
		return string(v)
	}
	before := newest()
	s.now = s.now.Add(30 * day)
	stop := make(chan struct{})
	rep := s.with(func(o *scene) {
		o.opts.Stop, o.opts.Workers = stop, 1
		o.store = &afterRecord{Store: s.store, left: 2, do: func() { close(stop) }}
	}).sync()
	require.Equal(t, report.Interrupted, rep.Status)
	require.Equal(t, "full", of(rep, crashStream).Sync)
	require.NotZero(t, of(rep, crashStream).Commits)
	require.True(t, s.recorded().After(s.start), "the full sync had begun")
	require.Greater(t, newest(), before, "what is new is there")
	require.WithinDuration(t, s.now, *of(rep, crashStream).Watermark, 10*time.Minute)

	rep = s.sync()
	require.Equal(t, report.Succeeded, rep.Status, of(rep, crashStream).Error)
	require.Equal(t, "full", of(rep, crashStream).Sync)
	require.True(t, warned(of(rep, crashStream), "did not end"))
	s.requireTruth(rep)
	require.Equal(t, []string{"_paylake/full/loja/payables/last.json"}, s.keysBelow("_paylake/full/"), "no record is left")
	require.Equal(t, "incremental", of(s.sync(), crashStream).Sync)
}

// What a full sync cannot read stays, and the report says how much that is.
func TestAFullSyncTellsWhatItKeeps(t *testing.T) {
	t.Parallel()
	s := newScene(t, 6, 60, simapi.Config{NoLimits: true})
	s.url = "https://api.pagar.me/core/v5"
	s.inBubble()
	s.streams = []string{simapi.Payables}
	s.sync()
	live, _ := s.halves(simapi.Payables)

	// Partitions before the start came because their records changed.
	s.full, s.start = true, worldStart.AddDate(0, 0, 2)
	kept := of(s.sync(), simapi.Payables).Kept
	require.NotNil(t, kept)
	old := 0
	for _, r := range s.rows(simapi.Payables) {
		if r.created.Before(s.start) {
			old++
		}
	}
	require.NotZero(t, old)
	require.EqualValues(t, old, kept.Rows)
	require.NotZero(t, kept.Partitions)
	require.True(t, kept.Before.Equal(s.start))
	after, _ := s.halves(simapi.Payables)
	require.Equal(t, live, after)

	// All of them lie behind the horizon some day.
	s.start, s.now = worldStart, s.now.AddDate(2, 1, 0)
	rep := s.sync()
	require.Equal(t, report.Succeeded, rep.Status, of(rep, simapi.Payables).Error)
	require.True(t, warned(of(rep, simapi.Payables), "stay as they are"))
	require.EqualValues(t, len(live), of(rep, simapi.Payables).Kept.Rows)
	after, _ = s.halves(simapi.Payables)
	for key := range live {
		require.True(t, after[key])
	}
}
