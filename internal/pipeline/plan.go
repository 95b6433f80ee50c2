package pipeline

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/sink/delta"
)

// Estimate says what a sync of one stream would read. Rows is -1 where the
// source cannot tell; Requests and Minutes are then lower bounds.
type Estimate struct {
	Connection string        `json:"connection"`
	Stream     string        `json:"stream"`
	Sync       string        `json:"sync"`
	Since      *time.Time    `json:"since,omitempty"`
	Until      *time.Time    `json:"until,omitempty"`
	Windows    int           `json:"windows"`
	Rows       int64         `json:"rows"`
	Requests   int64         `json:"requests"`
	PerMinute  float64       `json:"requests_per_minute"` // the rate that may be used; 0 = unlimited
	Minutes    float64       `json:"minutes"`
	Passes     []Pass        `json:"passes"`             // beside that range: what a run does about older records
	Refresh    *Debt         `json:"refresh,omitempty"`  // what the tiers cost; nil for a stream without tiers
	Warnings   []string      `json:"warnings,omitempty"` //
	Error      string        `json:"error,omitempty"`
	size       int64         // records a page
	window     window.Window // what is read
}

// Plan estimates a run with the cheapest requests the source offers: one or
// two per stream. What older records cost is told from the table and from the
// history of windows, without a request. Nothing is written. Trouble with a stream
// is part of its estimate.
func Plan(ctx context.Context, streams []Stream, opts Options) ([]Estimate, error) {
	opts = opts.withDefaults()
	tables, err := loadAll(ctx, streams)
	if err != nil {
		return nil, err
	}
	r := &run{opts: opts}
	now := opts.Now().UTC()
	plans := make([]Estimate, len(streams))
	var group errgroup.Group
	for i, s := range streams {
		group.Go(func() error {
			if err := tables[i].err; err != nil {
				plans[i] = Estimate{Connection: s.Connection, Stream: s.Name(), Rows: -1, Error: err.Error()}
				return nil
			}
			plans[i] = r.estimate(ctx, s, tables[i].snapshot, now)
			return nil
		})
	}
	return plans, group.Wait()
}

// estimate estimates one stream.
func (r *run) estimate(ctx context.Context, s Stream, snapshot *delta.Snapshot, now time.Time) Estimate {
	e := Estimate{Connection: s.Connection, Stream: s.Name(), Sync: "full", Rows: -1}
	due, err := s.FullIsDue(ctx, r.opts.Store, snapshot, now)
	if err != nil {
		e.Warnings = append(e.Warnings, err.Error())
	}
	if s.Endpoint.SinceParam != "" {
		var watermark time.Time
		if mark, ok := snapshot.Mark(s.app()); ok {
			watermark = time.UnixMicro(mark).UTC()
		}
		e.window = planRange(s, snapshot, watermark, now, r.opts)
		e.Since, e.Until = &e.window.Since, &e.window.Until
		switch {
		case r.opts.Backfill != nil:
			e.Sync = "backfill"
		case !s.Full:
			e.Sync = "incremental"
		}
	}
	if err := e.ask(ctx, s, r.opts); err != nil {
		e.Error = err.Error()
	}
	if e.Sync == "incremental" {
		e.older(ctx, r, s, snapshot, now)
		if due {
			e.fullByAge(snapshot)
		}
	}
	return e
}

// ask fills in what the source can tell.
func (e *Estimate) ask(ctx context.Context, s Stream, opts Options) error {
	e.PerMinute = s.Client.Rate(s.Endpoint)
	endpoint, table := s.Endpoint, s.Table
	if s.Parent != nil {
		endpoint, table = s.Parent.Endpoint, s.Parent.Table
		e.Sync = "snapshot"
	}
	reader := extract.NewReader(s.Client, endpoint, extract.ReaderOptions{
		Grid: s.Spec, ChunkBytes: int(opts.Chunk), Connection: s.Connection, Table: table, Now: opts.Now,
	})
	found, err := reader.Probe(ctx, e.window)
	if err != nil {
		return fmt.Errorf("ask for the number of records: %w", err)
	}
	e.Windows, e.Requests, e.size = 1, 1, int64(max(endpoint.AskSize, 1))
	if found.Page > 0 {
		e.size = int64(found.Page)
	}
	if !found.Known {
		return nil
	}
	rows := found.Rows
	e.Rows = rows
	size := e.size
	if s.Parent != nil {
		size = 1
	}
	e.Requests = max(1, (rows+size-1)/size)
	if !e.window.IsZero() {
		e.Windows = int(max(1, e.Requests/100))
	}
	if e.PerMinute > 0 {
		e.Minutes = float64(e.Requests) / e.PerMinute
	}
	return nil
}
