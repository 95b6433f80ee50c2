package proof_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// check compares what a run reports, and what it left in the lake, with the
// truth.
func (m *merchant) check(rep *report.Run) {
	for _, sr := range rep.Streams {
		s := m.stream(sr.Stream)
		c := &checking{merchant: m, s: s, rep: sr, moments: m.history[len(m.history)-1], reads: map[partitioning.Value][]span{}}
		if sr.Watermark != nil {
			c.mark, c.end = *sr.Watermark, *sr.Watermark
		}
		c.status()
		c.claimed()
		c.lake()
		c.counts()
		c.promises()
		s.watermark = c.mark
	}
	m.followed(rep)
}

// checking is the check of one stream after one run.
type checking struct {
	*merchant
	moments
	s        *stream
	rep      *report.Stream
	mark     time.Time // the watermark after the run
	end      time.Time // everything created before was read: the watermark, or later where nothing was committed
	reads    map[partitioning.Value][]span
	snapshot *delta.Snapshot
	removed  int
	mixed    bool // some rows are of a moment within the run
}

type span struct{ since, until time.Time }

// down tells whether the API was out of order at some time of the run.
func (c *checking) down() bool {
	return slices.ContainsFunc(c.plan.config.Outages, func(o simapi.Outage) bool {
		return c.begun.Before(o.Until) && c.ended.After(o.Since)
	})
}

// status checks the stream's end and its watermark.
func (c *checking) status() {
	s, t := c.s, c.t
	switch {
	case c.down():
		require.Contains(t, []string{report.Failed, report.Incomplete}, c.rep.Status, "%s during an outage", s.name)
	case !c.accept && c.plan.late.TestData > 0 && strings.Contains(c.rep.Error, "--accept-shrink"):
		require.Equal(t, report.Failed, c.rep.Status)
		c.refused = true
	case s.name == simapi.BalanceOperations && c.changed():
		require.Equal(t, report.Unavailable, c.rep.Status, "%s: %s", s.name, c.rep.Error)
		s.gone = true
	default:
		require.Equal(t, report.Succeeded, c.rep.Status, "run %d of %s at %s: %s %v %v", c.runs, s.name, c.begun, c.rep.Error, c.rep.Failures, c.rep.Warnings)
	}
	if !s.windowed() {
		return
	}
	require.False(t, c.mark.Before(s.watermark), "%s: the watermark went back", s.name)
	if c.rep.Status == report.Succeeded {
		c.end = c.rep.Until.UTC()
		require.WithinDuration(t, c.begun.Add(-5*time.Minute), c.end, 2*time.Second, "%s: end", s.name)
		require.Zero(t, c.created(c.mark, c.end), "run %d, %s: the watermark %s is behind records that were read", c.runs, s.name, c.mark)
	}
}

// created counts what was created in a range of time and was there when the run
// ended.
func (c *checking) created(since, until time.Time) (n int) {
	if !since.Before(until) {
		return 0
	}
	c.at(c.begun, func() {
		c.server.Each(c.s.name, since, until, func(simapi.Record) bool {
			n++
			return true
		})
	})
	return n
}

// changed tells whether the contract has changed.
func (m *merchant) changed() bool {
	at := m.plan.config.ContractChange
	return !at.IsZero() && !m.now().Before(at)
}

// claimed collects the partitions that the report says were read and committed.
func (c *checking) claimed() {
	for _, r := range c.rep.Reads {
		if r.Version < 0 {
			continue
		}
		require.False(c.t, r.ReadAt.Before(c.begun) || r.ReadAt.After(c.ended), "%s: read at %s, in a run from %s to %s", c.s.name, r.ReadAt, c.begun, c.ended)
		if r.Since.IsZero() {
			c.reads[""] = nil
			continue
		}
		for at := r.Since; at.Before(r.Until); at = c.s.spec.Next(at) {
			v := c.s.spec.Of(at)
			c.reads[v] = append(c.reads[v], span{at, earliest(r.Until, c.s.spec.Next(at))})
		}
	}
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// whole tells whether a partition was read from its start to its end or the
// watermark.
func (c *checking) whole(v partitioning.Value) bool {
	spans, ok := c.reads[v]
	if !ok || v == "" {
		return ok
	}
	slices.SortFunc(spans, func(a, b span) int { return a.since.Compare(b.since) })
	at, until := c.rangeOf(c.s, v, c.end)
	for _, s := range spans {
		if s.since.After(at) {
			return false
		}
		if s.until.After(at) {
			at = s.until
		}
	}
	return !at.Before(until)
}

// lake compares every partition of the table with what it must hold now.
func (c *checking) lake() {
	var err error
	c.snapshot, err = c.s.lake.Load(c.t.Context())
	require.NoError(c.t, err)
	values := map[partitioning.Value]bool{}
	for v := range c.snapshot.Partitions() {
		values[v] = true
	}
	for v := range c.s.parts {
		values[v] = true
	}
	for v := range c.reads {
		values[v] = true
	}
	for v := range values {
		c.partition(v)
	}
}

func (c *checking) partition(v partitioning.Value) {
	before := c.s.parts[v]
	if before == nil {
		before = &part{rows: map[string]uint64{}}
	}
	if !c.whole(v) {
		if !c.holds(v, before) {
			c.s.parts[v] = c.merged(v, before)
			c.late(v, before, c.s.parts[v])
		}
		return
	}
	digest, _ := c.digest(c.s, v, c.begun, c.end)
	if digest == before.digest && digest != 0 && c.holds(v, before) {
		before.read, before.as, before.end = c.begun, c.begun, c.end
		return
	}
	after := c.read(v)
	after.read = c.begun
	c.removed += c.gone(before, after)
	c.late(v, before, after)
	c.s.parts[v] = after
}

// gone counts the records that a partition lost. Where the source gave all of
// them other keys it is the difference of their numbers.
func (c *checking) gone(before, after *part) (n int) {
	if at := c.plan.config.ContractChange; c.s.name == simapi.Payables && before.read.Before(at) && !c.begun.Before(at) {
		return max(len(before.rows)-len(after.rows), 0)
	}
	for key := range before.rows {
		if _, ok := after.rows[key]; !ok {
			n++
		}
	}
	return n
}

// holds tells whether the log says that a partition has exactly these rows.
func (c *checking) holds(v partitioning.Value, p *part) bool {
	rows, sum, known, _ := c.snapshot.Partition(v)
	return known && rows == int64(len(p.rows)) && sum == p.sum
}

// read gives what a partition holds that was read in this run: the truth of one
// moment in it, or rows that are each the truth of some moment in it.
func (c *checking) read(v partitioning.Value) *part {
	first := c.truth(c.s, v, c.begun, c.end)
	if c.holds(v, first) {
		return first
	}
	last := c.truth(c.s, v, c.ended, c.end)
	if c.holds(v, last) {
		return last
	}
	c.mixed = true
	have, extracted := c.rows(v)
	for key, f := range have.rows {
		ok := f == first.rows[key] || f == last.rows[key] || f == c.truth(c.s, v, extracted[key], c.end).rows[key]
		require.True(c.t, ok, "run %d, %s %s: row %s is not what the merchant has", c.runs, c.s.name, v, key)
	}
	for key := range first.rows {
		_, there := last.rows[key]
		_, ok := have.rows[key]
		require.True(c.t, ok || !there, "run %d, %s %s: row %s is missing", c.runs, c.s.name, v, key)
	}
	return have
}

// merged gives what a partition holds that was not read in whole: the rows of
// before, but for those that a merge by key brought.
func (c *checking) merged(v partitioning.Value, before *part) *part {
	have, extracted := c.rows(v)
	have.read, have.at = before.read, maps.Clone(before.at)
	if have.at == nil {
		have.at = map[string]time.Time{}
	}
	first, last := c.truth(c.s, v, c.begun, time.Time{}), c.truth(c.s, v, c.ended, time.Time{})
	for key, f := range have.rows {
		if f == before.rows[key] {
			continue
		}
		require.False(c.t, extracted[key].Before(c.begun), "run %d, %s %s: row %s changed and is older than the run", c.runs, c.s.name, v, key)
		ok := f == first.rows[key] || f == last.rows[key] || f == c.truth(c.s, v, extracted[key], time.Time{}).rows[key]
		require.True(c.t, ok, "run %d, %s %s: merged row %s is not what the merchant has", c.runs, c.s.name, v, key)
		have.at[key] = c.begun
	}
	for key := range before.rows {
		_, ok := have.rows[key]
		require.True(c.t, ok, "run %d, %s %s: row %s vanished", c.runs, c.s.name, v, key)
	}
	require.True(c.t, c.holds(v, have), "%s %s: the log tells of other rows than the files hold", c.s.name, v)
	if maps.Equal(have.rows, first.rows) {
		have.digest, have.as = first.digest, first.as
	}
	return have
}

// rows reads a partition's rows from its files.
func (c *checking) rows(v partitioning.Value) (*part, map[string]time.Time) {
	p, extracted := &part{rows: map[string]uint64{}}, map[string]time.Time{}
	lake := c.s.lake
	for f := range c.snapshot.Files() {
		if f.Partition != v {
			continue
		}
		require.NoError(c.t, lake.ReadFile(c.t.Context(), f, nil, func(b arrow.RecordBatch) error {
			c.s.collect(b, p.rows, extracted)
			return nil
		}))
	}
	for _, f := range p.rows {
		p.sum += f
	}
	return p, extracted
}

// counts checks the numbers of the report.
func (c *checking) counts() {
	if c.rep.Status != report.Succeeded || c.mixed {
		return
	}
	for _, r := range c.rep.Reads {
		if r.Version < 0 || r.Since.IsZero() {
			continue
		}
		rows := int64(0)
		for at := r.Since; at.Before(r.Until); at = c.s.spec.Next(at) {
			rows += int64(len(c.s.parts[c.s.spec.Of(at)].rows))
		}
		require.Equal(c.t, rows, r.Rows, "run %d, %s: rows of the window from %s to %s", c.runs, c.s.name, r.Since, r.Until)
	}
	require.Equal(c.t, int64(c.removed), c.rep.Removed, "run %d, %s: records removed", c.runs, c.s.name)
	require.Equal(c.t, c.snapshot.Version(), c.rep.TableVersion, "%s", c.s.name)
}
