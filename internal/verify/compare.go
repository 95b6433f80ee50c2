package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// comparer compares windows of the source with the lake, record by record.
type comparer struct {
	v      *verifier
	o      Options
	t      Target
	reader *extract.Reader
	lake   *lake
	out    *collector
	rep    *Stream

	index    *index
	rejected int64 // records of the source that do not fit the table

	clock     *clock
	counted   map[partitioning.Value]map[string]int64
	countedOf *lake
	marks     bool // rows may be marked as deleted

	told map[partitioning.Value]bool // partitions whose doubled and misplaced rows were reported
}

// leaf compares a window that is narrow, or has to be split.
func (c *comparer) leaf(ctx context.Context, w window.Window) error {
	for pending := []window.Window{w}; len(pending) > 0; {
		err := c.confirmed(ctx, pending[0])
		var wide *extract.TooWideError
		switch {
		case errors.As(err, &wide):
			pending = append(slices.Clone(wide.Parts), pending[1:]...)
			continue
		case err != nil:
			return fmt.Errorf("compare %s: %w", pending[0], err)
		}
		pending = pending[1:]
	}
	return nil
}

// ranges compares a range of the source with the lake, window by window in the
// order of time.
func (c *comparer) ranges(ctx context.Context, rng window.Window) error {
	planned, err := c.reader.Prepare(ctx, rng)
	if err != nil {
		return fmt.Errorf("plan %s: %w", rng, err)
	}
	for _, w := range planned {
		if err := c.leaf(ctx, w); err != nil {
			return err
		}
		c.v.progress(c.t, c.rep, done(rng, w.Until))
	}
	return nil
}

// done is the part of a range that lies before a time.
func done(rng window.Window, until time.Time) float64 {
	if rng.IsZero() || rng.Length() <= 0 {
		return 0
	}
	return float64(until.Sub(rng.Since)) / float64(rng.Length())
}

// confirmed compares a window. What differs counts only if the newest version of
// the table has these files still: a sync may have replaced them meanwhile.
func (c *comparer) confirmed(ctx context.Context, w window.Window) error {
	for try := 1; ; try++ {
		found, err := c.window(ctx, w)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(found.drafts, func(d *draft) bool { return d.count > 0 }) {
			c.took(found)
			return nil
		}
		now, err := load(ctx, c.t.Lake)
		if err != nil {
			return err
		}
		same := func(v partitioning.Value) bool { return sameFiles(c.lake, now, v) }
		if try == confirmTries || !slices.ContainsFunc(c.index.values, func(v partitioning.Value) bool { return !same(v) }) {
			c.out.add(found.drafts...)
			c.took(found)
			return nil
		}
		c.lake, c.index = now, nil
	}
}

func (c *comparer) took(found *found) {
	c.index.told = true
	for _, v := range c.index.values {
		c.told[v] = true
	}
	c.rep.Windows++
	c.rep.LakeRows += found.lakeRows
	c.rejected += int64(found.rejected)
	total := found.sourceRows
	if c.rep.SourceRows != nil {
		total += *c.rep.SourceRows
	}
	c.rep.SourceRows = &total
}

// found is what the comparison of a window gave.
type found struct {
	drafts     []*draft
	lakeRows   int64
	sourceRows int64
	rejected   int
}

// window reads a window of the source and compares it with the index.
func (c *comparer) window(ctx context.Context, w window.Window) (*found, error) {
	if !c.index.holds(c.lake, w) {
		var err error
		if c.index, err = c.newIndex(ctx, w); err != nil {
			return nil, err
		}
	}
	m := newMatch(c, w)
	defer m.release()
	result, err := c.reader.Read(ctx, w, m)
	if err != nil {
		m.undo()
		return nil, err
	}
	if result.Rows != nil {
		err = m.Chunk(result.Rows)
		result.Rows.Release()
		if err != nil {
			return nil, err
		}
	}
	out := &found{sourceRows: int64(result.Kept), rejected: result.Rejected}
	out.lakeRows = m.leftOver()
	if err := m.name(ctx); err != nil {
		return nil, err
	}
	out.drafts = []*draft{m.missing, m.extra, m.changed, m.stale}
	if !c.index.told {
		more, err := c.tell(ctx)
		if err != nil {
			return nil, err
		}
		out.drafts = append(out.drafts, more...)
	}
	return out, nil
}

// tell reports what the index alone shows: rows in the wrong place, keys that
// stand twice.
func (c *comparer) tell(ctx context.Context) ([]*draft, error) {
	var out []*draft
	for _, v := range c.index.values {
		if !c.told[v] {
			out = append(out, c.index.misplaced[v], c.index.miscounted(v))
		}
	}
	out = slices.DeleteFunc(out, func(d *draft) bool { return d == nil })
	doubled := c.index.doubled()
	times := map[string][]partitioning.Value{}
	values := slices.DeleteFunc(slices.Clone(c.index.values), func(v partitioning.Value) bool { return c.told[v] && c.index.whole })
	err := c.v.eachKey(ctx, c.t, c.lake, values, doubled, c.t.keyColumns(), func(_ uint64, p place, b arrow.RecordBatch, i int) error {
		if !deletedIn(b)(i) {
			times[p.key] = append(times[p.key], p.partition)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return append(out, doubledDrafts(times)...), nil
}

// match compares the rows of one window as they come.
type match struct {
	c *comparer
	x *index
	w window.Window

	marked                         []int // entries that were seen in this attempt
	missing, extra, changed, stale *draft
	extras                         map[uint64]bool     // to be named
	samples                        map[uint64]*draft   // rows whose fields are to be named
	rows                           []arrow.RecordBatch // these rows
}

var _ extract.Spill = (*match)(nil)

func newMatch(c *comparer, w window.Window) *match {
	m := &match{c: c, x: c.index, w: w}
	m.begin()
	return m
}

func (m *match) begin() {
	w := m.w // findings outlive the match, which holds an index
	one := func(kind string) *draft {
		d := &draft{kind: kind}
		if !w.IsZero() {
			d.find.Since, d.find.Until = &w.Since, &w.Until
		}
		return d
	}
	m.marked = m.marked[:0]
	m.missing, m.extra, m.changed, m.stale = one(Missing), one(Extra), one(Changed), one(Stale)
	m.extras, m.samples = map[uint64]bool{}, map[uint64]*draft{}
	m.release()
}

func (m *match) release() {
	for _, r := range m.rows {
		r.Release()
	}
	m.rows = nil
}

func (m *match) undo() {
	for _, i := range m.marked {
		m.x.seen[i] = false
	}
	m.begin()
}

// Discard implements [extract.Spill].
func (m *match) Discard() error {
	m.undo()
	return nil
}

// Chunk implements [extract.Spill].
func (m *match) Chunk(b arrow.RecordBatch) error {
	keys, prints := schema.KeyHashes(b, m.c.t.Table.Key), schema.Fingerprint(b)
	for i, key := range keys {
		from, to := m.x.find(key)
		if from == to {
			m.missing.key(keyText(b, m.c.t.Table.Key, i))
			m.place(m.missing, b, i)
			continue
		}
		same := false
		for at := from; at < to; at++ {
			if !m.x.seen[at] {
				m.x.seen[at] = true
				m.marked = append(m.marked, at)
			}
			same = same || m.x.entries[at].print == prints[i]
		}
		if !same {
			if err := m.differs(b, i, m.x.entries[from]); err != nil {
				return err
			}
		}
	}
	return nil
}

// place notes the partition of a row of the source.
func (m *match) place(d *draft, b arrow.RecordBatch, i int) {
	us, _ := microsOf(columnOf(b, m.c.t.Table.Time), i)
	d.at(m.c.t.Spec.Of(time.UnixMicro(us)))
}

// differs notes a record whose values are others than at the source.
func (m *match) differs(b arrow.RecordBatch, i int, have entry) error {
	d := m.changed
	if updated, ok := microsOf(columnOf(b, m.c.t.Table.Updated), i); ok && updated > have.extracted {
		d = m.stale
	}
	d.key(keyText(b, m.c.t.Table.Key, i))
	m.place(d, b, i)
	if m.c.t.Spec.Column != "" && m.c.t.Table.Time != "" {
		d.at(m.c.t.Spec.Of(time.UnixMicro(have.at))) // the record may have moved
	}
	if len(m.rows) >= maxKeys {
		return nil
	}
	row, err := copyRow(b, i)
	if err != nil {
		return err
	}
	m.rows = append(m.rows, row)
	m.samples[have.key] = d
	return nil
}

// leftOver notes what the source did not list, and counts the records of the
// window in the lake.
func (m *match) leftOver() (rows int64) {
	for i, e := range m.x.entries {
		at := time.UnixMicro(e.at)
		if !m.w.IsZero() && (at.Before(m.w.Since) || !at.Before(m.w.Until)) {
			continue
		}
		rows++
		if m.x.seen[i] {
			continue
		}
		m.extra.count++
		if m.c.t.Spec.Column != "" {
			m.extra.at(m.c.t.Spec.Of(at))
		} else {
			m.extra.at("")
		}
		if len(m.extras) < maxKeys {
			m.extras[e.key] = true
		}
	}
	return rows
}

// name reads the lake again for the keys and fields that are to be named.
func (m *match) name(ctx context.Context) error {
	values := slices.Concat(m.extra.where, m.changed.where, m.stale.where)
	slices.Sort(values)
	values = slices.Compact(values)
	if err := m.nameExtras(ctx, values); err != nil {
		return err
	}
	byKey := map[uint64]arrow.RecordBatch{}
	wanted := map[uint64]bool{}
	for _, row := range m.rows {
		h := schema.KeyHashes(row, m.c.t.Table.Key)[0]
		byKey[h], wanted[h] = row, true
	}
	return m.c.v.eachKey(ctx, m.c.t, m.c.lake, values, wanted, nil, func(h uint64, _ place, b arrow.RecordBatch, i int) error {
		if d := m.samples[h]; d != nil && !deletedIn(b)(i) {
			d.fields = append(d.fields, differingFields(byKey[h], 0, b, i)...)
		}
		return nil
	})
}

func (m *match) nameExtras(ctx context.Context, values []partitioning.Value) error {
	return m.c.v.eachKey(ctx, m.c.t, m.c.lake, values, m.extras, m.c.t.keyColumns(), func(_ uint64, p place, b arrow.RecordBatch, i int) error {
		if !deletedIn(b)(i) && len(m.extra.keys) < maxKeys && !slices.Contains(m.extra.keys, p.key) {
			m.extra.keys = append(m.extra.keys, p.key)
		}
		return nil
	})
}
