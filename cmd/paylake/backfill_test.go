package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// A backfill reads whole partitions again and does not move the watermark; over
// rows that did not change it commits nothing.
func TestBackfill(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, recipients]")
	day := func(n int) string { return a.world.Start().AddDate(0, 0, n).Format(time.DateOnly) }
	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)
	asked := a.api.Total().Requests

	args := []string{"backfill", "--config", a.config, "--since", day(0), "--until", day(2), "--json"}
	dry := paylake(t, append(args, "--dry-run")...)
	require.Equal(t, exitDone, dry.code, dry.stderr)
	var plans []pipeline.Estimate
	require.NoError(t, json.Unmarshal([]byte(dry.stdout), &plans))
	require.Len(t, plans, 1, "recipients are left out")
	require.Equal(t, "backfill", plans[0].Sync)
	require.Equal(t, a.world.Start().AddDate(0, 0, 2), *plans[0].Until)
	require.Contains(t, dry.stderr, "recipients")
	require.LessOrEqual(t, a.api.Total().Requests, asked+4, "a dry run asks little")

	for range 2 { // it ended: again begins again
		got := paylake(t, args...)
		require.Equal(t, exitDone, got.code, got.stderr)
		run := parseReport(t, got.stdout)
		require.Equal(t, "backfill", run.Command)
		require.Len(t, run.Streams, 1)
		orders := run.Streams[0]
		require.Equal(t, a.api.Truth("orders", a.world.Start(), a.world.Start().AddDate(0, 0, 2)).Rows, orders.Records)
		require.Zero(t, orders.Commits, "quiet")
		require.True(t, orders.Watermark.After(a.world.End().Add(-24*time.Hour)))
	}
	quiet := paylake(t, append(args, "--dry-run", "-q")...)
	require.Equal(t, exitDone, quiet.code)
	require.Empty(t, quiet.stderr, "nobody named recipients")
	inside := paylake(t, "backfill", "--config", a.config, "--since", day(0)+"T10:00:00Z", "--until", day(1))
	require.Equal(t, exitDone, inside.code, inside.stderr)
	require.Contains(t, inside.stderr, "paylake: not read by time, so left out: recipients\n")
	require.NotContains(t, inside.stderr, "warning")
	require.Contains(t, inside.stderr, "partitions are replaced as a whole: ["+day(0)+"T00:00:00Z, ")
}

// A backfill may make the table. The next sync starts where any first sync does.
func TestBackfillOfANewTable(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders]")
	from := a.world.Start().AddDate(0, 0, 1)
	got := paylake(t, "backfill", "--config", a.config, "--since", from.Format(time.DateOnly), "--until", "2199-01-01", "--json")
	require.Equal(t, exitDone, got.code, got.stderr)
	orders := parseReport(t, got.stdout).Streams[0]
	require.Nil(t, orders.Watermark)
	require.Equal(t, a.api.Truth("orders", from, time.Time{}).Rows, orders.RowsAdded)

	next := paylake(t, "sync", "--config", a.config, "--json")
	require.Equal(t, exitDone, next.code, next.stderr)
	require.Equal(t, a.api.Truth("orders", time.Time{}, time.Time{}).Rows, parseReport(t, next.stdout).Streams[0].Records)
}

func TestBackfillRefusesWrongArguments(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	for want, args := range map[string][]string{
		"needs --until":          {"--since=2026-01-01"},
		"needs --since":          {"--until=2026-01-01"},
		"is not before":          {"--since=2026-01-02", "--until=2026-01-02"},
		"not a date":             {"--since=yesterday", "--until=2026-01-02"},
		"lies in the future":     {"--since=2190-01-01", "--until=2191-01-01"},
		"nothing was created":    {"--since=1960-01-01", "--until=1961-01-01"},
		"recipients is not read": {"--since=2026-01-01", "--until=2026-01-02", "--streams=recipients"},
		"use skip, wait or go":   {"--since=2026-01-01", "--until=2026-01-02", "--if-running=stop"},
	} {
		got := paylake(t, append([]string{"backfill", "--config", a.config}, args...)...)
		require.Equal(t, exitUsage, got.code, want)
		require.Contains(t, got.stderr, want)
	}
	require.Zero(t, a.api.Total().Requests)
}

// While another run holds the lease of the connection a sync may be skipped; by
// default it runs all the same.
func TestIfRunning(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders]")
	dir := filepath.Join(a.lake, "_paylake", "lease", "loja")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "000000000003.json"), []byte(`{"run_id":"run-7","since":"2026-11-21T10:00:00Z"}`), 0o600))

	skipped := paylake(t, "sync", "--config", a.config, "--if-running=skip")
	require.Equal(t, exitDone, skipped.code, skipped.stderr)
	require.Contains(t, skipped.stderr, "run run-7, which began at 2026-11-21T10:00:00Z, is still running")
	require.Zero(t, a.api.Total().Requests)

	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)
	require.NotZero(t, a.api.Total().Requests)

	require.NoError(t, os.Truncate(filepath.Join(dir, "000000000003.json"), 0)) // released
	got := paylake(t, "sync", "--config", a.config, "--if-running=skip", "--json")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Equal(t, report.Succeeded, parseReport(t, got.stdout).Status)
	info, err := os.Stat(filepath.Join(dir, "000000000004.json"))
	require.NoError(t, err)
	require.Zero(t, info.Size(), "released at the end")
}
