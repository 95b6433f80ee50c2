package delta

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store/mem"
)

// crumbs is a table with two partitions of three small files.
func crumbs(t *testing.T) (*lake, *mem.Store, [][]row) {
	st := mem.New()
	l := newLake(t, st)
	days := [][]row{rowsOf(0, 30), rowsOf(1, 30)}
	for i := range 3 {
		l.pieces(append(some(days[0], i, 3), some(days[1], i, 3)...))
	}
	return l, st, days
}

func TestOptimizeThatFailsAnywhereLosesNothing(t *testing.T) {
	for _, late := range []bool{false, true} {
		for n := 1; ; n++ {
			l, st, days := crumbs(t)
			run := l.rival()
			run.load()
			st.Inject(mem.Fault{N: n, Err: errors.New("the store is away"), Late: late})
			calls := st.Calls("")
			_, err := run.Optimize(t.Context(), OptimizeOptions{WorkDir: t.TempDir()})
			if st.Calls("")-calls < n {
				require.NoError(t, err)
				require.Greater(t, n, 10)
				break // there is no such call
			}
			l.requireRows(days...)
			l.optimize(OptimizeOptions{})
			l.requireRows(days...)
			require.Equal(t, 2, l.load().NumFiles(), "the next run completes it")
		}
	}
}

func TestOptimizeWhoseCommitHasNoClearAnswer(t *testing.T) {
	l, st, days := crumbs(t)
	version := l.load().Version()
	st.Inject(mem.Fault{Op: mem.Create, N: 1, Err: errors.New("the answer was lost"), Late: true})
	done := l.optimize(OptimizeOptions{})
	require.Equal(t, 1, done.Commits, "the log says that it is there")
	require.Equal(t, version+1, l.load().Version())
	l.requireRows(days...)
}

func TestOptimizeLeavesFilesOfAnUnclearCommit(t *testing.T) {
	l, st, days := crumbs(t)
	for i := range 8 { // all tries, and the reads between them
		st.Inject(mem.Fault{Op: mem.Create, N: i + 1, Err: fmt.Errorf("lost %d", i)})
	}
	before := len(l.dataKeys())
	_, err := l.Optimize(t.Context(), OptimizeOptions{WorkDir: t.TempDir()})
	require.ErrorContains(t, err, "unclear")
	require.Len(t, l.dataKeys(), before+2, "a late commit may still name the new files")
	l.requireRows(days...)
}

func TestOptimizeThatIsInterruptedClearsUp(t *testing.T) {
	l, st, days := crumbs(t)
	before := l.dataKeys()
	ctx, cancel := context.WithCancel(t.Context())
	racing := newLake(t, &onPut{Store: st, part: "created_date=2026-01-02", do: cancel})
	_, err := racing.Optimize(ctx, OptimizeOptions{WorkDir: t.TempDir()})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, l.dataKeys())
	l.requireRows(days...)
}
