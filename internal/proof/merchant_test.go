package proof_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/ledger"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/mem"
)

const (
	day  = 24 * time.Hour
	name = "loja" // of the connection
)

// plan is a life to be lived.
type plan struct {
	born   time.Time // the merchant's first day
	start  time.Time // of the configuration: what is older is not read by windows
	first  time.Time // the first sync
	days   int       // of syncs, one a day
	size   int       // records in all, see simapi.Merchant
	late   simapi.Late
	config simapi.Config
	noFeed bool // no stream follows the hooks
}

// merchant is a simulated account, a lake in memory, and what the tests know of
// both. It lives in a bubble of testing/synctest, whose clock is everybody's.
type merchant struct {
	t      *testing.T
	plan   plan
	world  *simapi.World
	server *simapi.Server
	watch  *watch
	store  *mem.Store
	work   string

	look   time.Time // not zero: the world is looked at as it was or will be then
	frozen time.Time // not zero: nothing happens to the world any more

	stale staleness
	spent requests // of the runs after the first hundred

	streams []*stream
	runs    int
	refused bool      // the shrink guard refused what a stream of the last run found
	accept  bool      // the operator said that records may be gone
	history []moments // of the runs
	last    time.Time // when the last run began that followed the hooks
	hooked  int       // records that a hook told of and that were compared
}

// moments are the begin and the end of a run.
type moments struct{ begun, ended time.Time }

// streams that take part. Balances are snapshots: nothing of them is late.
var names = []string{simapi.Orders, simapi.Charges, simapi.Payables, simapi.BalanceOperations, simapi.Recipients, simapi.Hooks}

// born makes a merchant on the day of its first sync. It must be called in a
// bubble, and moves the bubble's clock.
func born(t *testing.T, p plan) *merchant {
	days := int(p.first.Sub(p.born)/day) + p.days
	m := &merchant{t: t, plan: p, store: mem.New(), work: t.TempDir(), world: simapi.Merchant(7, p.born, days, p.size)}
	m.stale.times = map[lateness][]time.Duration{}
	m.world.Late = p.late
	m.world.Now = m.now
	m.server = simapi.New(m.world, p.config)
	m.watch = &watch{next: simapi.Transport(m.server)}
	for _, ep := range pagarme.Source().Streams {
		for _, n := range names {
			if n == ep.Table.Name {
				m.streams = append(m.streams, newStream(t, ep))
				s := m.streams[len(m.streams)-1]
				s.start, s.lake = p.start, m.open(s)
			}
		}
	}
	time.Sleep(time.Until(p.first))
	return m
}

// now is the clock of the world.
func (m *merchant) now() time.Time {
	now := time.Now().UTC()
	if !m.look.IsZero() {
		now = m.look
	}
	if !m.frozen.IsZero() && now.After(m.frozen) {
		return m.frozen
	}
	return now
}

// at looks at the world as it is at a moment.
func (m *merchant) at(t time.Time, look func()) {
	m.look = t
	defer func() { m.look = time.Time{} }()
	look()
}

func (m *merchant) stream(name string) *stream {
	for _, s := range m.streams {
		if s.name == name {
			return s
		}
	}
	m.t.Fatalf("no stream %s", name)
	return nil
}

func spec(ep extract.Endpoint) partitioning.Spec {
	if ep.Partition == "" {
		return partitioning.Spec{}
	}
	return partitioning.Spec{Column: ep.Partition + "_date", Source: ep.Table.Time, Location: time.UTC}
}

func (m *merchant) open(s *stream) *delta.Table {
	table, err := delta.Open(m.store, s.path(), delta.Settings{
		Table: s.table, Spec: s.spec, Engine: "paylake/test",
		Properties: map[string]string{"paylake.source": "pagarme", "paylake.connection": name, "paylake.mode": "live", "paylake.stream": s.name},
	})
	require.NoError(m.t, err)
	return table
}

// wire connects the streams as the program does by default.
func (m *merchant) wire() []pipeline.Stream {
	client, err := extract.NewClient(extract.Options{
		BaseURL: "https://api.pagar.me/core/v5", Secret: func() string { return "sk_0123456789abcdef" }, Transport: m.watch,
	})
	require.NoError(m.t, err)
	var list []pipeline.Stream
	for _, s := range m.streams {
		list = append(list, pipeline.Stream{
			Connection: name, Source: "pagarme", Endpoint: s.ep, Table: s.table, Spec: s.spec, Path: s.path(), Lake: m.open(s), Client: client,
			Start: s.start, Lookback: s.ep.Lookback, Refresh: s.ep.Refresh, IncludeUpdated: true, KeepDeleted: s.table.KeepsDeleted, Feed: m.feed(s),
		})
	}
	return list
}

// feed is the table of the change feed, for the streams that follow it.
func (m *merchant) feed(of *stream) *pipeline.Feed {
	if of.ep.ItemPath == "" || m.plan.noFeed {
		return nil
	}
	s := m.stream(simapi.Hooks)
	return &pipeline.Feed{Stream: s.name, Lake: m.open(s), Spec: s.spec}
}

// sync runs a sync as the program does, history included.
func (m *merchant) sync() *report.Run {
	m.watch.begin(m)
	begun := time.Now().UTC()
	rep, err := pipeline.Run(m.t.Context(), m.wire(), pipeline.Options{
		Store: m.store, WorkDir: m.work, Tool: "paylake/test", Command: "sync", RefreshFor: 30 * time.Minute, AcceptShrink: m.accept,
		Maintenance: delta.Maintenance{Optimize: true, Vacuum: true, CleanLog: true},
		Reads: func(ctx context.Context) (pipeline.Reads, error) {
			return ledger.Reads(ctx, m.store, time.Now())
		},
	})
	require.NoError(m.t, err)
	m.history = append(m.history, moments{begun, time.Now().UTC()})
	require.NoError(m.t, ledger.Record(m.t.Context(), ledger.Options{Store: m.store, Engine: "paylake/test", WorkDir: m.work, Trigger: "schedule", Maintain: true}, rep))
	if m.runs++; m.runs > 100 && m.frozen.IsZero() {
		m.spent.add(&m.watch.tally)
	}
	return rep
}

// tomorrow sleeps until the next day's sync.
func (m *merchant) tomorrow(days int) {
	next := m.history[len(m.history)-1].begun.Truncate(day).Add(m.plan.first.Sub(m.plan.first.Truncate(day)))
	time.Sleep(time.Until(next.AddDate(0, 0, days)))
}

// watch counts requests by their purpose.
type watch struct {
	next http.RoundTripper
	tally
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	w.count(r)
	return w.next.RoundTrip(r)
}
