package verify_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/internal/verify"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

const testKey = "sk_0123456789abcdef"

var worldStart = time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC)

// scene is a simulated account and a lake that was synced from it.
type scene struct {
	t      *testing.T
	world  *simapi.World
	server *simapi.Server
	url    string
	store  store.Store
	now    time.Time
	start  time.Time
	spec   partitioning.Spec
	ep     extract.Endpoint
	rt     http.RoundTripper
	named  bool
	keep   bool
	work   string
}

// newScene syncs one stream of a small account.
func newScene(t *testing.T, stream string, days, size int, config simapi.Config) *scene {
	t.Helper()
	config.NoLimits = true
	if config.MaxSize == nil {
		config.MaxSize = map[string]int{simapi.Charges: 5} // so that few charges are many pages
	}
	s := &scene{t: t, world: simapi.Merchant(7, worldStart, days, size), store: mem.New(), start: worldStart, named: true, work: t.TempDir()}
	s.now = s.world.End().Add(10 * time.Minute)
	s.world.Now = func() time.Time { return s.now }
	s.server = simapi.New(s.world, config)
	url, stop, err := simapi.Listen(context.Background(), s.server)
	require.NoError(t, err)
	t.Cleanup(stop)
	s.url = url
	for _, ep := range pagarme.Source().Streams {
		if ep.Table.Name == stream {
			s.ep = ep
		}
	}
	if s.ep.Partition != "" {
		s.spec = partitioning.Spec{Column: s.ep.Partition + "_date", Source: s.ep.Table.Time, Location: time.UTC}
	}
	s.sync()
	return s
}

func (s *scene) root() string { return "pagarme/" + s.ep.Table.Name }

// columns are those of the stream's table; of charges without the widest ones,
// which cost most of the time.
func (s *scene) columns() *schema.Table {
	s.t.Helper()
	table := s.ep.Table
	if table.Name == simapi.Charges {
		var err error
		table, err = table.Exclude("last_transaction", "customer")
		require.NoError(s.t, err)
	}
	if s.keep {
		table = table.KeepingDeleted()
	}
	return table
}

func (s *scene) table() *delta.Table {
	s.t.Helper()
	lake, err := delta.Open(s.store, s.root(), delta.Settings{
		Table: s.columns(), Spec: s.spec, Engine: "paylake/test", Now: func() time.Time { return s.now },
		Properties: map[string]string{"paylake.source": "pagarme", "paylake.connection": "loja", "paylake.stream": s.ep.Table.Name},
	})
	require.NoError(s.t, err)
	return lake
}

func (s *scene) client() *extract.Client {
	s.t.Helper()
	limits := map[string]int{"all": extract.Unlimited}
	for _, ep := range pagarme.Source().Streams {
		limits[ep.Table.Name] = extract.Unlimited
	}
	client, err := extract.NewClient(extract.Options{BaseURL: s.url, Secret: func() string { return testKey }, RateShare: 1, Limits: limits, Transport: s.rt})
	require.NoError(s.t, err)
	return client
}

func (s *scene) stream() pipeline.Stream {
	lake := s.table()
	st := pipeline.Stream{
		Connection: "loja", Source: "pagarme", Endpoint: s.ep, Table: s.columns(), Spec: s.spec, Path: s.root(), Lake: lake,
		Client: s.client(), Start: s.start, Lookback: s.ep.Lookback, Named: s.named, KeepDeleted: s.keep,
	}
	if s.ep.Parent != "" {
		for _, ep := range pagarme.Source().Streams {
			if ep.Table.Name == s.ep.Parent {
				st.Parent = &pipeline.Parent{Endpoint: ep, Table: ep.Table}
			}
		}
	}
	return st
}

func (s *scene) run(stream pipeline.Stream) *report.Stream {
	s.t.Helper()
	run, err := pipeline.Run(s.t.Context(), []pipeline.Stream{stream}, pipeline.Options{
		Store: s.store, WorkDir: s.work, Tool: "paylake/test", Command: "sync", Now: func() time.Time { return s.now },
	})
	require.NoError(s.t, err)
	return run.Streams[0]
}

func (s *scene) sync() {
	s.t.Helper()
	rep := s.run(s.stream())
	require.Empty(s.t, rep.Error)
}

func (s *scene) target() verify.Target {
	st := s.stream()
	return verify.Target{
		Connection: st.Connection, Source: st.Source, Endpoint: st.Endpoint, Table: st.Table, Spec: st.Spec, Path: st.Path, Lake: st.Lake,
		Client: st.Client, Mark: "paylake/loja/" + st.Name(), Start: st.Start, Named: st.Named,
	}
}

// modes of a verification.
var (
	bySource = verify.Options{Source: true}
	byDeep   = verify.Options{Deep: true}
	byLocal  = verify.Options{Local: true}
)

func (s *scene) verifyWith(t verify.Target, o verify.Options) *verify.Stream {
	s.t.Helper()
	o.Store, o.Now, o.Tool = s.store, func() time.Time { return s.now }, "paylake/test"
	rep, err := verify.Run(s.t.Context(), []verify.Target{t}, o)
	require.NoError(s.t, err)
	require.Len(s.t, rep.Streams, 1)
	return rep.Streams[0]
}

func (s *scene) verify(o verify.Options) *verify.Stream {
	s.t.Helper()
	return s.verifyWith(s.target(), o)
}

// repair reads what a verification found again.
func (s *scene) repair(found *verify.Stream) *report.Stream {
	s.t.Helper()
	st := s.stream()
	st.Only = found.Damaged()
	require.NotEmpty(s.t, st.Only)
	return s.run(st)
}

// requireEqual verifies in every mode.
func (s *scene) requireEqual() {
	s.t.Helper()
	for _, o := range []verify.Options{byLocal, byDeep, bySource} {
		got := s.verify(o)
		require.Equal(s.t, verify.Equal, got.Status, "%+v", got)
		require.Empty(s.t, got.Findings)
	}
}

// fork gives a scene of the same account with a lake of its own, as this one's is
// now. The clock stands still for both.
func (s *scene) fork(t *testing.T) *scene {
	t.Helper()
	out := *s
	out.t, out.store, out.work = t, mem.New(), t.TempDir()
	for o, err := range s.store.List(t.Context(), "", "") {
		require.NoError(t, err)
		data, err := store.ReadAll(t.Context(), s.store, o.Key)
		require.NoError(t, err)
		require.NoError(t, out.store.Put(t.Context(), o.Key, bytes.NewReader(data)))
	}
	return &out
}
