package proof_test

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// tally counts the requests of a run by stream and purpose.
type tally struct {
	mu       sync.Mutex
	bounds   map[string]bounds
	requests map[string]map[string]int // by stream and purpose, of the current run
}

// bounds tell windows of new records from those of the lookback and the tiers.
type bounds struct{ watermark, lookback time.Time }

// Purposes of requests.
const (
	forNew      = "new"
	forLookback = "lookback"
	forUpdates  = "updates"
	forFeed     = "feed" // records by id
	forTiers    = "tiers"
	forList     = "list" // lists without windows
)

// begin forgets the counts and takes the streams' bounds for a run.
func (c *tally) begin(m *merchant) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bounds, c.requests = map[string]bounds{}, map[string]map[string]int{}
	for _, s := range m.streams {
		c.bounds[s.name] = bounds{s.watermark, s.watermark.Add(-s.ep.Lookback)}
	}
}

func (c *tally) count(r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/core/v5/")
	stream, rest, _ := strings.Cut(path, "/")
	if path == "balance/operations" {
		stream, rest = "balance_operations", ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests[stream] == nil {
		c.requests[stream] = map[string]int{}
	}
	c.requests[stream][c.purpose(stream, rest, r)]++
}

func (c *tally) purpose(stream, rest string, r *http.Request) string {
	q := r.URL.Query()
	if rest != "" && rest != "summary" {
		return forFeed
	}
	if q.Get("updated_since") != "" {
		return forUpdates
	}
	since, err := time.Parse(time.RFC3339Nano, q.Get("created_since"))
	if err != nil {
		return forList
	}
	until, err := time.Parse(time.RFC3339Nano, q.Get("created_until"))
	b := c.bounds[stream]
	switch margin := 3 * time.Hour; {
	case err == nil && until.Before(b.lookback.Truncate(day).Add(margin)):
		return forTiers
	case since.Add(margin).Before(b.watermark):
		return forLookback
	}
	return forNew
}
