package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/simapi"
)

// What plan and status say is due is what the next sync reads; a lost history
// makes everything due, and one sync pays that off.
func TestPlanAndStatusTellWhatIsToBeRefreshed(t *testing.T) {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	world := simapi.Merchant(7, today.AddDate(0, 0, -40), 40, 800)
	api := simapi.New(world, simapi.Config{NoLimits: true})
	a := configured(t, world, api, api, "[{name: charges, refresh: [{younger_than: 2d, every: run}, {every: 30d}]}]")
	before := paylake(t, "plan", "--config", a.config)
	require.Equal(t, exitDone, before.code, before.stderr)
	require.Regexp(t, `loja +charges +refresh +0 +0 +0.0 +[1-9]\d* `, before.stdout, "what the tiers will cost")
	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)

	debt := func() *owed {
		asked := api.Total().Requests
		r, _ := a.status(t, exitDone)
		require.Equal(t, asked, api.Total().Requests, "status asks nothing of the API")
		return r.of(t, "charges").Refresh
	}
	require.Zero(t, debt().Due)
	for _, folder := range []string{"windows", "refresh"} {
		require.NoError(t, os.RemoveAll(filepath.Join(a.lake, "_paylake", folder)))
	}
	lost := debt()
	require.InDelta(t, 37, lost.Due, 1)
	require.Equal(t, lost.Due, lost.Unknown)
	require.NotZero(t, lost.Requests)
	text := paylake(t, "status", "--config", a.config)
	require.Regexp(t, `loja +charges .* 3\d \(~\d+ requests\) +succeeded`, text.stdout)

	got := paylake(t, "plan", "--config", a.config, "--json")
	require.Equal(t, exitDone, got.code, got.stderr)
	var plans []pipeline.Estimate
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &plans))
	require.Equal(t, lost.Due, plans[0].Refresh.Due)

	done := paylake(t, "sync", "--config", a.config, "--json")
	require.Equal(t, exitDone, done.code, done.stderr)
	refresh := parseReport(t, done.stdout).Streams[0].Refresh
	require.Equal(t, lost.Due, refresh.Due)
	require.Equal(t, lost.Due, refresh.Read)
	require.Zero(t, refresh.Changed)
	require.Zero(t, debt().Due)
}
