package delta

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/mem"
)

// pieces commits each set of rows as files of its own beside what is there.
func (l *lake) pieces(sets ...[]row) {
	l.t.Helper()
	for _, rows := range sets {
		r := l.commit(sink.Change{Mode: sink.Append, Files: l.files(rows...)})
		require.Equal(l.t, sink.Committed, r.Outcome)
	}
}

func (l *lake) optimize(o OptimizeOptions) Optimized {
	l.t.Helper()
	o.WorkDir = l.t.TempDir()
	done, err := l.Optimize(context.Background(), o)
	require.NoError(l.t, err)
	left, err := os.ReadDir(o.WorkDir)
	require.NoError(l.t, err)
	require.Empty(l.t, left, "work in progress is cleared away")
	return done
}

// some returns every n-th row from the given one on: rows that interleave.
func some(rows []row, from, n int) []row {
	var out []row
	for i := from; i < len(rows); i += n {
		out = append(out, rows[i])
	}
	return out
}

// requireSorted asserts that the rows of each live file are in order.
func (l *lake) requireSorted() {
	l.t.Helper()
	for f := range l.load().Files() {
		var rows []row
		require.NoError(l.t, l.ReadFile(context.Background(), f, nil, func(b arrow.RecordBatch) error {
			rows = append(rows, readRows(b)...)
			return nil
		}))
		require.True(l.t, slices.IsSortedFunc(rows, func(a, b row) int {
			if a.minute != b.minute {
				return a.minute - b.minute
			}
			return compare(a.id, b.id)
		}), f.Path)
	}
}

func TestOptimizePutsSmallFilesTogether(t *testing.T) {
	for name, l := range stores(t) {
		t.Run(name, func(t *testing.T) {
			day0, day1 := rowsOf(0, 9000), rowsOf(1, 50)
			l.pieces(some(day0, 0, 3), some(day0, 1, 3), day1, some(day0, 2, 3))
			before := l.load()
			rows, prints, _, _ := before.Partition(dayValue(0))

			done := l.optimize(OptimizeOptions{})
			require.Empty(t, done.Warnings)
			require.Equal(t, []int{1, 1, 3, 1}, []int{done.Partitions, done.Commits, done.FilesRemoved, done.FilesAdded})
			require.Equal(t, int64(9000), done.Rows)

			after := l.load()
			require.Equal(t, before.Version()+1, after.Version())
			gotRows, gotPrints, known, files := after.Partition(dayValue(0))
			require.True(t, known, "the new file is tagged")
			require.Equal(t, []any{rows, prints, 1}, []any{gotRows, gotPrints, files})
			l.requireRows(day0, day1)
			l.requireSorted()
			for f := range after.files {
				require.Contains(t, after.files[f].stats, `"minValues"`)
			}
			again := l.optimize(OptimizeOptions{})
			require.Zero(t, again.Commits, "there is nothing left to do")
			require.Equal(t, after.Version(), l.load().Version())
		})
	}
}

// stores gives a table in each kind of store.
func stores(t *testing.T) map[string]*lake {
	st, err := local.New(t.TempDir())
	require.NoError(t, err)
	return map[string]*lake{"mem": newLake(t, mem.New()), "local": newLake(t, st)}
}

func TestOptimizeActionsSayThatNoRowChanged(t *testing.T) {
	l := newMemLake(t)
	l.pieces(some(rowsOf(0, 10), 0, 2), some(rowsOf(0, 10), 1, 2))
	l.optimize(OptimizeOptions{})
	actions, err := l.readCommit(context.Background(), l.load().Version())
	require.NoError(t, err)
	var adds, removes int
	for _, a := range actions {
		if a.Add != nil {
			adds++
			require.False(t, a.Add.DataChange)
			require.NotEmpty(t, a.Add.Tags[tagFingerprint])
		}
		if a.Remove != nil {
			removes++
			require.False(t, a.Remove.DataChange)
			require.True(t, a.Remove.ExtendedFileMetadata)
		}
	}
	require.Equal(t, []int{1, 2}, []int{adds, removes})
}

func TestOptimizeMergesInRoundsWithLittleMemory(t *testing.T) {
	l := newMemLake(t)
	all := rowsOf(0, 3000)
	for i := range 40 { // more than are read at once
		l.pieces(some(all, i, 40))
	}
	done := l.optimize(OptimizeOptions{})
	require.Equal(t, []int{40, 1}, []int{done.FilesRemoved, done.FilesAdded})
	l.requireRows(all)
	l.requireSorted()
}

func TestOptimizeKeepsFilesOfDisjointTimesInOneChain(t *testing.T) {
	timed := func(first, last int64) source { return source{first: first, last: last, timed: true} }
	chains := chainsOf([]source{timed(20, 29), timed(0, 9), timed(10, 19), timed(5, 15), {path: "no time"}})
	require.Len(t, chains, 3)
	narrow, wide := &merger{fixed: 20 * leafBytes}, &merger{fixed: 448 * leafBytes}
	require.Equal(t, 2, narrow.fanIn([][]source{{{memory: mergeBudget}}, {{memory: 1}}, {{memory: 1}}}))
	require.Equal(t, 3, narrow.fanIn([][]source{{{memory: 1}}, {{memory: 1}}, {{memory: 1}}}))
	require.Equal(t, mergeFanIn, narrow.fanIn(make([][]source, 100)))
	require.Equal(t, 5, wide.fanIn(make([][]source, 100)))
}

func TestOptimizeDropsAPartitionThatAnotherRunReplaced(t *testing.T) {
	l := newMemLake(t)
	l.pieces(some(rowsOf(0, 10), 0, 2), some(rowsOf(0, 10), 1, 2), some(rowsOf(1, 10), 0, 2), some(rowsOf(1, 10), 1, 2))
	newer := rowsOf(1, 10)
	newer[3].status = "refunded"
	racing := newLake(t, &onList{Store: l.st, at: 2, do: func() { l.rival().put(newer) }})

	done := racing.optimize(OptimizeOptions{})
	require.Equal(t, []int{1, 1, 1}, []int{done.Partitions, done.Commits, done.Conflicts})
	l.requireRows(rowsOf(0, 10), newer)
	_, _, _, files := l.load().Partition(dayValue(0))
	require.Equal(t, 1, files)
	require.Len(t, l.dataKeys(), 4+2, "4 old files, 2 new ones: what was compacted in vain is removed")
}

func TestOptimizeBesideAnAppendToTheSamePartition(t *testing.T) {
	l := newMemLake(t)
	all := rowsOf(0, 12)
	l.pieces(some(all, 0, 3), some(all, 1, 3))
	racing := newLake(t, &onList{Store: l.st, at: 2, do: func() { l.rival().pieces(some(all, 2, 3)) }})
	done := racing.optimize(OptimizeOptions{})
	require.Equal(t, []int{1, 0}, []int{done.Commits, done.Conflicts})
	l.requireRows(all)
}

func TestReplaceIsNoConflictWithOptimize(t *testing.T) {
	l := newMemLake(t)
	l.pieces(some(rowsOf(0, 10), 0, 2), some(rowsOf(0, 10), 1, 2))
	base := l.load().Version()
	newer := rowsOf(0, 11)
	c := l.replace(base, newer)
	l.rival().optimize(OptimizeOptions{})
	require.Equal(t, sink.Committed, l.commit(c).Outcome, "no row changed: the rows in hand are not older")
	l.requireRows(newer)
}

func TestOptimizeLeavesLargeFilesAlone(t *testing.T) {
	l := newMemLake(t)
	l.pieces(rowsOf(0, 2000), rowsOf(1, 5))
	big := int64(0)
	for f := range l.load().Files() {
		big = max(big, f.Size)
	}
	l.pieces(rowsOf(0, 1))
	require.Zero(t, l.optimize(OptimizeOptions{SmallBytes: big}).Commits)
	require.Zero(t, l.optimize(OptimizeOptions{MinFiles: 3}).Commits)
	dry := l.optimize(OptimizeOptions{DryRun: true})
	require.Equal(t, []int{1, 2, 0}, []int{dry.Partitions, dry.FilesRemoved, dry.Commits})
	require.Equal(t, 1, l.optimize(OptimizeOptions{}).Commits)
}

func TestOptimizeStopsWhereFilesCannotGrow(t *testing.T) {
	l := newMemLake(t)
	all := rowsOf(0, 4000)
	l.pieces(some(all, 0, 2), some(all, 1, 2))
	// Files are closed after a few KB, which still count as small.
	first := l.optimize(OptimizeOptions{TargetBytes: 1, SmallBytes: 1 << 30})
	require.Equal(t, 1, first.Commits)
	version := l.load().Version()
	require.Zero(t, l.optimize(OptimizeOptions{TargetBytes: 1, SmallBytes: 1 << 30}).Commits)
	require.Equal(t, version, l.load().Version())
	l.requireRows(all)
}

func TestOptimizeRefusesRowsThatAreNotThoseOfTheLog(t *testing.T) {
	l := newMemLake(t)
	files := l.files(some(rowsOf(0, 10), 0, 2)...)
	files[0].Fingerprint++
	l.commit(sink.Change{Mode: sink.Append, Files: files})
	l.pieces(some(rowsOf(0, 10), 1, 2))
	before := l.dataKeys()
	done := l.optimize(OptimizeOptions{})
	require.Zero(t, done.Commits)
	require.Len(t, done.Warnings, 1)
	require.Contains(t, done.Warnings[0], "was left alone")
	require.Equal(t, before, l.dataKeys())
}

func TestLowTierRewritesARowAFewTimesOnly(t *testing.T) {
	tiers := func(sizes ...int64) int {
		var files []*file
		for i, n := range sizes {
			files = append(files, &file{path: fmt.Sprint(i), size: n})
		}
		return len(lowTier(files))
	}
	require.Equal(t, 4, tiers(5, 5, 5, 5))
	require.Equal(t, 4, tiers(5, 5, 100, 5, 5))
	require.Equal(t, 5, tiers(5, 5, 20, 5, 5))
	require.Zero(t, tiers(1000, 100, 10))
	require.Zero(t, tiers())
}
