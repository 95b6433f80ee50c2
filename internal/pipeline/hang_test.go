package pipeline_test

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/store"
)

// hung is a store whose writes below a prefix do not end before their context.
type hung struct {
	store.Store
	reached chan struct{} // gets a value at each such write
	below   string
}

func (h *hung) wait(ctx context.Context, key string) error {
	if !strings.HasPrefix(key, h.below) {
		return nil
	}
	h.reached <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (h *hung) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	if err := h.wait(ctx, key); err != nil {
		return err
	}
	return h.Store.Put(ctx, key, body)
}

func (h *hung) Create(ctx context.Context, key string, body []byte) error {
	if err := h.wait(ctx, key); err != nil {
		return err
	}
	return h.Store.Create(ctx, key, body)
}

// A run that is stopped while the store does not answer reports all the same as
// soon as its context ends, and the next run ends with the truth.
func TestAStopWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		below string
		full  bool
	}{
		"data files": {"pagarme/" + crashStream + "/created", false},
		"a commit":   {"pagarme/" + crashStream + "/_delta_log", false},
		"a record":   {"_paylake/full/", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withoutSockets(t)
			s.full = c.full
			h := &hung{Store: s.store, reached: make(chan struct{}, 100), below: c.below}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := make(chan struct{})
			other := s.with(func(o *scene) { o.store = h })
			opts := other.opts
			opts.Store, opts.WorkDir, opts.Stop = h, filepath.Join(other.dir, "work"), stop
			opts.Now = func() time.Time { return s.now }
			streams := other.wire()
			ended := make(chan *report.Run, 1)
			go func() {
				rep, _ := pipeline.Run(ctx, streams, opts)
				ended <- rep
			}()
			<-h.reached
			close(stop)
			cancel() // as the command does when the safe point does not come in time
			rep := <-ended
			require.NotNil(t, rep)
			require.Equal(t, report.Interrupted, rep.Status)
			require.Zero(t, of(rep, crashStream).Commits)
			s.requireTruth(s.sync())
		})
	}
}
