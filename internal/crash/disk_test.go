package crash_test

import (
	"context"
	"fmt"

	"github.com/paylake/paylake/internal/report"
)

// disk is a small disk of a child process's own: it holds what is below Dir,
// and nobody else sees it. When the first sync ended, the disk is made large
// and writable, and a second sync must do everything.
type disk struct {
	Dir      string // an existing folder
	Bytes    int
	ReadOnly bool
}

// syncOn runs both syncs and gives the report of the first one.
func (o order) syncOn(ctx context.Context, d disk) (*report.Run, int64, error) {
	if err := d.mount(); err != nil {
		return nil, 0, fmt.Errorf("mount: %w", err)
	}
	run, calls, err := o.sync(ctx)
	if merr := d.mend(); merr != nil {
		return nil, 0, fmt.Errorf("mount again: %w", merr)
	}
	next, _, nerr := o.sync(ctx)
	if nerr != nil || next.Status != report.Succeeded {
		return nil, 0, fmt.Errorf("the sync after the disk was mended: %w %+v", nerr, next)
	}
	return run, calls, err
}
