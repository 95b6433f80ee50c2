package main

import (
	"context"
	"fmt"
	"time"

	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/sink/delta"
)

// owed is what a table's refresh tiers say is due, as the history tells.
type owed struct {
	pipeline.Debt
	OverdueSeconds int64 `json:"overdue_seconds"` // how long the oldest that the history knows has been due
}

// care fills in what is known of older records: what is due to be read again, and
// when everything was read the last time.
func (l looking) care(ctx context.Context, c choice, snapshot *delta.Snapshot, t *tableStatus) error {
	s := pipeline.Stream{
		Connection: c.conn.Name, Source: c.conn.Source, Endpoint: c.ep, Spec: spec(l.cfg, c.ep), Path: c.key,
		Start: c.conn.Start, Lookback: c.ep.Lookback, Refresh: tiers(c.ep, c.stream),
	}
	if c.stream.Lookback != nil {
		s.Lookback = *c.stream.Lookback
	}
	if s.Endpoint.SinceParam == "" {
		return nil // read in whole by every run
	}
	full, err := s.LastFull(ctx, l.store, snapshot, l.now)
	if err != nil {
		return err
	}
	if !full.IsZero() {
		t.LastFull = &full
	}
	if l.reads == nil || len(s.Refresh) == 0 {
		return nil
	}
	o := &owed{Debt: pipeline.DebtOf(s, snapshot, l.reads(c.conn.Name, c.stream.Name, c.key), l.now, 0)}
	if at := o.OldestDue; at != nil && at.Before(l.now) {
		o.OverdueSeconds = int64(l.now.Sub(*at).Seconds())
	}
	t.Refresh = o
	return nil
}

// String tells the debt in a few words.
func (o *owed) String() string {
	switch {
	case o == nil:
		return ""
	case o.Due == 0:
		return "0"
	case o.OldestDue == nil:
		return fmt.Sprintf("%d (~%d requests)", o.Due, o.Requests)
	}
	return fmt.Sprintf("%d (%s, ~%d requests)", o.Due, age(time.Duration(o.OverdueSeconds)*time.Second), o.Requests)
}
