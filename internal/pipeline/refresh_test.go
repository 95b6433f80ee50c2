package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/ledger"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
)

const day = 24 * time.Hour

// aging is an account whose older records are followed by tiers only.
type aging struct {
	*scene
	stream string
	tiers  []extract.Tier
	forget bool // runs leave no history, as those that are killed
}

// newAging makes an account of some months, synced once at the end.
func newAging(t *testing.T, stream string, late simapi.Late) *aging {
	return newAgingOf(t, stream, 4_000, late, simapi.Config{NoLimits: true})
}

func newAgingOf(t *testing.T, stream string, size int, late simapi.Late, config simapi.Config) *aging {
	t.Helper()
	s := newScene(t, 100, size, config)
	s.world.Late = late
	s.deaf = true
	s.streams, s.lookback = []string{stream}, 10*day
	s.inBubble()                                                                                                          // no sockets
	s.exclude = []string{"last_transaction", "customer", "order", "invoice", "charges", "items", "checkouts", "shipping"} // the rest does
	s.url = "http://127.0.0.1/core/v5"
	s.opts.RefreshRequests = 1000
	a := &aging{scene: s, stream: stream, tiers: []extract.Tier{{YoungerThan: 60 * day, Every: 7 * day}, {Every: 20 * day}}}
	a.start = s.world.Start()
	require.Empty(t, a.run().Error)
	require.Empty(t, a.wrong())
	return a
}

// run syncs and records the run in the history.
func (a *aging) run() *report.Stream {
	a.t.Helper()
	rep := a.runWith(a.t.Context())
	require.NotEqual(a.t, report.Failed, rep.Status, rep.Error)
	return rep
}

func (a *aging) runWith(ctx context.Context) *report.Stream {
	a.t.Helper()
	streams := a.wire()
	for i := range streams {
		streams[i].Refresh, streams[i].Feed = a.tiers, nil
		streams[i].Endpoint.UpdatedSince = ""
	}
	opts := a.opts
	opts.Store, opts.WorkDir, opts.Command = a.store, a.t.TempDir(), "sync"
	if opts.Now == nil {
		opts.Now = func() time.Time { return a.now }
	}
	opts.Reads = func(ctx context.Context) (pipeline.Reads, error) {
		reads, err := ledger.Reads(ctx, a.store, opts.Now())
		return reads, err
	}
	rep, err := pipeline.Run(ctx, streams, opts)
	require.NoError(a.t, err)
	if !a.forget {
		o := ledger.Options{Store: a.store, Engine: "paylake/test", WorkDir: opts.WorkDir, Now: opts.Now}
		require.NoError(a.t, ledger.Record(a.t.Context(), o, rep))
	}
	return rep.Streams[0]
}

// lastRead says when each partition behind the lookback was last read, as the
// history knows it.
func (a *aging) lastRead() map[partitioning.Value]time.Time {
	a.t.Helper()
	reads, err := ledger.Reads(a.t.Context(), a.store, a.now)
	require.NoError(a.t, err)
	spec := a.spec(a.endpoint(a.stream))
	last := map[partitioning.Value]time.Time{}
	for _, r := range reads(a.name, a.stream, "pagarme/"+a.stream) {
		for t := spec.Floor(r.Since); t.Before(r.Until); t = spec.Next(t) {
			if v := spec.Of(t); last[v].IsZero() || r.ReadAt.Before(last[v]) {
				last[v] = r.ReadAt
			}
		}
	}
	return last
}

// wrong lists the partitions that hold a record otherwise than the account does,
// or not at all.
func (a *aging) wrong() map[partitioning.Value]int {
	a.t.Helper()
	spec := a.spec(a.endpoint(a.stream))
	have, wrong := a.held(), map[partitioning.Value]int{}
	a.server.Each(a.stream, a.start, a.now.Add(-5*time.Minute), func(r simapi.Record) bool {
		if r.Bad != "" {
			delete(have, r.Key)
			return true
		}
		if h, ok := have[r.Key]; !ok || h.status != r.Status || h.amount != r.Amount {
			wrong[spec.Of(r.Created)]++
		}
		delete(have, r.Key)
		return true
	})
	for _, r := range have {
		wrong[spec.Of(r.created)]++
	}
	return wrong
}

// held is what the lake holds by key, as far as wrong compares it.
func (a *aging) held() map[string]row {
	a.t.Helper()
	table := a.lake(a.endpoint(a.stream))
	snapshot, err := table.Load(a.t.Context())
	require.NoError(a.t, err)
	out := map[string]row{}
	for f := range snapshot.Files() {
		require.NoError(a.t, table.ReadFile(a.t.Context(), f, []string{"id", "created_at", "status", "amount"}, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				out[strings.Clone(text(b, "id", i))] = row{status: strings.Clone(text(b, "status", i)), amount: number(b, "amount", i), created: instant(b, "created_at", i)}
			}
			return nil
		}))
	}
	return out
}

// Records change at every age. What the lake holds otherwise than the account is
// always something that changed after its partition was read, which was no
// longer ago than its tier says; and in the end everything is found.
func TestATierFindsWhatChanged(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Payables, simapi.Late{})
	seen, changed := 0, 0
	for range 12 {
		a.now = a.now.Add(2*day + 5*time.Minute)
		rep := a.run()
		changed += rep.Refresh.Changed
		require.Zero(t, rep.Refresh.Left)
		last := a.lastRead()
		for v := range a.wrong() {
			seen++
			end, err := time.Parse(time.DateOnly, string(v))
			require.NoError(t, err)
			every := 20 * day
			if a.now.Sub(end.Add(day)) < 60*day {
				every = 7 * day
			}
			require.NotZero(t, last[v], v)
			require.Less(t, a.now.Sub(last[v]), every, "%s is due and was not read", v)
		}
	}
	require.NotZero(t, seen, "nothing changed behind the lookback: the test proves nothing")
	require.NotZero(t, changed)
	a.tiers = []extract.Tier{{}}
	a.run()
	require.Empty(t, a.wrong())
}

// Within its budget a run reads those partitions again that were not read for
// the longest time; the others are left, and the next run goes on with them.
// What did not change commits nothing.
func TestRefreshKeepsToItsBudget(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Orders, simapi.Late{})
	a.tiers = []extract.Tier{{Every: 5 * day}}
	a.now = a.now.Add(6 * day)
	a.opts.RefreshRequests = 10
	before := a.lastRead()
	read := 0
	for range 40 {
		rep := a.run()
		f := rep.Refresh
		require.LessOrEqual(t, f.Requests, a.opts.RefreshRequests)
		require.Equal(t, f.Due, f.Read+f.Left)
		after := a.lastRead()
		a.requireOldestFirst(before, after)
		known := 0
		for v := range before {
			if after[v].After(before[v]) && v < "2026-11-20" { // the lookback begins there
				known++
			}
		}
		require.Equal(t, f.Read, known, "the history tells what was read")
		if f.Changed == 0 {
			require.LessOrEqual(t, rep.Commits, 1, "at most new data")
		}
		before, read = after, read+f.Read
		if f.Left == 0 {
			break
		}
		require.NotZero(t, f.Read)
		require.NotNil(t, f.OldestDue)
	}
	require.Equal(t, 89, read, "each partition is read once: 100 days less the lookback")
	require.Zero(t, a.run().Refresh.Due)
}

// Where more is due than the budget allows, what was not read for the longest time
// comes first, in every run, so that nothing is left for ever.
func TestTheLongestUnreadComesFirst(t *testing.T) {
	t.Parallel()
	a := newAging(t, simapi.Charges, simapi.Late{})
	a.tiers = []extract.Tier{{}} // everything is always due
	a.opts.RefreshRequests = 14
	before := a.lastRead()
	for range 5 {
		a.now = a.now.Add(day)
		f := a.run().Refresh
		require.NotZero(t, f.Left)
		require.NotZero(t, f.Read)
		after := a.lastRead()
		a.requireOldestFirst(before, after)
		before = after
	}
}

// requireOldestFirst checks that no partition was read that had been read later
// than one that was left.
func (a *aging) requireOldestFirst(before, after map[partitioning.Value]time.Time) {
	a.t.Helper()
	var newestRead, oldestLeft time.Time
	lookback := a.spec(a.endpoint(a.stream)).Of(a.now.Add(-a.lookback - 2*day))
	for v, at := range before {
		switch {
		case v >= lookback: // read by every run
		case after[v].After(at):
			if at.After(newestRead) {
				newestRead = at
			}
		case oldestLeft.IsZero() || at.Before(oldestLeft):
			oldestLeft = at
		}
	}
	require.False(a.t, newestRead.Truncate(time.Hour).After(oldestLeft), "read what was read at %s, left what was read at %s", newestRead, oldestLeft)
}
