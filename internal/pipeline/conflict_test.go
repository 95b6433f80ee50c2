package pipeline_test

import (
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// clock is a clock that a test may turn while the server reads it.
type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time      { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) set(t time.Time)     { c.micros.Store(t.UnixMicro()) }
func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// with returns the scene of another run on the same account and lake, which has
// a work folder and connections of its own.
func (s *scene) with(change func(*scene)) *scene {
	other := *s
	other.dir = s.t.TempDir()
	change(&other)
	return &other
}

func warned(sr *report.Stream, text string) bool {
	for _, w := range sr.Warnings {
		if strings.Contains(w, text) {
			return true
		}
	}
	return false
}

// Exactly once: a rival run that commits between the first request of a run and
// its commit makes the run read again what the rival changed. The rival is
// later: it knows records that the first run's range does not hold.
func TestPromiseExactlyOnceWithARivalRun(t *testing.T) {
	t.Parallel()
	at := map[string]int64{simapi.Orders: 10, simapi.Payables: 2, simapi.BalanceOperations: 5, simapi.Recipients: 1} // request of the first run
	for name, n := range at {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, 6, 4_000, simapi.Config{NoLimits: true})
			var c clock
			c.set(s.now.Add(-30 * time.Hour))
			s.world.Now = c.now
			s.streams = []string{name}
			s.serve(s.config)
			started := c.now()
			s.opts.Now = func() time.Time { return started }

			var rival *report.Run
			s.rt = hook{new(atomic.Int64), n, func() {
				c.add(20 * time.Hour)
				later := c.now()
				rival = s.with(func(o *scene) { o.rt, o.opts.Now = nil, func() time.Time { return later } }).sync()
			}}
			rep := s.sync()
			require.Equal(t, report.Succeeded, rival.Status)
			require.Equal(t, 1, of(rival, name).Commits)
			require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, name))
			require.True(t, warned(of(rep, name), "another run committed"), "the conflict was met: %v", of(rep, name).Warnings)
			s.now = c.now()
			s.requireStream(name)
			s.opts.Now, s.rt = nil, nil
			s.requireTruth(s.sync())
		})
	}
}

// Exactly once: runs at the same time on the same tables end well or say that
// there are too many of them, and the lake holds the truth.
func TestPromiseExactlyOnceWithRunsAtTheSameTime(t *testing.T) {
	t.Parallel()
	s := newScene(t, 5, 1_500, simapi.Config{NoLimits: true})
	s.opts.CommitEvery = time.Nanosecond
	s.serve(s.config)
	var group sync.WaitGroup
	reports := make([]*report.Run, 2)
	errs := make([]error, len(reports))
	for i := range reports {
		run := s.with(func(o *scene) {})
		wired, opts := run.wire(), run.opts
		opts.Store, opts.WorkDir, opts.Now = s.store, filepath.Join(run.dir, "work"), func() time.Time { return s.now }
		group.Go(func() { reports[i], errs[i] = pipeline.Run(t.Context(), wired, opts) })
	}
	group.Wait()
	for i, rep := range reports {
		require.NoError(t, errs[i])
		for _, sr := range rep.Streams {
			if sr.Status != report.Succeeded {
				require.Contains(t, sr.Error, "run one sync of this table at a time", sr.Stream)
			}
		}
		s.requireTruth(rep)
	}
	snapshots := s.snapshots()
	require.Len(t, snapshots, 1, "both runs have the same time: one snapshot")
	s.requireTruth(s.sync())
}

// snapshots counts the rows of recipient_balance by the time of their snapshot.
func (s *scene) snapshots() map[string]int {
	s.t.Helper()
	out := map[string]int{}
	for key := range s.rows(simapi.RecipientBalance) {
		out[key[strings.LastIndex(key, "/")+1:]]++
	}
	return out
}
