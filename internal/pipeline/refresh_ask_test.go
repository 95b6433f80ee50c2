package pipeline_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// behind leaves out partitions that the lookback reads at every run.
func (a *aging) wrongBehindTheLookback() int {
	n := 0
	spec := a.spec(a.endpoint(a.stream))
	for v, rows := range a.wrong() {
		if v < spec.Of(a.now.Add(-a.lookback-day)) {
			n += rows
		}
	}
	return n
}

// Counts by status tell of every change of a status, whatever its age, long
// before its tier is due; and where nothing changed they cost a handful of
// requests.
func TestCountsByStatusFindWhatIsNotDue(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{Refunds: 30})
	a.tiers = []extract.Tier{{Every: 1000 * day}}
	changed := 0
	for range 5 {
		a.now = a.now.Add(4 * day)
		f := a.run().Refresh
		require.Zero(t, f.Due)
		require.Zero(t, f.Left)
		require.Zero(t, a.wrongBehindTheLookback())
		changed += f.Changed
	}
	again := a.run().Refresh
	require.Zero(t, again.Read)
	require.LessOrEqual(t, again.Asked, 8, "the total, and each status")
	require.NotZero(t, changed, "nothing changed behind the lookback: the test proves nothing")
}

// The total of a list cannot see that an order's status changed. The tier
// reads in full, whatever the total says, and finds it.
func TestATierFindsWhatACountCannotSee(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Orders, simapi.Late{Reopenings: 100})
	a.month = true
	a.store = newScene(t, 1, 10, simapi.Config{}).store
	a.run()
	a.tiers = []extract.Tier{{Every: 30 * day}}
	a.now = a.now.Add(20 * day)
	rep := a.run()
	require.NotZero(t, rep.Refresh.Asked)
	require.Zero(t, rep.Refresh.Read, "the totals are what they were")
	require.NotZero(t, a.wrong(), "the test proves nothing")
	a.now = a.now.Add(30*day - time.Hour)
	require.NotZero(t, a.run().Refresh.Changed)
	require.Empty(t, a.wrong())
}

// Records that appear late in old windows, and those that are removed, change
// the total of a range: the windows are found by halving, and only they are read.
func TestTotalsFindWhatAppearsAndVanishes(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{Backdated: 60, TestData: 60})
	a.tiers = []extract.Tier{{Every: 1000 * day}}
	read := 0
	for range 4 {
		a.now = a.now.Add(day)
		f := a.run().Refresh
		require.Zero(t, a.wrongBehindTheLookback())
		require.Equal(t, f.Read, f.Changed, "nothing is read in vain")
		read += f.Read
	}
	require.NotZero(t, read)
	require.Less(t, read, 60)
}

// lying answers every count by status with another number.
type lying struct{ next http.RoundTripper }

func (l lying) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.URL.Path, "/charges/summary") {
		return l.next.RoundTrip(req)
	}
	body := fmt.Sprintf(`{"total": %d}`, 1000+len(req.URL.RawQuery))
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// A count that differs though the lake is right is not believed: a partition is
// read to find that out, and a warning says so. Nothing is committed.
func TestACountThatLiesIsNotBelieved(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	a.tiers = []extract.Tier{{Every: 1000 * day}}
	a.rt = lying{a.rt}
	rep := a.run()
	require.Equal(t, report.Succeeded, rep.Status)
	require.Zero(t, rep.Commits)
	require.True(t, warned(rep, "otherwise than it lists them"), "%v", rep.Warnings)
	require.LessOrEqual(t, rep.Refresh.Read, 6, "one partition a status")
}

// A source without such a summary is asked for it once.
func TestASourceWithoutCountsByStatus(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	a.tiers = []extract.Tier{{Every: 1000 * day}}
	asked := 0
	a.rt = answering{a.rt, "/charges/summary", http.StatusNotFound, &asked}
	rep := a.run()
	require.Equal(t, report.Succeeded, rep.Status)
	require.Equal(t, 1, asked)
	require.Zero(t, rep.Refresh.Read)
}

// answering answers a path with a status.
type answering struct {
	next   http.RoundTripper
	path   string
	status int
	asked  *int
}

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(req.URL.Path, a.path) {
		return a.next.RoundTrip(req)
	}
	*a.asked++
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"message":"Not found."}`)), Request: req}, nil
}
