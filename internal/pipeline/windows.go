package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
)

// windows syncs a stream that is read by windows of creation time.
func (j *job) windows(ctx, readCtx context.Context) error {
	j.rep.Sync = "incremental"
	if j.s.Full {
		j.rep.Sync = "full"
	}
	if err := j.checkClock(); err != nil {
		return err
	}
	j.rng = planRange(j.s, j.base, j.watermark, j.run.started, j.run.opts.Settle)
	if !j.rng.Until.After(j.rng.Since) {
		j.rep.Warn(fmt.Sprintf("nothing to read: start %s is not before %s", j.rng.Since.Format(time.RFC3339), j.rng.Until.Format(time.RFC3339)))
		return nil
	}
	j.warnRange()
	since, until := j.rng.Since, j.rng.Until
	j.rep.Since, j.rep.Until = &since, &until
	j.group = newGroup(j.rng.Since, time.Now())

	planned, err := j.reader.Prepare(readCtx, j.rng)
	if err != nil {
		return fmt.Errorf("plan %s: %w", j.rng, err)
	}
	return j.readAndWrite(ctx, readCtx, newQueue(planned))
}

// planRange says what a run reads: whole partitions from the start, the
// watermark less the lookback, or the horizon, whichever is latest, up to the
// settled end. A clock that was set back never moves the end behind the
// watermark: rows that are in the table would look deleted.
func planRange(s Stream, lake lake, watermark, now time.Time, settle time.Duration) window.Window {
	until := now.Add(-settle).Truncate(time.Second)
	if watermark.After(until) {
		until = watermark
	}
	since := s.Spec.Floor(s.Start)
	if !watermark.IsZero() && !s.Full {
		since = latest(since, s.Spec.Floor(watermark.Add(-s.Lookback)))
	}
	if months := s.Endpoint.HorizonMonths; months > 0 {
		since = latest(since, firstWhole(s, lake, now.AddDate(0, -months, 0)))
	}
	return window.Window{Since: since.UTC(), Until: until.UTC()}
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

// lake is what planning asks of a table's snapshot.
type lake interface {
	Oldest() (partitioning.Value, bool)
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

// warnRange tells the operator about a range that differs from what the
// configuration asks for.
func (j *job) warnRange() {
	if months := j.s.Endpoint.HorizonMonths; months > 0 && j.watermark.IsZero() && j.rng.Since.After(j.s.Start) {
		j.rep.Warn(fmt.Sprintf("the source answers %d months back: read from %s instead of %s; older partitions stay as they are",
			months, j.rng.Since.Format(time.RFC3339), j.s.Start.UTC().Format(time.RFC3339)))
	}
	if j.watermark.After(j.run.started) {
		j.rep.Warn(fmt.Sprintf("the clock is behind the table's watermark %s: check the clock of this machine", j.watermark.Format(time.RFC3339)))
	}
}

// readAndWrite reads the queue's windows in parallel and writes them in order.
// When reading ends early, what is proven complete is committed all the same.
func (j *job) readAndWrite(ctx, readCtx context.Context, q *queue) error {
	var writeErr error
	workers, workCtx := errgroup.WithContext(readCtx)
	for range j.run.opts.Workers {
		workers.Go(func() error { return j.readWindows(workCtx, q) })
	}
	workers.Go(func() error {
		writeErr = j.writeWindows(ctx, workCtx, q)
		return writeErr
	})
	readErr := workers.Wait()
	defer j.drop(q)
	if writeErr != nil {
		return writeErr
	}
	whole := readErr == nil
	if errors.Is(readErr, errStopped) {
		readErr = nil // not a fault of the stream
	}
	if err := j.writeEnded(ctx, q); err != nil {
		return errors.Join(readErr, err)
	}
	return errors.Join(readErr, j.finish(ctx, whole))
}

// failingWindows is how many windows in a row may use up their tries before
// the stream ends: the source is down then, not one of its pages.
const failingWindows = 3

// readWindows is one worker: it takes the oldest window that nobody reads
// until none is left. A window whose rows keep moving, or one of whose requests
// keeps failing, is an end of that window; any other error is an end of the
// stream.
func (j *job) readWindows(ctx context.Context, q *queue) error {
	for {
		it, err := q.take(ctx)
		if it == nil || err != nil {
			return err
		}
		it.held = j.expected.Load()
		if err := j.run.budget.acquire(ctx, it.held, func() bool { return q.oldest(it) }); err != nil {
			return context.Cause(ctx)
		}
		r, err := j.readWindow(ctx, it.window)
		var wide *extract.TooWideError
		var moved *extract.IncompleteError
		var failed *extract.RequestError
		switch {
		case errors.As(err, &wide):
			j.run.budget.resize(it.held, 0)
			q.split(it, wide.Parts)
		case errors.As(err, &moved), errors.As(err, &failed) && j.failing.Add(1) < failingWindows:
			j.run.budget.resize(it.held, 0)
			it.held = 0
			q.end(it, nil, err)
		case err != nil:
			j.run.budget.resize(it.held, 0)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("read %s: %w", it.window, err)
		default:
			j.failing.Store(0)
			size := r.size()
			j.expect(size)
			j.run.budget.resize(it.held, size)
			it.held = size
			q.end(it, r, nil)
		}
		j.run.budget.wake() // who is oldest may have changed
	}
}

// expect remembers how large a window of this stream is: the larger of the
// newest and of three quarters of the guess before.
func (j *job) expect(size int64) {
	guess := max(size, j.expected.Load()*3/4, 64<<10)
	j.expected.Store(min(guess, j.run.opts.Chunk))
}
