package simapi

import (
	"sync"
	"time"
)

// limiter enforces the documented limits over sliding windows: a number of
// requests in any minute per row, and ten in any second over everything for
// test keys. Refused requests do not count.
type limiter struct {
	mu   sync.Mutex
	rows map[string][]time.Time // times of the admitted requests, oldest first
}

const testKeyPerSecond = 10

// allow admits a request now, or refuses it. A limit of 0 or less is none.
func (l *limiter) allow(row string, perMinute int, test bool, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rows == nil {
		l.rows = map[string][]time.Time{}
	}
	if perMinute > 0 && l.recent(row, now.Add(-time.Minute)) >= perMinute {
		return false
	}
	if test && l.recent("*", now.Add(-time.Second)) >= testKeyPerSecond {
		return false
	}
	if perMinute > 0 {
		l.rows[row] = append(l.rows[row], now)
	}
	if test {
		l.rows["*"] = append(l.rows["*"], now)
	}
	return true
}

// recent forgets what is not after since and counts the rest.
func (l *limiter) recent(row string, since time.Time) int {
	times := l.rows[row]
	old := 0
	for old < len(times) && !times[old].After(since) {
		old++
	}
	l.rows[row] = times[old:]
	return len(times) - old
}
