package pipeline

import (
	"context"
	"sync"
)

// budget bounds the bytes of decoded rows in flight over all streams of a run.
// Unlike a semaphore it lets a caller that must make progress overdraw it.
// Safe for concurrent use.
type budget struct {
	mu      sync.Mutex
	limit   int64
	used    int64
	changed chan struct{} // closed and replaced whenever waiters should look again
}

func newBudget(limit int64) *budget {
	return &budget{limit: limit, changed: make(chan struct{})}
}

// acquire takes n bytes. It waits until they fit, until nothing is in flight,
// or until urgent says that everything else waits for this caller.
func (b *budget) acquire(ctx context.Context, n int64, urgent func() bool) error {
	for {
		b.mu.Lock()
		if b.used == 0 || b.used+n <= b.limit || urgent() {
			b.used += n
			b.mu.Unlock()
			return nil
		}
		wait := b.changed
		b.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// resize changes what a caller holds from old to new bytes, which never waits:
// the rows are there already. A new size of 0 gives everything back.
func (b *budget) resize(old, new int64) {
	b.mu.Lock()
	b.used += new - old
	b.mu.Unlock()
	b.wake()
}

// wake makes every waiter look again.
func (b *budget) wake() {
	b.mu.Lock()
	close(b.changed)
	b.changed = make(chan struct{})
	b.mu.Unlock()
}
