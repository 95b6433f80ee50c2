package pipeline

import (
	"context"
	"errors"
)

// passes syncs a stream that is read by windows. New data comes first; then what
// changed of older records: what the source tells by the time of change, what the
// change feed names, and what the refresh reads again; and last a full sync that
// is due by itself. Trouble with a later pass leaves what the passes before it
// committed, and does not keep the next from its work.
func (j *job) passes(ctx, readCtx context.Context) error {
	due, err := j.s.FullIsDue(ctx, j.run.opts.Store, j.base, j.run.started)
	if err != nil {
		return err
	}
	if err := j.windows(ctx, readCtx); err != nil || j.run.opts.Backfill != nil || j.s.Full && !j.fullEnded {
		return err // a full sync that goes on next time has not changed the table
	}
	byItself := func(ctx, readCtx context.Context) error { return j.fullIfDue(ctx, readCtx, due) }
	var trouble error
	for _, pass := range [...]func(ctx, readCtx context.Context) error{j.updated, j.feed, j.refresh, byItself} {
		if readCtx.Err() != nil {
			break
		}
		if err := pass(ctx, readCtx); err != nil && !errors.Is(err, errStopped) {
			trouble = errors.Join(trouble, err)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return trouble
}
