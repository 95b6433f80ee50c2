package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/delta"
)

const (
	// feedOverlap is how far before its position the feed is looked at again:
	// its own stream reads that far back, and an entry may be listed late. Of these
	// entries only those count that were extracted since.
	feedOverlap = 3 * 24 * time.Hour

	// feedMended is how far back the feed is followed where no position is known.
	feedMended = 30 * 24 * time.Hour

	// feedLate is how old the newest entries may be before the operator is told.
	feedLate = 48 * time.Hour

	goneBelieved = 7 * 24 * time.Hour // when all records that the feed names are gone
	itemsAtOnce  = 200                // records that are read by key before they go to files
	itemsAtMost  = 20_000             // records that one run reads by key, whatever the budget
)

// feed follows the change feed: it learns which records changed from the table
// that the feed's own stream fills, reads those again by key and merges them. An
// entry tells what happened, not what is true now: only of a record that is gone
// is the entry's own copy used.
//
// Records of the range that this run has read by windows are left to it: it read
// them after every entry that is looked at. Entries that name nothing, or
// nothing that exists, cost nothing but their count. What the feed does not tell
// is found by the refresh.
func (j *job) feed(ctx, readCtx context.Context) error {
	if j.s.Feed == nil || j.s.Endpoint.ItemPath == "" || !j.mayFollow() {
		return nil
	}
	if err := j.waitForFeed(ctx, readCtx); err != nil {
		return err
	}
	f, err := j.openFeed(ctx)
	if f == nil || err != nil {
		return err
	}
	if err := f.collect(ctx); err != nil {
		return fmt.Errorf("look at the change feed: %w", err)
	}
	j.rep.Feed = &f.rep
	land := j.newLanding(ctx)
	defer land.drop()
	if err := f.follow(ctx, readCtx, land); err != nil {
		return err
	}
	done, err := j.mergeLanded(ctx, readCtx, land)
	if err != nil || !done || f.doubt {
		return err
	}
	state := &j.changes.state
	state.Feed, state.FeedSeen = state.Feed.move(f.until), earliest(f.newest, j.run.started)
	if !state.FeedRead.At.After(f.until) { // nothing is left that it covers
		state.FeedRead = covered{Since: land.until, At: j.run.started}
	}
	return j.storeChanges(ctx)
}

// waitForFeed waits until the feed's own stream has been read in this run. The
// first reading of a feed may take hours: nobody waits for that, the next run
// follows it.
func (j *job) waitForFeed(ctx, readCtx context.Context) error {
	filled := j.run.feeds[keysID(j.s.Connection, j.s.Feed.Stream)]
	if filled == nil {
		return nil
	}
	table, err := j.s.Feed.Lake.Load(ctx)
	if err != nil {
		return nil //nolint:nilerr // openFeed tells
	}
	if _, read := table.Mark(j.s.feedApp()); !read {
		return nil
	}
	return waitFor(readCtx, filled)
}

// feedApp is the application id of the watermark of the stream's change feed.
func (s Stream) feedApp() string { return "paylake/" + s.Connection + "/" + s.Feed.Stream }

// feedWalk is one look at the change feed.
type feedWalk struct {
	job          *job
	table        *delta.Snapshot
	since, until time.Time // entries to look at, by their creation
	seen         time.Time // entries before since that were extracted by then are known
	newest       time.Time // extraction of the newest entry
	most         int       // records to read by key at most
	wanted       map[string]*wanted
	rep          report.Feed
	doubt        bool // none of the records was found: the entries are followed again
}

// wanted is a record to be read by key.
type wanted struct{ first, last time.Time } // entries about it

// openFeed loads the feed's table and says which entries are new. It returns nil
// when there are none.
func (j *job) openFeed(ctx context.Context) (*feedWalk, error) {
	table, err := j.s.Feed.Lake.Load(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		j.rep.Warn(fmt.Sprintf("the change feed cannot be read, what it tells is found by the refresh: %v", err))
		return nil, nil
	}
	mark, ok := table.Mark(j.s.feedApp())
	if !ok {
		return nil, nil // the account does not have it, or it was never read to any end
	}
	if err := j.mendFeed(ctx, table); err != nil {
		return nil, err
	}
	state := &j.changes.state
	w := &feedWalk{
		job: j, table: table, wanted: map[string]*wanted{}, most: j.itemBudget(),
		since: j.sinceOf(state.Feed, "entries of the change feed"), seen: state.FeedSeen, newest: state.FeedSeen,
	}
	read := time.UnixMicro(mark).UTC()
	w.until = earliest(read, j.run.started)
	if late := j.run.started.Sub(read); late > feedLate {
		j.rep.Warn(fmt.Sprintf("the change feed was read up to %s only: what it does not tell yet is found later, or by the refresh", read.Format(time.RFC3339)))
	}
	if !w.until.After(w.since) {
		return nil, nil
	}
	return w, nil
}

// mendFeed gives the stream a position that can be true where a clock that was
// wrong left none: nothing that the feed's table holds of the last month was
// followed for certain.
func (j *job) mendFeed(ctx context.Context, table *delta.Snapshot) error {
	state := &j.changes.state
	if len(state.Feed) == 0 || !state.Feed[0].After(j.run.started) {
		return nil
	}
	at := j.run.started.Add(-feedMended)
	if oldest, ok := table.Oldest(); ok {
		if start, err := j.s.Feed.Spec.Start(oldest); err == nil {
			at = latest(at, start)
		}
	}
	j.rep.Warn("a run whose clock was wrong left no true position in the change feed: it is followed since " + at.Format(time.RFC3339))
	state.Feed, state.FeedSeen, state.FeedRead = positions{at}, at, covered{}
	return j.storeChanges(ctx)
}

// itemBudget is how many records a run may read by key: what the budget of
// refreshing allows, so that a storm of events does not hold the run for hours.
func (j *job) itemBudget() int {
	if n := j.run.opts.RefreshRequests; n > 0 {
		return int(min(n, itemsAtMost))
	}
	ep := j.s.Endpoint
	if ep.ItemLimit.Row != "" {
		ep.Limit = ep.ItemLimit
	}
	rate := j.s.Client.Rate(ep)
	if rate == 0 || j.run.opts.RefreshFor <= 0 {
		return itemsAtMost
	}
	return min(max(int(rate*j.run.opts.RefreshFor.Minutes()), 1), itemsAtMost)
}

// follow reads the records again, those first whose entry is oldest, and lands
// their rows. When they are too many it moves the end of the walk to the first
// entry that is left.
func (w *feedWalk) follow(ctx, readCtx context.Context, land *landing) error {
	ids := w.inOrder()
	if n := w.together(ids, w.most); n < len(ids) {
		w.cutAt(ids[n])
		ids = ids[:n]
	}
	var gone []string
	for len(ids) > 0 {
		n := min(len(ids), itemsAtOnce)
		missing, err := w.job.readItems(ctx, readCtx, ids[:n], land)
		if err != nil {
			return err
		}
		w.rep.Records += n - len(missing)
		gone, ids = append(gone, missing...), ids[n:]
		w.job.progress(false)
	}
	w.rep.Missing = len(gone)
	switch {
	case len(gone) == 0:
		return nil
	case w.rep.Records == 0 && w.doubtful(gone):
		w.job.rep.Warn(fmt.Sprintf("%s knows none of the %d records that the change feed names: if this goes on, check the permissions of the key; the entries are followed again by the next run",
			w.job.s.Endpoint.ItemPath, len(gone)))
		w.doubt = true
		return nil
	}
	return w.restore(ctx, gone, land)
}

// doubtful reports whether records that all seem to be gone may be there all the
// same: a key without permission, or a path that moved, looks like that. After a
// week without any record found it is believed.
func (w *feedWalk) doubtful(gone []string) bool {
	for _, id := range gone {
		if w.job.run.started.Sub(w.wanted[id].last) < goneBelieved {
			return true
		}
	}
	return false
}

// together is how many of the records to take so that those of entries of the same
// time stay together: the position tells entries apart by their time, and must
// move with every run.
func (w *feedWalk) together(ids []string, n int) int {
	for n > 0 && n < len(ids) && w.wanted[ids[n]].first.Equal(w.wanted[ids[n-1]].first) {
		n++
	}
	return min(n, len(ids))
}

// cutAt ends the walk before the first entry about a record, and counts what is
// left for the next run.
func (w *feedWalk) cutAt(id string) {
	w.until = w.wanted[id].first
	for _, one := range w.wanted {
		if !one.first.Before(w.until) {
			w.rep.Left++
		}
	}
	w.job.rep.Warn("the change feed names more records than one run reads by key: the rest is read by the next")
}

// readItems reads records by key and lands their rows. It returns the keys that
// the source does not have.
func (j *job) readItems(ctx, readCtx context.Context, ids []string, land *landing) ([]string, error) {
	held := j.expected.Load()
	if err := j.run.budget.acquire(readCtx, held, func() bool { return false }); err != nil {
		return nil, context.Cause(readCtx)
	}
	defer func() { j.run.budget.resize(held, 0) }()
	result, err := j.reader.ReadItems(readCtx, ids)
	if err != nil {
		return nil, err
	}
	return result.Missing, j.landRead(ctx, land, result)
}

// feedGates prepares a gate for every stream of the run that is a change feed. It
// opens when the stream has ended, well or not.
func feedGates(streams []Stream) map[string]chan struct{} {
	gates := map[string]chan struct{}{}
	for _, s := range streams {
		if s.Endpoint.Feed {
			gates[keysID(s.Connection, s.Name())] = make(chan struct{})
		}
	}
	return gates
}
