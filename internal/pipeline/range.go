package pipeline

import (
	"fmt"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
)

// unfinishedFor is how long after its last commit a sync that did not end counts
// as the same refresh.
const unfinishedFor = 24 * time.Hour

// lake is what planning asks of a table's snapshot.
type lake interface {
	Oldest() (partitioning.Value, bool)
	Mark(app string) (int64, bool)
	MarkedAt(app string) time.Time
	TableID() string
}

// planRange says what a sync is about: whole partitions from the start, from
// where an incremental sync begins, or from the horizon, whichever is latest, up
// to the settled end; or the range of a backfill. A clock that was set back
// never moves the end behind the watermark, or behind what a backfill saw: rows
// that are in the table would look deleted.
func planRange(s Stream, l lake, watermark, now time.Time, opts Options) window.Window {
	until := now.Add(-opts.Settle).Truncate(time.Second)
	until = latest(latest(until, watermark), seen(s, l, now))
	since := s.Spec.Floor(s.Start)
	switch {
	case opts.Backfill != nil:
		whole := s.Whole(*opts.Backfill)
		since, until = whole.Since, earliest(until, whole.Until)
	case !watermark.IsZero() && !s.Full:
		since = latest(since, s.Spec.Floor(begin(s, l, watermark, now)))
	}
	if months := s.Endpoint.HorizonMonths; months > 0 {
		since = latest(since, firstWhole(s, l, now.AddDate(0, -months, 0)))
	}
	return window.Window{Since: since.UTC(), Until: until.UTC()}
}

// begin says where an incremental sync begins to read: the lookback before the
// watermark, since records change after they are created; or where a sync came
// to that did not end, since what it committed it has read just now. Without the
// second, a sync that is killed every hour would never get through a lookback
// that takes longer.
func begin(s Stream, l lake, watermark, now time.Time) time.Time {
	if at, ok := unfinished(s, l, now); ok {
		return at
	}
	return watermark.Add(-s.Lookback)
}

// unfinished returns how far a sync came that did not end, if that was lately.
func unfinished(s Stream, l lake, now time.Time) (time.Time, bool) {
	position, ok := l.Mark(s.positionApp())
	at := l.MarkedAt(s.positionApp())
	if !ok || position == 0 || at.IsZero() || now.Sub(at) > unfinishedFor || at.After(now) {
		return time.Time{}, false
	}
	return time.UnixMicro(position).UTC(), true
}

// seen returns up to which time a backfill has read the newest partition, which
// moves no watermark. One far in the future is a mistake of a clock.
func seen(s Stream, l lake, now time.Time) time.Time {
	mark, ok := l.Mark(s.seenApp())
	if at := time.UnixMicro(mark).UTC(); ok && at.Before(now.Add(24*time.Hour)) {
		return at
	}
	return time.Time{}
}

// seenApp is the application id under which the table remembers how far
// backfills read beyond the watermark.
func (s Stream) seenApp() string { return s.app() + "/seen" }

// positionApp is the application id under which the table remembers how far an
// incremental sync came that has not ended; 0 when it has.
func (s Stream) positionApp() string { return s.app() + "/position" }

// position is what the table must remember with a commit of how far this sync
// came. ok is false when there is nothing to remember or to forget.
func (j *job) position(last bool) (version int64, ok bool) {
	switch {
	case j.s.Full && j.record != nil, j.fill == nil && last:
		return 0, j.unfinished
	case j.fill == nil:
		return j.group.prefix.UnixMicro(), true
	}
	return 0, false
}

// checkClock refuses a watermark far in the future: a run whose clock was wrong
// left it there, and nothing new would be read until that time comes. A full
// sync sets it right.
func (j *job) checkClock() error {
	if !j.watermark.After(j.run.started.Add(24 * time.Hour)) {
		return nil
	}
	if !j.s.Full {
		return fmt.Errorf("the table's watermark %s lies in the future: check the clock of this machine, and of the one that wrote it; if that one was wrong, run `paylake sync --full` once",
			j.watermark.Format(time.RFC3339))
	}
	j.rep.Warn(fmt.Sprintf("the table's watermark %s lay in the future and is set back", j.watermark.Format(time.RFC3339)))
	j.watermark, j.misplaced = time.Time{}, true
	return nil
}

// firstWhole gives the start of the first partition that the source still
// answers in whole. The partition that the horizon cuts is read too as long as
// the lake holds nothing that old: then there is nothing to lose. Else a day is
// kept away from the edge, since nobody says whether months are counted by the
// hour or in whose days.
func firstWhole(s Stream, l lake, horizon time.Time) time.Time {
	cut := s.Spec.Of(horizon)
	if oldest, ok := l.Oldest(); ok && oldest <= cut {
		return s.Spec.Next(horizon.AddDate(0, 0, 1))
	}
	return s.Spec.Floor(horizon)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// warnRange tells the operator about a range that differs from what was asked
// for.
func (j *job) warnRange() {
	start := j.s.Start
	if b := j.run.opts.Backfill; b != nil {
		start = b.Since
	}
	first := j.watermark.IsZero() || j.run.opts.Backfill != nil
	if months := j.s.Endpoint.HorizonMonths; months > 0 && first && j.rng.Since.After(start) {
		j.rep.Warn(fmt.Sprintf("the source answers %d months back: read from %s instead of %s; older partitions stay as they are",
			months, j.rng.Since.Format(time.RFC3339), start.UTC().Format(time.RFC3339)))
	}
	if j.watermark.After(j.run.started) {
		j.rep.Warn(fmt.Sprintf("the clock is behind the table's watermark %s: check the clock of this machine", j.watermark.Format(time.RFC3339)))
	}
}
