package pipeline_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/mem"
)

// testKey is the secret key of the tests: it must not be found anywhere.
const testKey = "sk_0123456789abcdef"

// scene is a simulated account, a lake on disk and the settings of a sync
// between the two.
type scene struct {
	t        *testing.T
	world    *simapi.World
	config   simapi.Config
	server   *simapi.Server
	url      string
	dir      string
	store    store.Store
	now      time.Time
	key      string
	limits   map[string]int
	share    float64
	streams  []string // empty = all, by default
	named    bool
	full     bool
	zone     *time.Location
	month    bool
	exclude  []string
	tables   map[string]*schema.Table // declarations that differ from the endpoint's
	lookback time.Duration
	opts     pipeline.Options
	start    time.Time
	rt       http.RoundTripper
	name     string // connection
	account  string

	fromStart bool // records from before the start are left alone
	deaf      bool // the change feed is not followed
	keep      bool // deleted records stay
	fullEvery time.Duration
}

var worldStart = time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC)

func newScene(t *testing.T, days, size int, config simapi.Config) *scene {
	t.Helper()
	s := &scene{t: t, world: simapi.Merchant(7, worldStart, days, size), config: config, key: testKey, zone: time.UTC, start: worldStart, share: 1, name: "loja"}
	s.now = s.world.End()
	s.world.Now = func() time.Time { return s.now }
	s.dir = t.TempDir()
	s.store = mem.New()
	s.limits = map[string]int{"all": extract.Unlimited}
	for _, ep := range pagarme.Source().Streams {
		s.limits[ep.Table.Name] = extract.Unlimited
	}
	s.config = config
	return s
}

// inBubble lets the requests reach the server without sockets, so that virtual
// time passes.
func (s *scene) inBubble() {
	s.server = simapi.New(s.world, s.config)
	s.rt = simapi.Transport(s.server)
}

// onLocalDisk puts the lake on disk instead of into memory.
func (s *scene) onLocalDisk() {
	st, err := local.New(s.dir)
	require.NoError(s.t, err)
	s.store = st
}

// serve starts a server for the world, over real HTTP.
func (s *scene) serve(config simapi.Config) {
	s.config = config
	s.server = simapi.New(s.world, config)
	url, stop, err := simapi.Listen(context.Background(), s.server)
	require.NoError(s.t, err)
	s.url = url
	s.t.Cleanup(stop)
}

func (s *scene) spec(ep extract.Endpoint) partitioning.Spec {
	if ep.Partition == "" {
		return partitioning.Spec{}
	}
	spec := partitioning.Spec{Column: ep.Partition + "_date", Source: ep.Table.Time, Location: s.zone}
	if s.month && ep.Partition == "created" {
		spec.Column, spec.Granularity = "created_month", partitioning.Month
	}
	return spec
}

// table is the declaration of an endpoint's table less what is excluded.
func (s *scene) table(ep extract.Endpoint) *schema.Table {
	table := ep.Table
	if t, ok := s.tables[table.Name]; ok {
		table = t
	}
	if s.keep {
		table = table.KeepingDeleted()
	}
	for _, path := range s.exclude {
		if t, err := table.Exclude(path); err == nil {
			table = t
		}
	}
	return table
}

func (s *scene) lake(ep extract.Endpoint) *delta.Table {
	mode := "live"
	if strings.HasPrefix(s.key, "sk_test_") {
		mode = "test"
	}
	table, err := delta.Open(s.store, "pagarme/"+ep.Table.Name, delta.Settings{
		Table: s.table(ep), Spec: s.spec(ep), Engine: "paylake/test", Now: func() time.Time { return s.now },
		Properties: map[string]string{"paylake.source": "pagarme", "paylake.connection": s.name, "paylake.mode": mode, "paylake.stream": ep.Table.Name},
	})
	require.NoError(s.t, err)
	return table
}

func (s *scene) endpoint(name string) extract.Endpoint {
	for _, ep := range pagarme.Source().Streams {
		if ep.Table.Name == name {
			return ep
		}
	}
	s.t.Fatalf("no stream %s", name)
	return extract.Endpoint{}
}

func (s *scene) wire() []pipeline.Stream {
	if s.server == nil {
		s.serve(s.config)
	}
	client, err := extract.NewClient(extract.Options{
		BaseURL: s.url, Secret: func() string { return s.key }, RateShare: s.share, Limits: s.limits, Transport: s.rt,
	})
	require.NoError(s.t, err)
	var list []pipeline.Stream
	for _, ep := range pagarme.Source().Streams {
		if len(s.streams) > 0 && !contains(s.streams, ep.Table.Name) {
			continue
		}
		st := pipeline.Stream{
			Connection: s.name, Source: "pagarme", Endpoint: ep, Table: s.table(ep), Spec: s.spec(ep), Path: "pagarme/" + ep.Table.Name,
			Lake: s.lake(ep), Client: client, Full: s.full, Start: s.start, Lookback: ep.Lookback, Named: s.named, Account: s.account,
			IncludeUpdated: !s.fromStart, KeepDeleted: s.keep, FullEvery: s.fullEvery,
		}
		if feed := s.endpoint(simapi.Hooks); ep.ItemPath != "" && !s.deaf {
			st.Feed = &pipeline.Feed{Stream: feed.Table.Name, Lake: s.lake(feed), Spec: s.spec(feed)}
		}
		if s.lookback > 0 {
			st.Lookback = s.lookback
		}
		if ep.Parent != "" {
			parent := s.endpoint(ep.Parent)
			st.Parent = &pipeline.Parent{Endpoint: parent, Table: parent.Table}
		}
		list = append(list, st)
	}
	return list
}

func contains(list []string, name string) bool {
	for _, x := range list {
		if x == name {
			return true
		}
	}
	return false
}

// try runs a sync and returns what Run returned.
func (s *scene) try() (*report.Run, error) {
	opts := s.opts
	opts.Store, opts.WorkDir, opts.Tool, opts.Command = s.store, filepath.Join(s.dir, "work"), "paylake/test", "sync"
	if opts.Now == nil {
		opts.Now = func() time.Time { return s.now }
	}
	return pipeline.Run(s.t.Context(), s.wire(), opts)
}

// sync runs a sync that can start.
func (s *scene) sync() *report.Run {
	s.t.Helper()
	rep, err := s.try()
	require.NoError(s.t, err)
	return rep
}

// of picks a stream's report.
func of(rep *report.Run, name string) *report.Stream {
	for _, s := range rep.Streams {
		if s.Stream == name {
			return s
		}
	}
	return &report.Stream{}
}

// onDisk looks for a text in every file below the lake and the work folder.
func (s *scene) onDisk(text string) []string {
	var found []string
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), text) || strings.Contains(path, text) {
			found = append(found, path)
		}
		return err
	})
	require.NoError(s.t, err)
	return found
}

func nowOf(t time.Time) func() time.Time { return func() time.Time { return t } }
