package pipeline

import (
	"context"
	"sync"
)

// past is what the history of runs knows of windows. It is read once a run, by
// the first stream that needs it. Safe for concurrent use.
type past struct {
	once  sync.Once
	reads Reads
	err   error
}

// history gives the readings of earlier runs; nil where nothing is known.
func (r *run) history(ctx context.Context) (Reads, error) {
	if r.opts.Reads == nil {
		return nil, nil
	}
	r.past.once.Do(func() { r.past.reads, r.past.err = r.opts.Reads(ctx) })
	return r.past.reads, r.past.err
}
