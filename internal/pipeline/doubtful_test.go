package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// A day of which the source lists too little is left alone and named; the others
// are refreshed all the same, night after night.
func TestOneDoubtfulDayDoesNotKeepTheOthersWaiting(t *testing.T) {
	t.Parallel()
	bad := worldStart.AddDate(0, 0, 10)
	gone := worldStart.AddDate(0, 0, 101)
	a := newAgingOf(t, simapi.Charges, 8_000, simapi.LateLife(), simapi.Config{NoLimits: true, Deleted: func(_ string, r simapi.Record) time.Time {
		if r.Created.Before(bad) || !r.Created.Before(bad.Add(day)) {
			return time.Time{}
		}
		return gone
	}})
	a.tiers = []extract.Tier{{Every: day}}
	for range 2 {
		a.now = a.now.Add(3 * day)
		rep := a.run()
		require.Equal(t, report.Incomplete, rep.Status, rep.Error)
		require.Len(t, rep.Failures, 1)
		require.Equal(t, bad, rep.Failures[0].Since.UTC())
		require.Contains(t, rep.Failures[0].Error, "--accept-shrink")
		require.Equal(t, 1, rep.Refresh.Left)
		require.Len(t, a.wrong(), 1, "that day alone")
	}
	a.opts.AcceptShrink = true
	a.now = a.now.Add(3 * day)
	require.Empty(t, a.run().Failures)
	require.Empty(t, a.wrong())
}
