package extract

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/paylake/paylake/extract/window"
)

// ErrNoUpdateFilter says that the source ignores the filter by the time of the
// last change: its answer would be the whole list.
var ErrNoUpdateFilter = errors.New("the filter by the time of the last change has no effect")

// never is how far after the range a test asks: nothing was changed there.
const never = 366 * day

// allTimes is every time that a partition may have. A record without a time is
// a reject in it, as in any window.
var allTimes = window.Window{Since: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC)}

// ReadUpdated reads every record that changed between two times, by the clock
// of the source and whenever it was created, or fails. Which record changed when
// is not part of the records, so more than those of the range may come: where
// the filter may work by whole days, a day more is asked for on both sides. The rows
// and the proof are as of Read; a list by page without a total is read two
// times. Result.Window is zero. With createdBefore the source is asked for records
// created before it only, less exactly than it says: others may come all the same,
// and all come from a source that refuses to be asked for both.
//
// Errors: ErrNoUpdateFilter in the chain, where the source ignores the filter;
// else as Read, but never *TooWideError.
func (r *Reader) ReadUpdated(ctx context.Context, since, until, createdBefore time.Time, spill Spill) (Result, error) {
	if r.ep.UpdatedSince == "" {
		return Result{}, fmt.Errorf("read what changed of %s: its list has no such filter", r.stream())
	}
	rd, err := r.begin(window.Window{}, spill)
	if err != nil {
		return Result{}, err
	}
	defer r.end(rd)
	r.byUpdate(rd, since, until)
	if !createdBefore.IsZero() {
		rd.before = createdBefore.Add(daysMargin).UTC().Format(time.RFC3339)
	}
	rd.doubt = func() error { return r.testUpdates(ctx, until) }
	result, err := rd.read(ctx)
	if err == nil {
		return result, nil
	}
	if discardErr := rd.discard(); discardErr != nil {
		return Result{}, errors.Join(err, discardErr)
	}
	if rd.before != "" && refusesRange(err) {
		return r.ReadUpdated(ctx, since, until, time.Time{}, spill)
	}
	return Result{}, r.explainUpdates(ctx, since, err)
}

// byUpdate sets the filter of a reading to the time of the last change. The end
// is asked far enough away to hold everything up to now, whatever the clock of
// the source says.
func (r *Reader) byUpdate(rd *reading, since, until time.Time) {
	rd.params = filterParams{r.ep.UpdatedSince, r.ep.UpdatedUntil}
	rd.keep = allTimes
	if r.learned.filter() != exact { // the two filters of a list are taken to work alike
		since = since.Add(-day)
	}
	rd.boundTo(since.Add(-exactMargin), until.Add(daysMargin))
}

// testUpdates is called when an answer may be the first of many. It asks for what
// changed in a year's time, which is nothing. A source that answers with records
// ignores the filter; one that refuses the range has it.
func (r *Reader) testUpdates(ctx context.Context, until time.Time) error {
	rd, err := r.begin(window.Window{}, nil)
	if err != nil {
		return err
	}
	defer r.end(rd)
	if err := rd.restart(); err != nil {
		return err
	}
	rd.params = filterParams{r.ep.UpdatedSince, r.ep.UpdatedUntil}
	rd.boundTo(until.Add(never), until.Add(never+day))
	first, err := rd.fetch(ctx, ask{number: 1, size: 1, unpaged: r.ep.Paging == ForwardCursor && r.learned.paging() != speaksPages})
	switch {
	case refusesRange(err):
		return nil
	case err != nil:
		return err
	case first.Records > 0:
		return ErrNoUpdateFilter
	}
	return nil
}

func (r *Reader) explainUpdates(ctx context.Context, since time.Time, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("read what changed of %s since %s: %w", r.stream(), since.UTC().Format(time.RFC3339), err)
}
