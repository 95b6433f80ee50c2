package crash_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// order is what a child process is told to do.
type order struct {
	API      string
	Place    place
	Work     string
	Now      time.Time // the child's clock stands still
	Start    time.Time
	Streams  []string
	Full     bool
	Backfill bool
	Lookback time.Duration
	Tries    int   // attempts of an API request; 0 = the default
	Die      death // zero = never
	Disk     disk  // zero = none of its own
	Once     bool  // commit at the end of a stream, not after each partition
}

// answer is what a child process says on stdout at its end.
type answer struct {
	Error string
	Run   *report.Run
	Calls int64 // calls to the store
}

const (
	connection = "loja"
	secretKey  = "sk_0123456789abcdef"
	settle     = 5 * time.Minute
)

// child runs one sync and gives the exit code, as `paylake sync` would.
func child(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 5
	}
	var a answer
	do := o.sync
	if o.Disk.Dir != "" {
		do = func(ctx context.Context) (*report.Run, int64, error) { return o.syncOn(ctx, o.Disk) }
	}
	run, calls, err := do(context.Background())
	a.Run, a.Calls = run, calls
	if err != nil {
		a.Error = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		return 5
	}
	switch {
	case err != nil || run.Status == report.Failed:
		return 1
	case run.Status != report.Succeeded:
		return 3
	}
	return 0
}

func (o order) sync(ctx context.Context) (*report.Run, int64, error) {
	inner, err := o.Place.open(ctx)
	if err != nil {
		return nil, 0, err
	}
	st := &mortal{Store: inner, death: o.Die}
	streams, err := o.streams(st)
	if err != nil {
		return nil, 0, err
	}
	opts := pipeline.Options{
		Store: st, WorkDir: o.Work, Tool: "paylake/test", Command: "sync", Now: func() time.Time { return o.Now },
		CommitEvery: time.Nanosecond, Workers: 2, Chunk: 4 << 10, // small windows: many commits
	}
	if o.Once {
		opts.CommitEvery = time.Hour
	}
	if o.Backfill {
		opts.Backfill = &window.Window{Since: o.Start, Until: o.Now}
	}
	run, err := pipeline.Run(ctx, streams, opts)
	if err == nil {
		err = o.lookAfter(ctx, streams)
	}
	return run, st.calls.Load(), err
}

// lookAfter ends a run with what follows the commits. Troubles of maintenance
// leave whole tables and are warnings.
func (o order) lookAfter(ctx context.Context, streams []pipeline.Stream) error {
	for _, s := range streams {
		gone, _, err := s.Lake.Settle(ctx)
		if err == nil && len(gone) > 0 {
			err = fmt.Errorf("commits %v of this run are gone", gone)
		}
		if err == nil {
			_, err = s.Lake.Maintain(ctx, delta.Maintenance{Optimize: true, Vacuum: true, CleanLog: true, Manifests: true, WorkDir: o.Work})
		}
		if err != nil {
			return fmt.Errorf("table %s: %w", s.Path, err)
		}
	}
	return nil
}

// streams wires the streams as cmd/paylake does.
func (o order) streams(st store.Store) ([]pipeline.Stream, error) {
	limits := map[string]int{"all": extract.Unlimited}
	for _, ep := range pagarme.Source().Streams {
		limits[ep.Table.Name] = extract.Unlimited
	}
	client, err := extract.NewClient(extract.Options{
		BaseURL: o.API, Secret: func() string { return secretKey }, RateShare: 1, Limits: limits, MaxTries: o.Tries, Timeout: 20 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	var list []pipeline.Stream
	for _, ep := range pagarme.Source().Streams {
		if !slices.Contains(o.Streams, ep.Table.Name) {
			continue
		}
		s := pipeline.Stream{
			Connection: connection, Source: "pagarme", Endpoint: ep, Table: ep.Table, Spec: specOf(ep), Path: root(ep.Table.Name),
			Client: client, Full: o.Full, Start: o.Start, Lookback: ep.Lookback, Named: true,
		}
		if o.Lookback > 0 {
			s.Lookback = o.Lookback
		}
		if ep.Parent != "" {
			parent := endpoint(ep.Parent)
			s.Parent = &pipeline.Parent{Endpoint: parent, Table: parent.Table}
		}
		if s.Lake, err = openTable(st, ep); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		return nil, errors.New("no streams")
	}
	return list, nil
}

// root is where the table of a stream lies below the destination.
func root(stream string) string { return "raw/pagarme/" + stream }

func specOf(ep extract.Endpoint) partitioning.Spec {
	if ep.Partition == "" {
		return partitioning.Spec{}
	}
	return partitioning.Spec{Column: ep.Partition + "_date", Source: ep.Table.Time, Granularity: partitioning.Day, Location: time.UTC}
}

func openTable(st store.Store, ep extract.Endpoint) (*delta.Table, error) {
	return delta.Open(st, root(ep.Table.Name), delta.Settings{
		Table: ep.Table, Spec: specOf(ep), Engine: "paylake/test", BaseURL: "s3://lake",
		LogRetention: 30 * day, DeletedFileRetention: 7 * day,
		Properties: map[string]string{
			"paylake.source": "pagarme", "paylake.connection": connection, "paylake.mode": "live", "paylake.stream": ep.Table.Name,
			delta.PropertySchemaVersion: strconv.Itoa(ep.Table.Version),
		},
	})
}

func endpoint(stream string) extract.Endpoint {
	for _, ep := range pagarme.Source().Streams {
		if ep.Table.Name == stream {
			return ep
		}
	}
	return extract.Endpoint{}
}
