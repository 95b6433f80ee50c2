package extract

import (
	"context"
	"fmt"
	"time"

	"github.com/paylake/paylake/extract/window"
)

// Estimate is what the first page of a range tells about it.
type Estimate struct {
	Rows  int64 // reported, counted or estimated
	Known bool  // Rows is what the source reports, or was counted
	Page  int   // records of a full page, as far as the answers show; 0 = there are none
}

// Probe asks for the first page of a range (of each state, where the list is
// asked by state) and, where no total is reported, for whether there is more.
// It shows whether the stream may be read, and about how many records the range
// holds. The zero window is the whole list. Errors as Read.
func (r *Reader) Probe(ctx context.Context, rng window.Window) (Estimate, error) {
	root, err := r.root(ctx, rng, exactMargin)
	if err != nil {
		return Estimate{}, r.explain(ctx, rng, err)
	}
	return root.Estimate, nil
}

// Prepare looks at a range before it is read: it finds out how precisely the
// creation filter works, and returns the windows to start with, oldest first,
// which rebuild rng exactly. They are few and may be too wide: Read splits
// them where the rows are. Without a creation filter, or when the filter has
// no effect, rng is the only window. Errors as Read.
func (r *Reader) Prepare(ctx context.Context, rng window.Window) ([]window.Window, error) {
	if rng.IsZero() || rng.Empty() || r.ep.SinceParam == "" {
		return []window.Window{rng}, nil
	}
	root, err := r.root(ctx, rng, daysMargin)
	if err != nil {
		return nil, r.explain(ctx, rng, err)
	}
	if root.newest.IsZero() || r.cheapAsOne(root, rng) {
		return []window.Window{rng}, nil
	}
	found, err := r.calibrate(ctx, root.newest, root.state)
	if err != nil {
		return nil, r.explain(ctx, rng, err)
	}
	r.learned.setFilter(found)
	if found == noEffect {
		r.client.opts.Log.Warn("the creation filter has no effect: the list is read as a whole", "stream", r.stream())
		return []window.Window{rng}, nil
	}
	if pieces := rng.Split(root.pieces, r.opts.Grid, r.resolution()); pieces != nil {
		return pieces, nil
	}
	return []window.Window{rng}, nil
}

// cheapAsOne reports whether a range fits one window and asking for its wide
// margins costs no more than the two requests that would find out how exact
// the filter is.
func (r *Reader) cheapAsOne(found root, rng window.Window) bool {
	extra := float64(found.Rows) * float64(2*daysMargin) / float64(rng.Length())
	return found.pieces == 1 && extra <= float64(2*r.learned.pageSize())
}

// root is what the first page of a range, or of each of its states, says.
type root struct {
	Estimate
	newest time.Time // of a record of the page; zero if there is none
	state  string    // the list that has it
	pieces int       // to cut the range into
}

func (r *Reader) root(ctx context.Context, rng window.Window, margin time.Duration) (root, error) {
	found := root{Estimate: Estimate{Known: true}, pieces: 1}
	states := r.ep.States
	if len(states) == 0 {
		states = []string{""}
	}
	for _, state := range states {
		if err := r.rootOf(ctx, rng, margin, state, &found); err != nil {
			return root{}, err
		}
	}
	return found, nil
}

// rootOf adds one list to what is known of a range.
func (r *Reader) rootOf(ctx context.Context, rng window.Window, margin time.Duration, state string, found *root) error {
	rd, err := r.begin(window.Window{}, nil)
	if err != nil {
		return err
	}
	defer r.end(rd)
	if err := rd.restart(); err != nil {
		return err
	}
	rd.window = rng
	rd.bound(margin)
	first, asked, err := rd.first(ctx, state)
	if err != nil || first.Records == 0 {
		return err
	}
	r.learned.sawRows(rd.dec.Rows(), rd.dec.Bytes())
	if found.newest.IsZero() {
		found.newest, found.state = first.Newest, state
	}
	rows, known, most, err := rd.size(ctx, first, asked, state)
	if err != nil {
		return err
	}
	found.Rows += int64(rows)
	found.Page = max(found.Page, first.Records)
	if first.total <= int64(first.Records) {
		found.Page = max(found.Page, asked) // it was not full
	}
	found.Known = found.Known && known
	if rows > tolerance*most {
		found.pieces = max(found.pieces, partsFor(rows, targetFill*most))
	}
	return nil
}

// size says how many rows the reading's window holds, whether that is known or
// estimated, and how many it should hold at most.
func (rd *reading) size(ctx context.Context, first page, asked int, state string) (rows float64, known bool, most float64, err error) {
	l, ep := &rd.r.learned, &rd.r.ep
	if ep.TotalPath != "" && first.total >= 0 {
		size := asked
		if first.total > int64(first.Records) {
			size = max(first.Records, 1)
		}
		return rd.inside(float64(first.total)), true, rd.r.maxRows(size), nil
	}
	all, err := rd.holdsAll(ctx, first, asked, state)
	if err != nil {
		return 0, false, 0, err
	}
	most = float64(first.Records)
	if l.paging() == speaksCursor {
		most = rd.r.maxRows(asked)
	}
	if all {
		return float64(first.Records), true, max(most, float64(first.Records)), nil
	}
	return rd.inside(density(first.Page, rd.asked())), false, most, nil
}

// holdsAll reports whether the first page of a list without a total is all of
// it.
func (rd *reading) holdsAll(ctx context.Context, first page, asked int, state string) (bool, error) {
	if rd.r.ep.Paging == ForwardCursor {
		spoken, ev, err := rd.settle(ctx, first)
		if err != nil || ev.proof != "" || spoken == speaksCursor {
			return first.cursor == "", err
		}
	}
	held, detail, err := rd.held(ctx, state, first, asked)
	return held && detail == "", err
}

// farAway is how far from what was asked a record may lie when the filter
// works by whole days of any time zone.
const farAway = 3 * day

// near is how far from what was asked a record may lie when the filter works
// to the second.
const near = 2 * second

// calibrate finds out how precisely the creation filter works, from a record
// that is known to exist at time at.
//
// A filter that works to the second finds the record in the seconds around it
// and not in those after it. One by whole days finds it in both, or, with an
// exclusive end, in neither. One without effect answers with records from far
// away, at the latest when asked for a time long past.
func (r *Reader) calibrate(ctx context.Context, at time.Time, state string) (precision, error) {
	at = at.UTC().Truncate(second)
	around, err := r.test(ctx, at.Add(-second), at.Add(2*second), state)
	if err != nil {
		return unknownPrecision, err
	}
	if around.records == 0 {
		wide, err := r.test(ctx, at.Add(-daysMargin), at.Add(daysMargin), state)
		if err != nil || wide.records > 0 && wide.distance <= farAway {
			return byDays, err
		}
		return noEffect, nil
	}
	after, err := r.test(ctx, at.Add(4*second), at.Add(5*second), state)
	if err != nil {
		return unknownPrecision, err
	}
	farthest := max(around.distance, after.distance)
	if farthest <= near {
		return exact, nil
	}
	past := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, since := range []time.Time{past, at.Add(farAway + day)} {
		if farthest > farAway {
			return noEffect, nil
		}
		far, err := r.test(ctx, since, since.Add(day), state)
		if err != nil {
			return unknownPrecision, err
		}
		farthest = max(farthest, far.distance)
	}
	if farthest > farAway {
		return noEffect, nil
	}
	return byDays, nil
}

// tested is what the filter let through.
type tested struct {
	records  int
	distance time.Duration // of the record farthest from what was asked
}

// test asks for the records between since and until. A source that refuses
// the range has a filter, and no such records.
func (r *Reader) test(ctx context.Context, since, until time.Time, state string) (tested, error) {
	rd, err := r.begin(window.Window{}, nil)
	if err != nil {
		return tested{}, err
	}
	defer r.end(rd)
	if err := rd.restart(); err != nil {
		return tested{}, err
	}
	rd.boundTo(since, until)
	p, _, err := rd.first(ctx, state)
	if refusesRange(err) {
		return tested{}, nil
	}
	if err != nil {
		return tested{}, fmt.Errorf("test the creation filter: %w", err)
	}
	found := tested{records: p.Records}
	if !p.Newest.IsZero() {
		found.distance = max(since.Sub(p.Oldest), p.Newest.Sub(until), 0)
	}
	return found, nil
}

func refusesRange(err error) bool {
	status := asStatus(err)
	return status == 400 || status == 412 || status == 422
}
