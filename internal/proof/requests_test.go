package proof_test

import (
	"fmt"
	"strings"

	"github.com/paylake/paylake/internal/simapi"
)

// requests adds up the requests of runs by stream and purpose.
type requests struct {
	runs int
	sum  map[string]map[string]int
}

// add takes the counts of a run.
func (r *requests) add(c *tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.runs++
	if r.sum == nil {
		r.sum = map[string]map[string]int{}
	}
	for stream, purposes := range c.requests {
		if r.sum[stream] == nil {
			r.sum[stream] = map[string]int{}
		}
		for purpose, n := range purposes {
			r.sum[stream][purpose] += n
		}
	}
}

// table gives the requests of a run as a table in Markdown.
func (r *requests) table() string {
	var b strings.Builder
	purposes := []string{forNew, forLookback, forUpdates, forFeed, forTiers}
	fmt.Fprintf(&b, "| stream | %s | all |\n|---|---|---|---|---|---|---|\n", strings.Join(purposes, " | "))
	for _, stream := range []string{simapi.Orders, simapi.Charges, simapi.Payables, simapi.Hooks} {
		fmt.Fprintf(&b, "| %s |", stream)
		all := 0
		for _, purpose := range purposes {
			n := r.sum[stream][purpose]
			all += n
			fmt.Fprintf(&b, " %.1f |", float64(n)/float64(max(r.runs, 1)))
		}
		fmt.Fprintf(&b, " %.1f |\n", float64(all)/float64(max(r.runs, 1)))
	}
	return b.String()
}
