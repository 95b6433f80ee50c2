package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
)

// windows syncs a stream that is read by windows of creation time.
func (j *job) windows(ctx, readCtx context.Context) error {
	j.rep.Sync = j.kind()
	if err := j.checkClock(); err != nil {
		return err
	}
	if err := j.openChanges(ctx); err != nil {
		return err
	}
	j.rng = planRange(j.s, j.base, j.watermark, j.run.started, j.run.opts)
	j.group = newGroup(j.rng.Since, time.Now())
	if !j.rng.Until.After(j.rng.Since) {
		j.rep.Warn(fmt.Sprintf("nothing to read: start %s is not before %s", j.rng.Since.Format(time.RFC3339), j.rng.Until.Format(time.RFC3339)))
		return j.readUnread(ctx)
	}
	if err := j.resume(ctx); err != nil {
		return err
	}
	j.warnRange()
	if err := j.readUnread(ctx); err != nil {
		return err
	}
	since, rest := j.group.since, window.Window{Since: j.group.end, Until: j.rng.Until}
	j.rep.Since, j.rep.Until = &since, &rest.Until
	if !rest.Until.After(rest.Since) {
		return j.finish(ctx, true) // everything was read before; it was not committed
	}
	planned, err := j.reader.Prepare(readCtx, rest)
	if err != nil {
		return fmt.Errorf("plan %s: %w", rest, err)
	}
	return j.readAndWrite(ctx, readCtx, newQueue(planned))
}

// kind names the sync for the report.
func (j *job) kind() string {
	switch {
	case j.run.opts.Backfill != nil:
		return "backfill"
	case j.s.Full:
		return "full"
	}
	return "incremental"
}

// resume goes on with what a run before this one began and did not end.
func (j *job) resume(ctx context.Context) error {
	position, ok := j.base.Mark(j.s.positionApp())
	j.unfinished = ok && position != 0
	switch {
	case j.run.opts.Backfill != nil:
		return j.resumeBackfill(ctx)
	case j.s.Full:
		return j.resumeFull(ctx)
	}
	if at, ok := unfinished(j.s, j.base, j.run.started); ok {
		j.rep.Warn("goes on with a sync that did not end: what it committed up to " + at.Format(time.RFC3339) + " is not read again")
	}
	return nil
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
