package pipeline

import (
	"context"
	"slices"
	"sync"

	"github.com/paylake/paylake/extract/window"
)

// item is one window on its way from planned to written.
type item struct {
	window window.Window
	taken  bool
	ended  bool
	read   *read // set when ended without err
	err    error // why the window could not be proven complete
	held   int64 // bytes of the budget
}

// queue holds the windows of one stream in the order of time. Workers take the
// oldest that nobody has taken, the writer pops the oldest once it has ended,
// and a window that is too wide is replaced by its parts. Safe for concurrent
// use.
type queue struct {
	mu      sync.Mutex
	items   []*item
	changed chan struct{}
}

func newQueue(windows []window.Window) *queue {
	q := &queue{changed: make(chan struct{})}
	for _, w := range windows {
		q.items = append(q.items, &item{window: w})
	}
	return q
}

// take waits for a window to read. It returns nil when none is left.
func (q *queue) take(ctx context.Context) (*item, error) {
	for {
		q.mu.Lock()
		if len(q.items) == 0 {
			q.mu.Unlock()
			return nil, nil
		}
		for _, it := range q.items {
			if !it.taken {
				it.taken = true
				q.mu.Unlock()
				return it, nil
			}
		}
		wait := q.changed
		q.mu.Unlock()
		if err := waitFor(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// pop waits until the oldest window has ended and removes it. It returns nil
// when none is left.
func (q *queue) pop(ctx context.Context) (*item, error) {
	for {
		q.mu.Lock()
		if len(q.items) == 0 {
			q.mu.Unlock()
			return nil, nil
		}
		if it := q.items[0]; it.ended {
			q.items = q.items[1:]
			q.signal()
			q.mu.Unlock()
			return it, nil
		}
		wait := q.changed
		q.mu.Unlock()
		if err := waitFor(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// popEnded removes and returns the oldest window if it has ended, else nil.
func (q *queue) popEnded() *item {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 || !q.items[0].ended {
		return nil
	}
	it := q.items[0]
	q.items = q.items[1:]
	return it
}

// end marks a window as read, or as failed when err is set.
func (q *queue) end(it *item, r *read, err error) {
	q.mu.Lock()
	it.read, it.err, it.ended = r, err, true
	q.signal()
	q.mu.Unlock()
}

// split replaces a window by its parts, which nobody has taken yet.
func (q *queue) split(it *item, parts []window.Window) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.items, it)
	pieces := make([]*item, len(parts))
	for i, w := range parts {
		pieces[i] = &item{window: w}
	}
	q.items = slices.Replace(q.items, at, at+1, pieces...)
	q.signal()
}

// oldest reports whether a window is the one that the writer waits for, or
// will wait for once it has written what it holds. Windows that have ended but
// are not written yet count: they give their bytes back without anybody's help.
func (q *queue) oldest(it *item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) > 0 && q.items[0] == it
}

// signal wakes everybody who waits; the lock is held.
func (q *queue) signal() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func waitFor(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
