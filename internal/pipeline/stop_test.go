package pipeline_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// manyPages is a scene of few records on many small pages, so that each stream
// has several windows.
func manyPages(t *testing.T) *scene {
	t.Helper()
	return newScene(t, 6, 6_000, simapi.Config{NoLimits: true, Paging: simapi.Paging{
		MaxSize: map[string]int{simapi.Orders: 2, simapi.BalanceOperations: 150},
	}})
}

// Groups: with a short interval a stream commits as it goes on, each commit a
// prefix of whole partitions; by default a short run commits once.
func TestCommitsAreGrouped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		every       time.Duration
		least, most int // commits
	}{
		"by default once":      {0, 1, 1},
		"every chance it gets": {time.Nanosecond, 3, 6},
	} {
		t.Run(name, func(t *testing.T) {
			s := manyPages(t)
			s.streams = []string{simapi.Orders, simapi.BalanceOperations}
			s.opts.CommitEvery = c.every
			rep := s.sync()
			require.Equal(t, report.Succeeded, rep.Status)
			for _, sr := range rep.Streams {
				require.GreaterOrEqual(t, sr.Commits, c.least, sr.Stream)
				require.LessOrEqual(t, sr.Commits, c.most, sr.Stream)
				require.Equal(t, int64(sr.Commits-1), sr.TableVersion, sr.Stream)
				require.Equal(t, s.now.Add(-5*time.Minute), *sr.Watermark, sr.Stream)
			}
			s.requireTruth(rep)
		})
	}
}

// A stop commits what is proven: the watermark is the end of the committed
// prefix, everything before it is in the lake, nothing after it is, and the
// next run ends with the truth.
func TestStopCommitsWhatIsProven(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stream string
		done   float64
	}{{simapi.Orders, 0.1}, {simapi.BalanceOperations, 0.1}, {simapi.BalanceOperations, 0.3}, {simapi.BalanceOperations, 0.5}} {
		t.Run(fmt.Sprint(c.stream, " at ", c.done), func(t *testing.T) {
			name := c.stream
			s := manyPages(t)
			s.streams = []string{name}
			s.opts.CommitEvery, s.opts.Workers = time.Nanosecond, 1
			stop := make(chan struct{})
			s.opts.Stop = stop
			s.opts.Progress = progressAt(c.done, func() { close(stop) })
			rep := s.sync()
			sr := of(rep, name)
			require.Equal(t, report.Interrupted, rep.Status)
			require.Equal(t, report.Interrupted, sr.Status)
			require.Empty(t, sr.Error)
			require.NotZero(t, sr.Commits)
			mark := *sr.Watermark
			require.True(t, mark.After(s.start) && mark.Before(s.now), "%s", mark)
			end := s.now.Add(-5 * time.Minute) // reading may have been at its end already
			require.True(t, mark.Equal(mark.Truncate(24*time.Hour)) || mark.Equal(end), "whole partitions: %s", mark)
			want := map[string]row{}
			s.server.Each(name, s.start, mark, func(r simapi.Record) bool {
				want[r.Key] = row{amount: r.Amount, status: r.Status}
				return true
			})
			requireSame(t, name, want, s.rows(name))

			s.opts.Stop, s.opts.Progress = nil, nil
			rep = s.sync()
			require.Equal(t, report.Succeeded, rep.Status)
			s.requireTruth(rep)
		})
	}
}

// A full sync that is stopped replaces nothing.
func TestStoppedFullSyncCommitsNothing(t *testing.T) {
	t.Parallel()
	s := manyPages(t)
	s.streams = []string{simapi.Orders}
	first := s.sync()
	s.now = s.now.Add(48 * time.Hour)
	stop := make(chan struct{})
	s.opts.Stop, s.full = stop, true
	s.rt = closeAfter(stop, new(atomic.Int64), 60)
	rep := s.sync()
	require.Equal(t, report.Interrupted, rep.Status)
	require.Zero(t, of(rep, simapi.Orders).Commits)
	require.Equal(t, of(first, simapi.Orders).TableVersion, of(rep, simapi.Orders).TableVersion)
	s.opts.Stop, s.rt = nil, nil
	s.requireTruth(s.sync())
}
