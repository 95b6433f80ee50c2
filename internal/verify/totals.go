package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
)

const (
	// firstRanges is into how many ranges a table is cut at first. A record too
	// many and one too few in the same range keep its total as it is.
	firstRanges = 16
	// bulkPages is how many pages of records are missing at least before their keys
	// are not read.
	bulkPages = 10
)

// counted is what the source says to how many records it has.
type counted struct {
	n     int64
	known bool
}

// count asks the source for the number of records of a window.
func (c *comparer) count(ctx context.Context, w window.Window, state string) (counted, error) {
	c.rep.Counts++
	n, ok, err := c.reader.Count(ctx, w, state)
	if err != nil {
		return counted{}, fmt.Errorf("count %s: %w", w, err)
	}
	return counted{n, ok}, nil
}

// bisection looks for the windows whose numbers of records differ.
type bisection struct {
	c      *comparer
	page   int64
	leaves []window.Window
	bulks  []bulk

	suspects []partitioning.Value // the log's number of rows is not that of the rows by their times
}

// totals compares a range by numbers of records, and reads only what differs.
// Where the source cannot tell numbers the windows are read, and the keys
// compared.
func (c *comparer) totals(ctx context.Context, rng window.Window) error {
	if err := c.calibrate(ctx, rng); err != nil {
		return err
	}
	pieces := rng.Split(firstRanges, c.t.Spec, time.Second)
	if pieces == nil {
		pieces = []window.Window{rng}
	}
	facts := c.reader.Facts()
	if facts.Filter == "" && c.t.Endpoint.TotalPath != "" && facts.Totals != "missing" {
		return c.few(ctx, rng)
	}
	b := &bisection{c: c, page: int64(max(facts.PageSize, 1))}
	first, err := c.count(ctx, pieces[0], "")
	if err != nil {
		return err
	}
	if !first.known {
		return c.uncounted(ctx, rng)
	}
	c.rep.by(byTotals)
	c.rep.Partitions += len(partitionsOf(c.t.Spec, c.lake, rng))
	if err := b.whole(ctx, pieces, first); err != nil {
		return err
	}
	if err := b.states(ctx, pieces); err != nil {
		return err
	}
	return b.read(ctx)
}

// few compares a range that holds so few records that nobody measured the filter.
func (c *comparer) few(ctx context.Context, rng window.Window) error {
	c.rep.by(byContents)
	c.rep.Partitions += len(partitionsOf(c.t.Spec, c.lake, rng))
	if err := c.ranges(ctx, rng); err != nil {
		return err
	}
	c.rep.note(fmt.Sprintf("the range holds so few records that all were read and compared: %d requests", c.reader.Facts().Requests))
	return nil
}

// calibrate finds out how exact the creation filter is, unless the range holds so
// few records that to read them costs no more than to count them.
func (c *comparer) calibrate(ctx context.Context, rng window.Window) error {
	if _, err := c.reader.Prepare(ctx, rng); err != nil {
		return fmt.Errorf("plan %s: %w", rng, err)
	}
	facts := c.reader.Facts()
	rows, err := c.liveRows(ctx, rng, "")
	if err != nil || facts.Filter != "" || c.t.Endpoint.TotalPath == "" || rows <= int64(firstRanges*max(facts.PageSize, 1)) {
		return err
	}
	if err := c.reader.Calibrate(ctx, rng); err != nil {
		return fmt.Errorf("look at %s: %w", rng, err)
	}
	return nil
}

// uncounted reads all windows, since the source cannot be asked for numbers, and
// compares the records: they cost no request more than their keys would.
func (c *comparer) uncounted(ctx context.Context, rng window.Window) error {
	before := c.reader.Facts().Requests
	c.rep.by(byContents)
	c.rep.Partitions += len(partitionsOf(c.t.Spec, c.lake, rng))
	if err := c.ranges(ctx, rng); err != nil {
		return err
	}
	c.rep.note(fmt.Sprintf("%s, so %d windows were read and their records compared: %d requests", c.whyUncounted(), c.rep.Windows, c.reader.Facts().Requests-before))
	return nil
}

// whyUncounted says why the source cannot be asked for numbers.
func (c *comparer) whyUncounted() string {
	switch c.reader.Facts().Filter {
	case "days":
		return "the creation filter works by whole days only"
	case "none":
		return "the creation filter has no effect"
	}
	return "the source tells no numbers of records for this stream"
}

// whole compares the numbers of all records, piece by piece.
func (b *bisection) whole(ctx context.Context, pieces []window.Window, first counted) error {
	total := int64(0)
	for i, w := range pieces {
		got := first
		if i > 0 {
			var err error
			if got, err = b.c.count(ctx, w, ""); err != nil {
				return err
			}
		}
		have, err := b.c.liveRows(ctx, w, "")
		if err != nil {
			return err
		}
		total += got.n
		b.c.rep.LakeRows += have
		if err := b.descend(ctx, w, "", have, got.n); err != nil {
			return err
		}
		b.c.v.progress(b.c.t, b.c.rep, float64(i+1)/float64(len(pieces)+1))
	}
	if b.c.rep.SourceRows != nil {
		total += *b.c.rep.SourceRows
	}
	b.c.rep.SourceRows = &total
	return nil
}

// states compares the numbers of records by state, where the source tells them:
// that shows changes which no total shows.
func (b *bisection) states(ctx context.Context, pieces []window.Window) error {
	if b.c.t.Endpoint.SummaryPath == "" || b.c.t.Table.State == "" {
		return nil
	}
	rng := window.Window{Since: pieces[0].Since, Until: pieces[len(pieces)-1].Until}
	names, err := b.c.statesIn(ctx, rng)
	if err != nil {
		return err
	}
	for _, state := range names {
		if state == "" {
			continue // no filter asks for records without a state
		}
		got, err := b.c.count(ctx, rng, state)
		if err != nil || !got.known {
			return err
		}
		if err := b.among(ctx, pieces, state, got.n); err != nil {
			return err
		}
	}
	return nil
}

// among looks for the pieces whose numbers differ, of a stretch of which the
// source has a number of records. So the windows that are read for several states
// are the same.
func (b *bisection) among(ctx context.Context, pieces []window.Window, state string, got int64) error {
	rng := window.Window{Since: pieces[0].Since, Until: pieces[len(pieces)-1].Until}
	have, err := b.c.liveRows(ctx, rng, state)
	if err != nil || have == got {
		return err
	}
	if len(pieces) == 1 {
		return b.descend(ctx, rng, state, have, got)
	}
	half := len(pieces) / 2
	left, err := b.c.count(ctx, window.Window{Since: rng.Since, Until: pieces[half].Since}, state)
	if err != nil {
		return err
	}
	if err := b.among(ctx, pieces[:half], state, left.n); err != nil {
		return err
	}
	return b.among(ctx, pieces[half:], state, got-left.n)
}

// descend halves a window until what differs is small enough to be read.
func (b *bisection) descend(ctx context.Context, w window.Window, state string, have, got int64) error {
	if have == got || b.known(w) {
		return nil
	}
	if have == 0 && state == "" && got > bulkPages*b.page {
		b.bulks = append(b.bulks, bulk{w, got})
		return nil
	}
	all, err := b.c.liveRows(ctx, w, "")
	if err != nil {
		return err
	}
	halves := w.Split(2, b.c.t.Spec, time.Second)
	if max(all, have, got) <= b.page || len(halves) != 2 || !b.c.canCut(halves[0]) {
		b.leaves = append(b.leaves, w)
		return nil
	}
	return b.halve(ctx, halves[0], halves[1], state, have, got)
}

// halve compares the numbers of two neighbours, of which the sums are known.
func (b *bisection) halve(ctx context.Context, first, second window.Window, state string, have, got int64) error {
	left, err := b.c.count(ctx, first, state)
	if err != nil {
		return err
	}
	leftHas, err := b.c.liveRows(ctx, first, state)
	if err != nil {
		return err
	}
	rightHas, err := b.c.liveRows(ctx, second, state)
	if err != nil {
		return err
	}
	if leftHas+rightHas != have {
		b.suspects = append(b.suspects, b.c.t.Spec.Of(first.Since))
	}
	right := counted{n: got - left.n}
	if right.n < 0 { // something changed between the questions
		if right, err = b.c.count(ctx, second, state); err != nil {
			return err
		}
	}
	if err := b.descend(ctx, first, state, leftHas, left.n); err != nil {
		return err
	}
	return b.descend(ctx, second, state, rightHas, right.n)
}

// known reports whether a window will be read already, or was reported.
func (b *bisection) known(w window.Window) bool {
	return slices.ContainsFunc(b.leaves, func(l window.Window) bool { return contains(l, w) }) ||
		slices.ContainsFunc(b.bulks, func(k bulk) bool { return contains(k.window, w) })
}

// bulk is a window of which the lake has nothing at all: to read its keys would
// cost as much as to read it.
type bulk struct {
	window window.Window
	rows   int64 // of the source
}

// contains reports whether one window lies in another.
func contains(w, part window.Window) bool {
	return !part.Since.Before(w.Since) && !part.Until.After(w.Until)
}

// read compares the records of the windows that differ. Windows lie in each other
// or apart, since all come from the same halving: the larger ones are read.
func (b *bisection) read(ctx context.Context) error {
	slices.SortFunc(b.leaves, func(x, y window.Window) int { return cmp.Or(x.Since.Compare(y.Since), y.Until.Compare(x.Until)) })
	rep, odd := b.c.rep, 0
	rows, total := rep.LakeRows, rep.SourceRows
	var last window.Window
	for _, w := range b.leaves {
		if !last.IsZero() && contains(last, w) {
			continue
		}
		last = w
		b.bulks = slices.DeleteFunc(b.bulks, func(k bulk) bool { return contains(w, k.window) })
		before, rejected := b.c.differences(), b.c.rejected
		if err := b.c.leaf(ctx, w); err != nil {
			return err
		}
		if b.c.differences() == before && b.c.rejected == rejected && !slices.Contains(b.suspects, b.c.t.Spec.Of(w.Since)) {
			odd++
		}
	}
	for _, k := range b.bulks {
		if err := b.lost(ctx, k); err != nil {
			return err
		}
	}
	rep.LakeRows, rep.SourceRows = rows, total // the windows were counted before
	if odd > 0 {
		rep.warn(fmt.Sprintf("in %d windows the source reports other numbers of records than it lists; what it lists is in the lake", odd))
	}
	return b.inspect(ctx)
}

// lost reports a bulk, or reads it if a sync brought rows of it meanwhile.
func (b *bisection) lost(ctx context.Context, k bulk) error {
	now, err := load(ctx, b.c.t.Lake)
	if err != nil {
		return err
	}
	values := partitionsOf(b.c.t.Spec, now, k.window)
	if slices.ContainsFunc(values, func(v partitioning.Value) bool { return !sameFiles(b.c.lake, now, v) }) {
		return b.c.leaf(ctx, k.window)
	}
	d := &draft{kind: Missing, count: k.rows, where: values}
	d.find.Since, d.find.Until = &k.window.Since, &k.window.Until
	d.find.Detail = "the lake has nothing of this window; --deep names the keys"
	b.c.out.add(d)
	return nil
}

// inspect looks at partitions whose rows do not add up, in the lake alone.
func (b *bisection) inspect(ctx context.Context) error {
	slices.Sort(b.suspects)
	for _, v := range slices.Compact(b.suspects) {
		if err := b.c.inspect(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// inspect reports the rows of a partition that are in the wrong place or stand
// twice, and a number of rows in the log that is not true.
func (c *comparer) inspect(ctx context.Context, v partitioning.Value) error {
	start, err := c.t.Spec.Start(v)
	if err != nil {
		return nil // no row belongs there; --local tells
	}
	for try := 1; ; try++ {
		if c.index, err = c.newIndex(ctx, window.Window{Since: start, Until: c.t.Spec.Next(start)}); err != nil {
			return err
		}
		drafts, err := c.tell(ctx)
		if err != nil {
			return err
		}
		now, err := load(ctx, c.t.Lake)
		if err != nil {
			return err
		}
		if try == confirmTries || sameFiles(c.lake, now, v) {
			c.out.add(drafts...)
			c.told[v] = true
			return nil
		}
		c.lake = now
	}
}

func (c *comparer) differences() (n int64) {
	for _, d := range c.rep.Differences {
		n += d
	}
	return n
}
