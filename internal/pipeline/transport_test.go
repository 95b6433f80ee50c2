package pipeline_test

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
)

// hook is a transport that does something at the n-th request.
type hook struct {
	seen *atomic.Int64
	at   int64
	do   func()
}

func (h hook) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.seen.Add(1) == h.at {
		h.do()
	}
	return http.DefaultTransport.RoundTrip(r)
}

func cancelAfter(_ context.Context, cancel func(), seen *atomic.Int64, n int64) http.RoundTripper {
	return hook{seen, n, cancel}
}

func closeAfter(stop chan struct{}, seen *atomic.Int64, n int64) http.RoundTripper {
	return hook{seen, n, func() { close(stop) }}
}

// syncWith runs a sync that may be cancelled.
func (s *scene) syncWith(ctx context.Context) {
	opts := s.opts
	opts.Store, opts.WorkDir = s.store, filepath.Join(s.dir, "work")
	opts.Now = func() time.Time { return s.now }
	_, err := pipeline.Run(ctx, s.wire(), opts)
	if ctx.Err() == nil {
		require.NoError(s.t, err)
	}
}

// progressAt does something once, when that part of a stream is written.
func progressAt(done float64, do func()) func(pipeline.Progress) {
	var once sync.Once
	return func(p pipeline.Progress) {
		if p.Done >= done && !p.Ended {
			once.Do(do)
		}
	}
}
