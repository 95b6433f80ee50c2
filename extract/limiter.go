package extract

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	maxPause     = 10 * time.Minute // longest Retry-After that is obeyed
	firstBackoff = time.Second
	maxBackoff   = time.Minute
	recoverEvery = 10 * time.Second
	recoverBy    = 0.05 // of the full rate, every recoverEvery without a 429
	lowestRate   = 1.0 / 32
)

// limiter spaces requests evenly: one slot every interval, and no burst. A
// request that comes late, because timers are, takes the slot that it missed,
// but only the last one.
//
// The rate is at most one request less than the limit in a period, so that no
// sliding period ever holds more than the limit. Safe for concurrent use.
type limiter struct {
	turn chan struct{} // held by the one request that waits for the next slot

	mu         sync.Mutex
	configured bool
	full       float64   // requests a second; 0 = unlimited
	factor     float64   // of full that may be used now, 1 unless throttled
	next       time.Time // the next slot
	pausedTo   time.Time // end of the newest pause
	grown      time.Time // regrowth is counted up to here
	strikes    int       // pauses in a row without a success between them
}

func newLimiter(q quota) *limiter {
	return &limiter{turn: make(chan struct{}, 1), configured: q.configured, full: q.rate(), factor: 1}
}

// rate gives the requests a second that a quota allows.
func (q quota) rate() float64 {
	if q.n == Unlimited {
		return 0
	}
	allowed := min(float64(q.n)*q.share, float64(q.n)-1)
	return max(allowed, 0.5) / q.per.Seconds()
}

// adopt takes over another quota for the same row.
func (l *limiter) adopt(q quota) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rate := q.rate()
	lower := rate != 0 && (l.full == 0 || rate < l.full)
	if q.configured && !l.configured || q.configured == l.configured && lower {
		l.full, l.configured = rate, q.configured
	}
}

// acquire waits until all limiters have a free slot at the same time, takes it,
// and returns the time of it. Every caller must give limiters in the same
// order, the narrower first. No slot is lost when ctx ends.
func acquire(ctx context.Context, limiters ...*limiter) (time.Time, error) {
	for {
		for i, l := range limiters {
			if err := l.await(ctx); err != nil {
				release(limiters[:i])
				return time.Time{}, err
			}
		}
		sent, ok := takeAll(limiters)
		release(limiters)
		if ok {
			return sent, nil
		}
	}
}

// takeAll takes the slot that is due at every limiter, or none: one may have
// been paused while another kept us waiting.
func takeAll(limiters []*limiter) (time.Time, bool) {
	now := time.Now()
	for _, l := range limiters {
		if l.untilSlot(now) > 0 {
			return now, false
		}
	}
	for _, l := range limiters {
		l.take(now)
	}
	return now, true
}

func release(limiters []*limiter) {
	for _, l := range limiters {
		<-l.turn
	}
}

// await takes the limiter's turn and waits for its slot. The turn is held only
// when it returns nil.
func (l *limiter) await(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := l.sleepToSlot(ctx)
	if err != nil {
		<-l.turn
	}
	return err
}

func (l *limiter) sleepToSlot(ctx context.Context) error {
	for {
		wait := l.untilSlot(time.Now())
		if wait <= 0 {
			return context.Cause(ctx)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (l *limiter) untilSlot(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slot := l.next
	if l.pausedTo.After(slot) {
		slot = l.pausedTo
	}
	return slot.Sub(now)
}

// take uses the slot that is due.
func (l *limiter) take(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full == 0 {
		return
	}
	l.regrow(now)
	interval := time.Duration(float64(time.Second) / (l.full * l.factor))
	slot := l.next
	if missed := now.Add(-interval); slot.Before(missed) {
		slot = missed
	}
	if slot.Before(l.pausedTo) || l.next.IsZero() { // slots that a pause swallowed are not caught up
		slot = now
	}
	l.next = slot.Add(interval)
}

// regrow gives back a part of the rate for the time without a 429.
func (l *limiter) regrow(now time.Time) {
	if l.factor >= 1 || now.Before(l.grown) {
		return
	}
	steps := now.Sub(l.grown) / recoverEvery
	l.factor = min(1, l.factor+recoverBy*float64(steps))
	l.grown = l.grown.Add(steps * recoverEvery)
}

// throttled tells the limiter that the request of the slot sent was answered
// 429, or 503 with Retry-After. The row pauses for retryAfter, negative if not
// known, and at least by a back-off that grows with every pause in a row, and halves its rate. Requests that were on
// their way when the pause began count once. It returns how much of the pause
// is left, and whether this request began it.
func (l *limiter) throttled(sent time.Time, retryAfter time.Duration) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	first := !sent.Before(l.pausedTo)
	if !first && retryAfter < 0 {
		return max(l.pausedTo.Sub(now), 0), false
	}
	pause := min(retryAfter, maxPause)
	if first {
		pause = max(pause, backoff(l.strikes)/2+jitter(backoff(l.strikes)/2))
	}
	if to := now.Add(pause); to.After(l.pausedTo) {
		l.pausedTo = to
	}
	l.grown = l.pausedTo
	if first {
		l.strikes++
		l.factor = max(l.factor/2, lowestRate)
	}
	return l.pausedTo.Sub(now), first
}

// succeeded tells the limiter that the request of the slot sent was answered.
func (l *limiter) succeeded(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !sent.Before(l.pausedTo) {
		l.strikes = 0
	}
}

// backoff is the longest wait after the n-th failure in a row, counted from 0.
func backoff(n int) time.Duration {
	return min(firstBackoff<<min(n, 10), maxBackoff)
}

// jitter is a random part of d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// sleep waits, or returns the cause of the context's end.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
