package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// synced runs sync and gives its report.
func synced(t *testing.T, a account, args ...string) *report.Run {
	t.Helper()
	got := paylake(t, append([]string{"sync", "--config", a.config, "--json"}, args...)...)
	require.Equal(t, exitDone, got.code, got.stderr)
	var run report.Run
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &run))
	return &run
}

// Streams may be named behind the command, with flags before or after them.
func TestSyncOfNamedStreams(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	run := synced(t, a, "orders", "--full", "charges")
	require.Len(t, run.Streams, 2)
	for _, s := range run.Streams {
		require.Contains(t, []string{"orders", "charges"}, s.Stream)
		require.Equal(t, "full", s.Sync)
	}
	require.Len(t, synced(t, a, "--streams", "orders", "recipients").Streams, 2)
	got := paylake(t, "sync", "--config", a.config, "ordres")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, `did you mean "orders"?`)
}

// The settings reach the run: the table has the column of deleted records, and a
// full sync comes by itself.
func TestSettingsOfDeletesAndFullSyncs(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders]")
	text, err := os.ReadFile(a.config)
	require.NoError(t, err)
	with := strings.Replace(string(text), "    streams:", "    deletes: keep\n    full_every: 1s\n    streams:", 1)
	require.NoError(t, os.WriteFile(a.config, []byte(with), 0o600))
	require.Equal(t, "incremental", synced(t, a).Streams[0].Sync)
	ddl := paylake(t, "schema", "orders", "--config", a.config)
	require.Equal(t, exitDone, ddl.code, ddl.stderr)
	require.Contains(t, ddl.stdout, "_deleted_at")

	eventually := func() string { // a second has passed since the table was made
		for range 200 {
			if sync := synced(t, a).Streams[0].Sync; sync != "incremental" {
				return sync
			}
		}
		return "incremental"
	}
	require.Equal(t, "full", eventually())
}
