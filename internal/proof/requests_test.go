package proof_test

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
