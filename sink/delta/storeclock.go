package delta

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/paylake/paylake/sink/store"
)

// clockAhead is how far this machine's clock may be ahead of the store's.
const clockAhead = time.Hour

// checkClock refuses to go on when the clock of this machine is ahead of the
// store's, which tells the ages of objects: by such a clock the uploads of a
// writer that is at work look old. It puts a small object and removes it.
func (t *Table) checkClock(ctx context.Context) (err error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("compare the clocks: %w", err)
	}
	key := t.key(logFolder + "_paylake-clock-" + id.String())
	if err := t.store.Put(ctx, key, strings.NewReader("x")); err != nil {
		return fmt.Errorf("compare the clocks: %w", err)
	}
	defer func() { err = errors.Join(err, t.store.Delete(context.WithoutCancel(ctx), key)) }()
	var written store.Object
	for o, lerr := range t.store.List(ctx, key, "") {
		if lerr != nil {
			return fmt.Errorf("compare the clocks: %w", lerr)
		}
		written = o
	}
	if ahead := t.settings.Now().Sub(written.Modified); ahead > clockAhead {
		return fmt.Errorf("the clock of this machine is %s ahead of the store's, by which old files are told: set it right; nothing was deleted", ahead.Round(time.Minute))
	}
	return nil
}
