package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/ledger"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/simapi"
)

// plan plans the next run.
func (a *aging) plan() pipeline.Estimate {
	a.t.Helper()
	streams := a.wire()
	for i := range streams {
		streams[i].Refresh, streams[i].Feed = a.tiers, nil
	}
	opts := a.opts
	opts.Store, opts.Now = a.store, func() time.Time { return a.now }
	opts.Reads = func(ctx context.Context) (pipeline.Reads, error) {
		reads, err := ledger.Reads(ctx, a.store, a.now)
		return reads, err
	}
	plans, err := pipeline.Plan(a.t.Context(), streams, opts)
	require.NoError(a.t, err)
	require.Len(a.t, plans, 1)
	require.Empty(a.t, plans[0].Error)
	return plans[0]
}

func passOf(e pipeline.Estimate, name string) pipeline.Pass {
	for _, p := range e.Passes {
		if p.Pass == name {
			return p
		}
	}
	return pipeline.Pass{}
}

// A plan tells beforehand what the run then does, and asks next to nothing.
func TestPlanTellsWhatIsDue(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	a.tiers = []extract.Tier{{Every: 5 * day}}
	nothing := a.plan()
	require.Zero(t, passOf(nothing, pipeline.PassRefresh).Partitions)
	require.Zero(t, nothing.Refresh.Due)

	a.now = a.now.Add(6 * day)
	asked := a.server.Total().Requests
	plan := a.plan()
	require.LessOrEqual(t, a.server.Total().Requests-asked, 2)
	pass := passOf(plan, pipeline.PassRefresh)
	require.Equal(t, plan.Refresh.Due, pass.Partitions)
	require.Zero(t, plan.Refresh.Unknown)
	require.Equal(t, a.start.AddDate(0, 0, 105), *plan.Refresh.OldestDue)
	require.Empty(t, plan.Warnings)
	f := a.run().Refresh
	require.InDelta(t, plan.Refresh.Due, f.Due, 7, "the days that the lookback reads once more are not due then")
	require.InDelta(t, pass.Requests, f.Requests, 8, "it does not count questions")
	require.InDelta(t, float64(plan.Refresh.All)/5, plan.Refresh.PerDay, 1, "everything every five days")

	a.now = a.now.Add(6 * day)
	a.opts.RefreshRequests = 2
	small := a.plan()
	require.Equal(t, int64(2), passOf(small, pipeline.PassRefresh).Requests)
	require.Len(t, small.Warnings, 1)
	require.Contains(t, small.Warnings[0], "refresh_budget allows 2 in a run")
}

// Before the first sync a plan foresees what the tiers will cost, from the
// number of records that the source reports.
func TestPlanForeseesWhatTheTiersCost(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	known := a.plan().Refresh
	a.store = newScene(t, 1, 10, simapi.Config{}).store
	foreseen := a.plan().Refresh
	require.Zero(t, foreseen.Due)
	require.InDelta(t, known.Partitions, foreseen.Partitions, 1)
	require.InEpsilon(t, known.PerDay, foreseen.PerDay, 0.25)
	require.NotZero(t, foreseen.PerDay)
}

// Without a history everything is due, and nobody knows since when.
func TestDebtWithoutAHistory(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	s := a.wire()[0]
	s.Refresh = a.tiers
	snapshot, err := s.Lake.Load(t.Context())
	require.NoError(t, err)
	debt := pipeline.DebtOf(s, snapshot, nil, a.now, 30)
	require.NotZero(t, debt.Due)
	require.Equal(t, debt.Due, debt.Unknown)
	require.Equal(t, debt.Partitions, debt.Due)
	require.Nil(t, debt.OldestDue)
	require.InDelta(t, debt.All, debt.Requests, 3)
	s.Refresh = nil
	require.Zero(t, pipeline.DebtOf(s, snapshot, nil, a.now, 30))
}
