package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/local"
)

func TestDemo(t *testing.T) {
	lake, truthFile := filepath.Join(t.TempDir(), "lake"), filepath.Join(t.TempDir(), "truth.json")
	demo := func(args ...string) result {
		got := paylake(t, append([]string{"demo", "--lake", lake, "--size", "200", "--days", "3", "--truth-out", truthFile}, args...)...)
		require.Equal(t, exitDone, got.code, got.stderr)
		return got
	}
	first := demo()
	require.Contains(t, first.stdout, "delta_scan('"+lake+"/pagarme/orders')")
	require.Contains(t, first.stdout, `spark.read.format("delta").load("`+lake+`/pagarme/payables")`)
	matchesTruth(t, lake, truthFile)

	second := parseReport(t, demo("--json").stdout)
	for _, s := range second.Streams {
		require.Zero(t, s.Commits, "%s: the second run commits nothing", s.Stream)
	}
	later := parseReport(t, demo("--json", "--days-later", "2").stdout)
	require.Len(t, later.Streams, 5)
	for _, s := range later.Streams {
		require.Equal(t, report.Succeeded, s.Status)
		if s.Stream != "recipients" { // not every day has a new one
			require.Positive(t, s.Commits, s.Stream)
		}
	}
	matchesTruth(t, lake, truthFile)

	again := demo()
	require.Contains(t, again.stderr, "paylake: the lake is from a later clock: moved on 2 days")
	matchesTruth(t, lake, truthFile)
	other := paylake(t, "demo", "--lake", lake, "--size", "200", "--days", "3", "--seed", "2")
	require.Equal(t, exitUsage, other.code)
	require.Contains(t, other.stderr, "holds the account of --seed 1 --days 3 --size 200, but this run has --seed 2")

	files := paylake(t, "files", "orders", "--lake", lake)
	require.Equal(t, exitDone, files.code, files.stderr)
	for line := range strings.Lines(files.stdout) {
		require.FileExists(t, strings.TrimSuffix(line, "\n"))
	}
	require.Equal(t, exitUsage, paylake(t, "files", "orders", "--lake", lake, "--config", "x").code)
}

// matchesTruth compares the live rows of each table, partition by partition,
// with what the simulator says.
func matchesTruth(t *testing.T, lake, truthFile string) {
	t.Helper()
	data, err := os.ReadFile(truthFile)
	require.NoError(t, err)
	var want truth
	require.NoError(t, json.Unmarshal(data, &want))
	require.Len(t, want.Streams, 5)
	st, err := local.New(lake)
	require.NoError(t, err)
	for name, one := range want.Streams {
		snapshot, err := delta.ReadSnapshot(t.Context(), st, one.Path)
		require.NoError(t, err)
		require.Equal(t, one.Rows, snapshot.Rows(), name)
		days := map[string]int64{}
		for f := range snapshot.Files() {
			days[string(f.Partition)] += f.Rows
		}
		for day, d := range one.Days {
			require.Equal(t, d.Rows, days[day], "%s %s", name, day)
		}
		var sum int64
		for _, n := range one.Statuses {
			sum += n
		}
		require.Equal(t, one.Rows, sum, name)
	}
}
