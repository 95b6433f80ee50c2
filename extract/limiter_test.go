package extract

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slots lets n goroutines take slots for a time, each working a while between
// them, and returns the times of the slots.
func slots(t *testing.T, n int, d, work time.Duration, limiters ...*limiter) []time.Time {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	var mu sync.Mutex
	var times []time.Time
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			for {
				at, err := acquire(ctx, limiters...)
				if err != nil {
					return
				}
				mu.Lock()
				times = append(times, at)
				mu.Unlock()
				time.Sleep(work)
			}
		})
	}
	group.Wait()
	return times
}

// most is the largest number of slots in any sliding period.
func most(times []time.Time, period time.Duration) int {
	n := 0
	for i := range times {
		j := i
		for j < len(times) && times[j].Sub(times[i]) < period {
			j++
		}
		n = max(n, j-i)
	}
	return n
}

func TestLimiterUsesItsShareAndNoMore(t *testing.T) {
	tests := []struct {
		name  string
		q     quota
		n     int
		work  time.Duration
		limit int // in any period
		least int // in ten periods
	}{
		{"share", quota{n: 200, per: time.Minute, share: 0.8}, 4, 20 * time.Millisecond, 161, 1552},
		{"whole limit", quota{n: 200, per: time.Minute, share: 1}, 4, 20 * time.Millisecond, 200, 1940},
		{"hooks", quota{n: 50, per: time.Minute, share: 1}, 1, 0, 50, 485},
		{"fast", quota{n: 10, per: time.Second, share: 0.8}, 8, 333 * time.Millisecond, 9, 77},
		{"slow answers", quota{n: 700, per: time.Minute, share: 0.8}, 32, 3 * time.Second, 561, 5432},
		{"one a minute", quota{n: 1, per: time.Minute, share: 1}, 2, 0, 1, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				times := slots(t, tt.n, 10*tt.q.per, tt.work, newLimiter(tt.q))
				require.LessOrEqual(t, most(times, tt.q.per), tt.limit)
				require.GreaterOrEqual(t, len(times), tt.least)
			})
		})
	}
}

// Idle time is not saved up: after it, at most one slot is caught up.
func TestLimiterHasNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(quota{n: 60, per: time.Minute, share: 0.5}) // one every 2 s
		for range 3 {
			_, err := acquire(t.Context(), l)
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
		time.Sleep(time.Hour)
		began := time.Now()
		for range 4 {
			_, err := acquire(t.Context(), l)
			require.NoError(t, err)
		}
		require.Equal(t, 4*time.Second, time.Since(began))
	})
}

func TestUnlimitedDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(quota{n: Unlimited, per: time.Minute, share: 0.8})
		began := time.Now()
		for range 1000 {
			_, err := acquire(t.Context(), l)
			require.NoError(t, err)
		}
		require.Zero(t, time.Since(began))
	})
}

// Requests that were under way when the source said stop count as one 429; the
// rate halves once and grows back.
func TestThrottleHalvesOnceAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(quota{n: 120, per: time.Minute, share: 0.5}) // one a second
		var sent []time.Time
		for range 5 {
			at, err := acquire(t.Context(), l)
			require.NoError(t, err)
			sent = append(sent, at)
		}
		pause, first429 := l.throttled(sent[0], 30*time.Second)
		require.True(t, first429)
		require.Equal(t, 30*time.Second, pause)
		for _, at := range sent[1:] {
			_, first429 = l.throttled(at, 30*time.Second)
			require.False(t, first429)
		}
		began := time.Now()
		first, err := acquire(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, 30*time.Second, first.Sub(began))
		second, err := acquire(t.Context(), l)
		require.NoError(t, err)
		require.Equal(t, 2*time.Second, second.Sub(first))

		times := slots(t, 2, 200*time.Second, 0, l)
		require.Equal(t, time.Second, times[len(times)-1].Sub(times[len(times)-2]))
		require.InDelta(t, 175, len(times), 10)
	})
}

// A row that pauses for long keeps nobody else from the host's limit.
func TestPausedRowDoesNotHoldTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := newLimiter(quota{n: 10, per: time.Second, share: 0.8})
		a := newLimiter(quota{n: 600, per: time.Minute, share: 0.8})
		b := newLimiter(quota{n: 600, per: time.Minute, share: 0.8})
		at, err := acquire(t.Context(), a, host)
		require.NoError(t, err)
		go slots(t, 3, 10*time.Minute, 0, a, host)
		time.Sleep(time.Second)
		a.throttled(at.Add(time.Minute), 5*time.Minute)
		times := slots(t, 3, time.Minute, 0, b, host)
		require.InDelta(t, 480, len(times), 15)
		time.Sleep(10 * time.Minute)
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		row := newLimiter(quota{n: 1, per: time.Minute, share: 1})
		host := newLimiter(quota{n: 10, per: time.Second, share: 0.8})
		_, err := acquire(t.Context(), row, host)
		require.NoError(t, err)
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(time.Second)
			cancel(stop)
		}()
		began := time.Now()
		_, err = acquire(ctx, row, host)
		require.ErrorIs(t, err, stop)
		require.Equal(t, time.Second, time.Since(began))
		_, err = acquire(t.Context(), row, host) // the turns were given back
		require.NoError(t, err)
	})
}

func TestRowsAreShared(t *testing.T) {
	shared := NewLimits()
	rate := func(host, row string, n int, configured bool) float64 {
		return shared.row(host, row, quota{n: n, per: time.Minute, share: 0.5, configured: configured}).full * 60
	}
	require.InDelta(t, 100, rate("a", "/orders", 200, false), 1e-9)
	require.InDelta(t, 25, rate("b", "/orders", 50, false), 1e-9)
	require.InDelta(t, 50, rate("a", "/orders", 100, false), 1e-9) // the lower of two documented
	require.InDelta(t, 300, rate("a", "/orders", 600, true), 1e-9) // a configured one replaces it
	require.InDelta(t, 300, rate("a", "/orders", 50, false), 1e-9) // and stays
	require.InDelta(t, 150, rate("a", "/orders", 300, true), 1e-9) // the lower of two configured
	require.InDelta(t, 150, rate("a", "/orders", Unlimited, true), 1e-9)
	require.InDelta(t, 75, rate("a", "/plans", 150, false), 1e-9)
}

func TestQuotas(t *testing.T) {
	o := Options{RateShare: 0.8, Limits: map[string]int{"payables": 900, "all": 600}}
	require.Equal(t, quota{n: 900, per: time.Minute, share: 0.8, configured: true}, o.rowQuota("payables", Limit{PerMinute: 700}))
	require.Equal(t, quota{n: 200, per: time.Minute, share: 0.8}, o.rowQuota("orders", Limit{PerMinute: 200}))
	require.Equal(t, quota{n: 100, per: time.Minute, share: 0.8}, o.rowQuota("plans", Limit{}))
	host, limited := o.hostQuota(true)
	require.True(t, limited)
	require.Equal(t, 600, host.n)
	o.Limits = nil
	host, limited = o.hostQuota(true)
	require.True(t, limited)
	require.Equal(t, quota{n: 10, per: time.Second, share: 0.8}, host)
	_, limited = o.hostQuota(false)
	require.False(t, limited)
	o.Limits = map[string]int{"all": Unlimited}
	_, limited = o.hostQuota(true)
	require.False(t, limited)
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": -1, "soon": -1, "-5": -1, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "86400": 10 * time.Minute, "99999999999": 10 * time.Minute,
		"Sat, 21 Nov 2026 12:01:30 GMT": 90 * time.Second, "Sat, 21 Nov 2026 11:00:00 GMT": 0, "Sun, 22 Nov 2026 12:00:00 GMT": 10 * time.Minute,
	} {
		require.Equal(t, want, retryAfter(text, now), text)
	}
}

func TestBackoffIsBounded(t *testing.T) {
	require.Equal(t, time.Second, backoff(0))
	require.Equal(t, 4*time.Second, backoff(2))
	require.Equal(t, time.Minute, backoff(6))
	require.Equal(t, time.Minute, backoff(1000))
	for n := range 10 {
		require.Less(t, jitter(backoff(n)), backoff(n))
	}
}
