package extract

import (
	"sync"
	"time"
)

// Unlimited in Options.Limits lifts a limit.
const Unlimited = -1

const (
	unpublishedPerMinute = 100   // used for rows without a published limit; ours
	testPerSecond        = 10    // Pagar.me test accounts, over all endpoints (API notes, section 9)
	everything           = "all" // name of the limit over a whole host
)

// Limits holds the limiters of a run, one per host and row of the platform's
// rate-limit table. Connections share them, because the platform counts per
// address. Safe for concurrent use.
type Limits struct {
	mu   sync.Mutex
	rows map[limitKey]*limiter
}

type limitKey struct{ host, row string }

// NewLimits makes an empty set of limiters.
func NewLimits() *Limits { return &Limits{rows: make(map[limitKey]*limiter)} }

// quota is a number of requests in a time, and who said so.
type quota struct {
	n          int // Unlimited = no limit
	per        time.Duration
	share      float64
	configured bool
}

// row gives the limiter of a row. A configured quota replaces a documented
// one; of two equal standing the lower counts.
func (l *Limits) row(host, row string, q quota) *limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := limitKey{host, row}
	have := l.rows[key]
	if have == nil {
		have = newLimiter(q)
		l.rows[key] = have
		return have
	}
	have.adopt(q)
	return have
}

// rowQuota is the quota of an endpoint's own row.
func (o *Options) rowQuota(stream string, documented Limit) quota {
	q := quota{n: documented.PerMinute, per: time.Minute, share: o.RateShare}
	if n, ok := o.Limits[stream]; ok {
		q.n, q.configured = n, true
	}
	if q.n == 0 {
		q.n = unpublishedPerMinute
	}
	return q
}

// hostQuota is the quota over everything of the host, if there is one.
func (o *Options) hostQuota(testKey bool) (quota, bool) {
	if n, ok := o.Limits[everything]; ok {
		return quota{n: n, per: time.Minute, share: o.RateShare, configured: true}, n != Unlimited
	}
	return quota{n: testPerSecond, per: time.Second, share: o.RateShare}, testKey
}
