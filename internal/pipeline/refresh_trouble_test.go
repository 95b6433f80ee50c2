package pipeline_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// meanwhile ends a run at the n-th request, of those that count: the request
// waits until that has come about.
type meanwhile struct {
	next http.RoundTripper
	of   func(*http.Request) bool // nil = all
	seen *atomic.Int64
	at   int64
	do   func()
}

func (m meanwhile) RoundTrip(r *http.Request) (*http.Response, error) {
	if (m.of == nil || m.of(r)) && m.seen.Add(1) == m.at {
		m.do()
		<-r.Context().Done()
	}
	return m.next.RoundTrip(r)
}

// onceAsked does something before the first request with a text in its query.
type onceAsked struct {
	next http.RoundTripper
	once *sync.Once
	text string
	do   func()
}

func (o onceAsked) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.RawQuery, o.text) {
		o.once.Do(o.do)
	}
	return o.next.RoundTrip(r)
}

// Runs that are killed in the middle, and never come into the history, get ahead
// all the same: what they committed is not due any more.
func TestKilledRunsGoOnWithWhatIsStillDue(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	a.tiers = []extract.Tier{{Every: 5 * day}}
	a.now = a.now.Add(6 * day)
	a.opts.Chunk = 10 << 10 // small ranges
	a.opts.CommitEvery, a.forget = time.Nanosecond, true
	rt, due := a.rt, 1000
	for range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		a.rt = meanwhile{rt, nil, new(atomic.Int64), 22, cancel}
		rep := a.runWith(ctx)
		require.Error(t, ctx.Err(), "it was killed")
		require.Less(t, rep.Refresh.Due, due, "the run before left less")
		due = rep.Refresh.Due
		cancel()
	}
	a.rt = rt
	last := a.run()
	require.Less(t, last.Refresh.Due, due)
	require.Zero(t, last.Refresh.Left)
	require.Zero(t, a.run().Refresh.Due, "nor is it when the history knows nothing")
	require.Empty(t, a.wrong())
}

// Without the history everything counts as unread. It is read again within the
// budget, and that is all that the loss costs.
func TestALostHistoryCostsRequestsOnly(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	a.now = a.now.Add(day)
	require.Zero(t, a.run().Refresh.Due)
	for _, prefix := range []string{"_paylake/windows/", "_paylake/refresh/"} {
		for o, err := range a.store.List(t.Context(), prefix, "") {
			require.NoError(t, err)
			require.NoError(t, a.store.Delete(t.Context(), o.Key))
		}
	}
	a.opts.RefreshRequests = 6
	rep := a.run()
	due := rep.Refresh.Due
	require.GreaterOrEqual(t, due, 90, "everything behind the lookback")
	require.NotZero(t, rep.Refresh.Left)
	require.LessOrEqual(t, rep.Refresh.Requests, int64(6))
	next := a.run()
	require.Equal(t, due-rep.Refresh.Read, next.Refresh.Due)
	require.Zero(t, next.Commits, "what did not change commits nothing")
}

// The budget of time is kept, whatever is due; new data comes first.
func TestRefreshKeepsToItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAgingOf(t, simapi.Charges, 12_000, simapi.Late{}, simapi.Config{Faults: simapi.Faults{Latency: 50 * time.Millisecond}})
		a.limits, a.share = nil, 0.8
		a.tiers = []extract.Tier{{Every: day}}
		a.opts.RefreshRequests, a.opts.RefreshFor = 0, 10*time.Second
		due := 1000
		for range 3 {
			a.now = a.now.Add(day)
			began := time.Now()
			rep := a.run()
			require.Less(t, rep.Refresh.Read, rep.Refresh.Due, "it does not fit")
			require.NotZero(t, rep.Refresh.Read)
			require.LessOrEqual(t, rep.Refresh.Requests, int64(28), "ten seconds at 160 a minute")
			require.Less(t, time.Since(began), 45*time.Second, "with the new data")
			require.Equal(t, a.now.Add(-5*time.Minute), *rep.Until, "new data is read whatever is due")
			require.LessOrEqual(t, rep.Refresh.Left, due)
			due = rep.Refresh.Due
			<-time.After(time.Hour)
		}
	})
}

// A refresh that is stopped commits what it has, and says so in the history.
func TestAStoppedRefreshCommitsWhatItHas(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	a.tiers = []extract.Tier{{Every: 5 * day}}
	a.now = a.now.Add(6 * day)
	a.opts.Chunk = 10 << 10 // small ranges
	stop := make(chan struct{})
	a.opts.Stop = stop
	rt := a.rt
	old := func(r *http.Request) bool { // pages of what is refreshed, range by range
		q := r.URL.Query()
		return q.Get("size") != "1" && q.Get("created_since") < a.now.Add(-30*day).Format(time.RFC3339)
	}
	a.rt = meanwhile{rt, old, new(atomic.Int64), 12, func() { close(stop) }}
	rep := a.run()
	require.Equal(t, report.Interrupted, rep.Status)
	require.Empty(t, rep.Error)
	t.Logf("R %+v", *rep.Refresh)
	t.Logf("R %+v", *rep.Refresh)
	t.Logf("R %+v", *rep.Refresh)
	require.NotZero(t, rep.Refresh.Read)
	require.NotZero(t, rep.Refresh.Left)
	a.rt, a.opts.Stop = rt, nil
	require.Equal(t, rep.Refresh.Left, a.run().Refresh.Due)
	require.Empty(t, a.wrong())
}

// A rival that commits to the same old partitions meanwhile is met: they are
// read again.
func TestARefreshMeetsARival(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Payables, simapi.Late{})
	a.tiers = []extract.Tier{{}}
	a.now = a.now.Add(30 * day)
	rt := a.rt
	rival, other := *a, *a.scene
	rival.scene = &other
	first := a.start.Add(-time.Second).Format(time.RFC3339) // the oldest window is read
	a.rt = onceAsked{rt, new(sync.Once), "created_since=" + url.QueryEscape(first), func() {
		require.NotZero(t, rival.run().Refresh.Changed)
	}}
	rep := a.run()
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.True(t, warned(rep, "another run committed"), "%v", rep.Warnings)
	require.Empty(t, a.wrong())
}

// Records that cannot be decoded are kept in the quarantine by a refresh, too,
// and make the run incomplete; a partition with such records is not asked about,
// since the source counts them.
func TestARefreshKeepsRejects(t *testing.T) {
	t.Parallel()
	a := newAgingOf(t, simapi.Charges, 4_000, simapi.Late{}, simapi.Config{NoLimits: true, Shape: simapi.Shape{BadEvery: 9}})
	a.tiers = []extract.Tier{{Every: 1000 * day}}
	quiet := a.run()
	require.Zero(t, quiet.Refresh.Read, "%+v", quiet.Refresh)
	require.False(t, warned(quiet, "otherwise than it lists"), "%v", quiet.Warnings)
	a.tiers = []extract.Tier{{}}
	rep := a.run()
	require.Equal(t, report.Incomplete, rep.Status)
	require.Greater(t, rep.Rejects, quiet.Rejects)
	require.NotZero(t, rep.Refresh.Read)
	require.Zero(t, rep.Refresh.Changed)
	require.Zero(t, rep.Commits)
	require.GreaterOrEqual(t, int64(a.quarantined(rep)), rep.Rejects)
}
