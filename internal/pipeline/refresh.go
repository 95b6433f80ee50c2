package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// refreshing is one pass over the partitions of a stream that lie behind its
// lookback.
type refreshing struct {
	job      *job
	table    *delta.Snapshot
	list     []aged // oldest first
	now      time.Time
	kept     *kept
	begun    time.Time
	requests int64 // that the stream had sent when the pass began
	begin    bool  // the first range was let through
	out      renewal
}

// refresh reads partitions behind the lookback again, those that the tiers say
// are due, and those of which a cheap question tells that they are not what the
// lake holds. The longest unread come first, within the budget; the rest is
// due next time. It does nothing in a run that reads everything, or a part, and
// for a stream without tiers.
func (j *job) refresh(ctx, readCtx context.Context) error {
	o := j.run.opts
	if j.s.Full || j.s.Only != nil || o.Backfill != nil || len(j.s.Refresh) == 0 || o.RefreshFor <= 0 && o.RefreshRequests <= 0 || readCtx.Err() != nil {
		return nil
	}
	p := &refreshing{job: j, begun: time.Now(), requests: j.reader.Facts().Requests, now: o.Now().UTC()}
	if rng := agedRange(j.s, j.base, j.watermark, p.now); rng.IsZero() || rng.Empty() {
		return nil
	}
	if err := p.look(ctx); err != nil {
		return fmt.Errorf("look what is due to be read again: %w", err)
	}
	due := slices.DeleteFunc(slices.Clone(p.list), func(a aged) bool { return !a.due(p.now) })
	j.rep.Refresh = &report.Refresh{Due: len(due)}
	err := p.calibrate(readCtx)
	var named []aged
	if err == nil {
		named, err = p.ask(ctx, readCtx)
	}
	if err == nil {
		wanted := append(named, due...)
		oldestRead(wanted)
		err = p.read(ctx, readCtx, values(wanted))
	}
	p.settle(due)
	return err
}

// look finds out what is known of the partitions.
func (p *refreshing) look(ctx context.Context) (err error) {
	j := p.job
	if p.table = j.base; j.rep.TableVersion != j.base.Version() {
		if p.table, err = j.s.Lake.Load(ctx); err != nil {
			return err
		}
	}
	var reads []report.WindowRead
	history, err := j.run.history(ctx)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		j.rep.Warn("the history of windows cannot be read, so more than what is due is read again: " + err.Error())
	case history != nil:
		reads = history(j.s.Connection, j.s.Name(), j.s.Path)
	}
	if p.kept, err = loadKept(ctx, j, p.table.TableID()); err != nil {
		return err
	}
	own := j.rep.Reads // of this run, also of its other passes
	p.list = agedPartitions(j.s, p.table, j.watermark, p.now, slices.Concat(reads, own, p.kept.reads(j.s.Spec)))
	p.kept.forget(agedPartitions(j.s, p.table, j.watermark, p.now, reads))
	return nil
}

// calibrate finds out how exact the creation filter is, where that is not known:
// every range would be asked with wide margins, and nothing could be counted.
func (p *refreshing) calibrate(ctx context.Context) error {
	if len(p.list) == 0 {
		return nil
	}
	rng := window.Window{Since: p.list[0].window.Since, Until: p.list[len(p.list)-1].window.Until}
	if err := p.job.reader.Calibrate(ctx, rng); err != nil {
		return fmt.Errorf("look at older partitions: %w", err)
	}
	return nil
}

// read reads partitions again as far as the budget goes.
func (p *refreshing) read(ctx, readCtx context.Context, list []partitioning.Value) error {
	r, err := p.job.renew(ctx, readCtx, list, renewOptions{proceed: p.proceed, most: p.most, committed: p.committed})
	p.out.read = append(p.out.read, r.read...)
	p.out.changed = append(p.out.changed, r.changed...)
	p.out.left = append(p.out.left, r.left...)
	return err
}

// committed remembers what was read, for the case that the run is killed before
// it is in the history.
func (p *refreshing) committed(ctx context.Context, values []partitioning.Value, at time.Time) {
	if err := p.kept.add(ctx, p.job, values, at); err != nil {
		p.job.rep.Warn("if this run is killed, what it read again is read once more: " + err.Error())
	}
}

// sent is the number of requests of the pass.
func (p *refreshing) sent() int64 { return p.job.reader.Facts().Requests - p.requests }

// proceed reports whether the budget is not used up. One range is read whatever
// the questions cost: else a small budget would never read anything.
func (p *refreshing) proceed() bool {
	if !p.begin {
		p.begin = true
		return true
	}
	o := p.job.run.opts
	return (o.RefreshFor <= 0 || time.Since(p.begun) < o.RefreshFor) && (o.RefreshRequests <= 0 || p.sent() < o.RefreshRequests)
}

// most is how many rows the rest of the budget is enough for.
func (p *refreshing) most() int64 {
	size := int64(max(p.job.reader.Facts().PageSize, 1))
	requests := p.budget() - p.sent()
	if rate := p.job.s.Client.Rate(p.job.s.Endpoint); rate > 0 && p.job.run.opts.RefreshFor > 0 {
		requests = min(requests, int64((p.job.run.opts.RefreshFor-time.Since(p.begun)).Minutes()*rate))
	}
	return max(requests, 1)*size - 1 // after a full page another is asked
}

// unbounded is the number of requests of a budget that nothing bounds: one of
// time, at a rate without a limit.
const unbounded = int64(1) << 32

// budget is how many requests the pass may send, about.
func (p *refreshing) budget() int64 {
	return refreshBudget(p.job.run.opts, p.job.s.Client.Rate(p.job.s.Endpoint))
}

// refreshBudget is the budget of a run in requests, at so many a minute.
func refreshBudget(o Options, rate float64) int64 {
	n := unbounded
	if o.RefreshRequests > 0 {
		n = o.RefreshRequests
	}
	if o.RefreshFor > 0 && rate > 0 {
		n = min(n, int64(o.RefreshFor.Minutes()*rate))
	}
	return n
}

// settle puts the pass into the report.
func (p *refreshing) settle(due []aged) {
	rep := p.job.rep.Refresh
	rep.Read, rep.Changed, rep.Requests = len(p.out.read), len(p.out.changed), p.sent()
	done := map[partitioning.Value]bool{}
	for _, v := range p.out.read {
		done[v] = true
	}
	for _, a := range due {
		if done[a.value] {
			continue
		}
		rep.Left++
		if at := a.dueAt(); !at.IsZero() && (rep.OldestDue == nil || at.Before(*rep.OldestDue)) {
			rep.OldestDue = &at
		}
	}
}
