package pipeline_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
)

var (
	lists    = []string{simapi.Orders, simapi.Charges, simapi.Payables, simapi.BalanceOperations, simapi.Recipients}
	windowed = lists[:4]
)

// Complete: whatever the server does to its lists, the lake holds the truth, or
// the stream fails by name and its watermark does not move over the gap.
func TestPromiseComplete(t *testing.T) {
	t.Parallel()
	cases := map[string]simapi.Config{
		"documented":           {},
		"exclusive ends":       {Filters: simapi.Filters{ExclusiveSince: true, ExclusiveUntil: true}},
		"whole days":           {Filters: simapi.Filters{WholeDays: time.UTC}},
		"whole days exclusive": {Filters: simapi.Filters{WholeDays: time.FixedZone("BRT", -3*3600), ExclusiveUntil: true}},
		"no filter":            {Filters: simapi.Filters{IgnoreFilters: true}},
		"clamped pages":        {Paging: simapi.Paging{MaxSize: map[string]int{"orders": 7, "charges": 11, "payables": 90, "recipients": 4, "balance_operations": 130}}},
		"no totals":            {Paging: simapi.Paging{TotalMissing: true, NextMissing: true}},
		"rows on two pages":    {Paging: simapi.Paging{DuplicateRows: true}},
		"oldest first by page": {Paging: simapi.Paging{OldestFirst: true, PayablesByPage: true}},
		"late rows appear":     {BackdateAfter: 3},
		"a page repeated once": {Paging: simapi.Paging{RepeatPageOnce: 9}},
		"next for ever":        {Paging: simapi.Paging{NextForever: true, NextBase: "https://elsewhere.example"}},
	}
	for name, config := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config.NoLimits = true
			s := newScene(t, 7, 2_400, config)
			rep := s.sync()
			if config.BackdateAfter > 0 {
				s.lookback = 60 * 24 * time.Hour
				rep = s.sync() // finds what appeared after its window had been read
			}
			for _, sr := range rep.Streams {
				require.Empty(t, sr.Error)
				require.Empty(t, sr.Failures)
			}
			require.Equal(t, report.Succeeded, rep.Status)
			s.requireTruth(rep)
		})
	}
}

func TestPromiseCompleteFailsByName(t *testing.T) {
	t.Parallel()
	cases := map[string]simapi.Config{
		"total is wrong":   {Paging: simapi.Paging{TotalOffset: 3}},
		"total is too low": {Paging: simapi.Paging{TotalOffset: -3}},
	}
	for name, config := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config.NoLimits = true
			s := newScene(t, 4, 600, config)
			s.streams = []string{simapi.Orders, simapi.Payables}
			rep := s.sync()
			require.Equal(t, report.Incomplete, rep.Status)
			require.NotEmpty(t, of(rep, simapi.Orders).Failures, "the window is named")
			require.Empty(t, s.rows(simapi.Orders), "nothing unproven is in the lake")
			require.Equal(t, report.Succeeded, of(rep, simapi.Payables).Status, "another stream goes on")
			s.requireStream(simapi.Payables)
		})
	}
}

// Exactly once: overlapping and repeated runs, and a run that was cancelled at
// any point, leave each record once and at its newest version.
func TestPromiseExactlyOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, 7, 2_400, simapi.Config{NoLimits: true})
	for n := 3; n < 60; n += 14 {
		ctx, cancel := context.WithCancel(t.Context())
		var seen atomic.Int64
		s.rt = cancelAfter(ctx, cancel, &seen, int64(n))
		s.opts.Stop = nil
		s.syncWith(ctx)
		cancel()
	}
	s.rt = nil
	s.requireTruth(s.sync())
	s.lookback = 60 * 24 * time.Hour      // everything may have changed
	s.now = s.now.Add(5 * 24 * time.Hour) // records change, new ones arrive
	s.requireTruth(s.sync())
	s.full = true
	s.requireTruth(s.sync())
}

// Atomic: a run that stops in the middle leaves whole partitions or nothing.
func TestPromiseAtomic(t *testing.T) {
	t.Parallel()
	s := newScene(t, 12, 40_000, simapi.Config{NoLimits: true})
	s.streams = []string{simapi.Orders}
	stop := make(chan struct{})
	s.opts.Stop = stop
	var seen atomic.Int64
	s.rt = closeAfter(stop, &seen, 150)
	rep := s.sync()
	require.Equal(t, report.Interrupted, rep.Status)
	byDay := map[string]int64{}
	for _, r := range s.rows(simapi.Orders) {
		byDay[r.created.Format(time.DateOnly)]++
	}
	for _, d := range s.server.Days(simapi.Orders, time.UTC) {
		if n := byDay[d.Day]; n != 0 {
			require.Equal(t, d.Rows, n, "day %s is there in part", d.Day)
		}
	}
	s.opts.Stop, s.rt = nil, nil
	s.requireTruth(s.sync())
}

// Nothing dropped: unknown fields are in _extra, records that cannot be decoded
// are in the quarantine, and the run is not a success.
func TestPromiseNothingDropped(t *testing.T) {
	t.Parallel()
	s := newScene(t, 8, 3_000, simapi.Config{NoLimits: true, Shape: simapi.Shape{UnknownFields: true, UnknownEnums: true, BadEvery: 50}})
	s.streams = windowed
	rep := s.sync()
	require.Equal(t, report.Incomplete, rep.Status)
	s.requireTruth(rep)
	for _, name := range windowed {
		truth := s.server.Truth(name, s.start, s.now.Add(-5*time.Minute))
		sr := of(rep, name)
		require.NotZero(t, truth.Bad)
		require.GreaterOrEqual(t, sr.Rejects, truth.Bad, name)
		require.NotEmpty(t, sr.UnknownFields, name)
		require.Equal(t, int(sr.Rejects), s.quarantined(sr), "every reject is durable")
	}
	for _, r := range s.rows(simapi.Charges) {
		require.True(t, json.Valid([]byte(r.extra)), "unknown fields are kept: %q", r.extra)
	}
	again := s.sync()
	require.Equal(t, of(rep, simapi.Orders).Quarantine, of(again, simapi.Orders).Quarantine, "the same rejects are kept once")
}

// quarantined counts the records in the objects that a report names.
func (s *scene) quarantined(sr *report.Stream) int {
	n := 0
	for _, key := range sr.Quarantine {
		data, err := store.ReadAll(s.t.Context(), s.store, key)
		require.NoError(s.t, err)
		for line := range strings.Lines(string(data)) {
			var e struct{ Stream, Reason, Pointer string }
			require.NoError(s.t, json.Unmarshal([]byte(line), &e))
			require.NotEmpty(s.t, e.Reason)
			n++
		}
	}
	return n
}

// Never shrinks silently: an empty answer, a lost permission, an endpoint that
// is gone, another account and a horizon leave the rows that are there.
func TestPromiseNeverShrinksSilently(t *testing.T) {
	t.Parallel()
	s := newScene(t, 7, 2_400, simapi.Config{NoLimits: true})
	s.requireTruth(s.sync())
	before := map[string]int{}
	for _, name := range lists {
		before[name] = len(s.rows(name))
	}
	unchanged := func() {
		for _, name := range lists {
			require.Len(t, s.rows(name), before[name], name)
		}
	}
	s.serve(simapi.Config{NoLimits: true, Empty: true})
	rep := s.sync()
	require.NotEqual(t, report.Succeeded, rep.Status)
	for _, name := range lists {
		require.Contains(t, of(rep, name).Error, "--accept-shrink", name)
	}
	unchanged()

	s.serve(simapi.Config{NoLimits: true, BalanceGone: true, Status: map[string]int{"orders": 403}})
	rep = s.sync()
	require.Equal(t, report.Failed, of(rep, simapi.Orders).Status, "a permission was lost")
	require.Equal(t, report.Unavailable, of(rep, simapi.BalanceOperations).Status)
	require.Contains(t, of(rep, simapi.BalanceOperations).Warnings[0], "2026-08-28")
	unchanged()

	other := s.world
	s.world = simapi.Merchant(8, worldStart, 12, 4_000)
	s.world.Now = other.Now
	s.serve(simapi.Config{NoLimits: true})
	rep = s.sync()
	for _, name := range windowed {
		require.Equal(t, report.Failed, of(rep, name).Status, name)
	}
	unchanged()
}

func TestPromiseNeverShrinksSilentlyBehindTheHorizon(t *testing.T) {
	t.Parallel()
	s := newScene(t, 40, 2_000, simapi.Config{NoLimits: true, HorizonMonths: -1})
	s.streams = []string{simapi.Payables}
	s.requireTruth(s.sync())
	before := s.rows(simapi.Payables)
	s.now = s.now.AddDate(2, 0, -18) // most of the table lies behind the horizon now
	s.serve(simapi.Config{NoLimits: true, HorizonMonths: 24})
	s.full = true
	rep := s.sync()
	require.Empty(t, of(rep, simapi.Payables).Error)
	after := s.rows(simapi.Payables)
	for key := range before {
		require.Contains(t, after, key)
	}
}

// Secret: the key and the fields that are never stored are nowhere on disk, in
// no report and in no log, whatever goes wrong.
func TestPromiseSecret(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]simapi.Config{
		"fine":     {Shape: simapi.Shape{BadEvery: 20, UnknownFields: true}},
		"refused":  {Status: map[string]int{"*": 401}},
		"invalid":  {Status: map[string]int{"*": 422}},
		"redirect": {Faults: simapi.Faults{RedirectEvery: 1, RedirectTo: "http://127.0.0.2:1/core/v5/orders"}},
	} {
		t.Run(name, func(t *testing.T) {
			config.NoLimits = true
			s := newScene(t, 4, 1_500, config)
			s.onLocalDisk()
			s.exclude = []string{"customer.document", "charges.customer.document"}
			var log bytes.Buffer
			s.opts.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			rep := s.sync()
			text, err := json.Marshal(rep)
			require.NoError(t, err)
			for _, secret := range []string{testKey, s.world.Canary()} {
				require.NotContains(t, string(text), secret)
				require.NotContains(t, log.String(), secret)
				require.Empty(t, s.onDisk(secret))
			}
		})
	}
}

// Quiet: reading again what has not changed commits nothing to a data table.
func TestPromiseQuiet(t *testing.T) {
	t.Parallel()
	s := newScene(t, 7, 2_400, simapi.Config{NoLimits: true})
	first := s.sync()
	second := s.sync()
	for _, sr := range second.Streams {
		require.Zero(t, sr.Commits, sr.Stream)
		require.Equal(t, of(first, sr.Stream).TableVersion, sr.TableVersion, sr.Stream)
	}
	require.Equal(t, report.Succeeded, second.Status)
}

// A table belongs to one connection, key mode and zone: a run with others is
// refused before it asks the API anything.
func TestTableOfOtherSettingsIsRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4, 1_000, simapi.Config{NoLimits: true})
	s.sync()
	asked := s.server.Total().Requests
	s.key = "sk_test_0123456789abcdef"
	_, err := s.try()
	var settings *sink.SettingsError
	require.ErrorAs(t, err, &settings)
	require.Contains(t, err.Error(), "paylake.mode")
	require.Equal(t, asked, s.server.Total().Requests)
}
