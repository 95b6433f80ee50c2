package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
)

// The methods of a report.
const (
	byFiles    = "files"    // every file is in the store and of its size
	byItself   = "local"    // the lake against itself
	byTotals   = "totals"   // numbers of records, and records where they differ
	byContents = "contents" // the records themselves
)

// source compares a table with its source.
func (v *verifier) source(ctx context.Context, t Target, l *lake, rep *Stream, out *collector) error {
	ep := t.Endpoint
	c := &comparer{v: v, o: v.o, t: t, lake: l, out: out, rep: rep, told: map[partitioning.Value]bool{}}
	if ep.Write == extract.AppendSnapshot || ep.Feed || ep.SinceParam == "" {
		if err := v.whole(ctx, t, l, rep, out); err != nil {
			return err
		}
	}
	switch {
	case ep.Write == extract.AppendSnapshot:
		rep.note("snapshots of the past cannot be asked for again: the lake was compared with itself")
		return nil
	case ep.Feed:
		rep.note("nobody says how long the source keeps its events: the lake was compared with itself")
		return nil
	}
	c.reader = extract.NewReader(t.Client, ep, extract.ReaderOptions{
		Grid: t.Spec, ChunkBytes: v.o.Chunk, Connection: t.Connection, Table: t.Table, Now: v.o.Now,
	})
	defer func() {
		rep.Requests += c.reader.Facts().Requests
		if c.rejected > 0 {
			rep.note(fmt.Sprintf("%d records of the source do not fit the table: they are in the quarantine, which is no difference", c.rejected))
		}
	}()
	if ep.SinceParam == "" {
		return c.list(ctx)
	}
	return c.scoped(ctx)
}

// scoped compares what lies in the scope of a verification.
func (c *comparer) scoped(ctx context.Context) error {
	rng, err := c.v.scope(c.t, c.lake, c.rep)
	if err != nil {
		return err
	}
	c.rep.Since, c.rep.Until = &rng.Since, &rng.Until
	c.nowhere()
	ranges := limited(c.t, rng)
	if len(ranges) == 0 && c.t.Only == nil {
		return fmt.Errorf("%w: no partition lies between %s and %s, which is what the source can be asked about and a sync has read",
			errNothing, rng.Since.Format(time.RFC3339), rng.Until.Format(time.RFC3339))
	}
	for _, w := range ranges {
		if err := c.compare(ctx, w); err != nil {
			return err
		}
	}
	return c.unread(ctx)
}

// unread reports records that no sync has read though it is time: a watermark may
// stand still because nothing is new, or because a window fails every night.
func (c *comparer) unread(ctx context.Context) error {
	const late, settle = 48 * time.Hour, time.Hour
	mark, _ := c.lake.snap.Mark(c.t.Mark)
	since, now := time.UnixMicro(mark).UTC(), c.o.Now().UTC()
	if now.Sub(since) < late || c.t.Only != nil || !c.o.Until.IsZero() && !c.o.Until.After(since) {
		return nil
	}
	found, err := c.reader.Probe(ctx, window.Window{Since: since.Add(time.Second), Until: now.Add(-settle)})
	if err != nil || found.Rows == 0 {
		return err
	}
	return fmt.Errorf("a sync has read up to %s only, and the source has about %d records since: run `paylake sync`, and look why it did not get there",
		since.Format(time.RFC3339), found.Rows)
}

// nowhere finds rows in partitions that are no time, or a time that has not come,
// which no window holds: somebody else put them there.
func (c *comparer) nowhere() {
	const ahead = 24 * time.Hour // of clocks and zones
	for _, v := range c.lake.values() {
		at, err := c.t.Spec.Start(v)
		if err == nil && !at.After(c.o.Now().Add(ahead)) || c.t.Only != nil && !slices.Contains(c.t.Only, v) {
			continue
		}
		if rows, _, _, _ := c.lake.snap.Partition(v); rows > 0 {
			d := &draft{kind: Misplaced, count: rows}
			d.at(v)
			c.out.add(d)
		}
	}
}

// compare compares a range in the way that the options ask for.
func (c *comparer) compare(ctx context.Context, rng window.Window) error {
	if !c.o.Deep {
		return c.totals(ctx, rng)
	}
	c.rep.by(byContents)
	c.rep.Partitions += len(partitionsOf(c.t.Spec, c.lake, rng))
	return c.ranges(ctx, rng)
}

// list compares a stream that is read as a whole: by the total of its first
// page, if that is all that is asked for, else record by record.
func (c *comparer) list(ctx context.Context) error {
	if !c.o.Deep {
		c.rep.Counts++
		want, err := c.reader.Probe(ctx, window.Window{})
		if err != nil {
			return fmt.Errorf("count the list: %w", err)
		}
		have, err := c.liveRows(ctx, window.Window{}, "")
		if err != nil {
			return err
		}
		if want.Known && want.Rows == have {
			c.rep.by(byTotals)
			c.rep.LakeRows, c.rep.SourceRows = have, &want.Rows
			return nil
		}
		c.rep.note(fmt.Sprintf("the list was read as a whole: the source reports about %d records, the lake has %d", want.Rows, have))
	}
	c.rep.by(byContents)
	return c.ranges(ctx, window.Window{})
}

// by notes how a stream was verified.
func (s *Stream) by(method string) {
	for _, m := range s.Methods {
		if m == method {
			return
		}
	}
	s.Methods = append(s.Methods, method)
}
