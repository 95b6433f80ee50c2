package delta

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
)

func withState(s *Settings) { s.Table.State = "status" }

func TestStatesOfAPartition(t *testing.T) {
	l := newLake(t, mem.New(), withState)
	rows := rowsOf(0, 10)
	rows[0].status, rows[1].status = "pending", "pen\"<ding>"
	l.put(append(rows, rowsOf(1, 3)...))
	counts, known := l.load().States(dayValue(0))
	require.True(t, known)
	require.Equal(t, map[string]int64{"pending": 1, "pen\"<ding>": 1, "paid": 8}, counts)
	counts, known = l.load().States(dayValue(9))
	require.True(t, known)
	require.Empty(t, counts)
}

// Optimize puts files together; their states add up. Before, several files do.
func TestStatesSurviveCompaction(t *testing.T) {
	l := newLake(t, mem.New(), withState)
	for i := range 3 {
		c := l.replace(l.load().Version(), refunded(rowsOf(0, 3+i)))
		c.Mode, c.Partitions, c.Mark = sink.Append, nil, &sink.Mark{App: "a", Version: int64(i + 1)}
		l.commit(c)
	}
	for range 2 {
		counts, known := l.load().States(dayValue(0))
		require.True(t, known)
		require.Equal(t, map[string]int64{"refunded": 12}, counts)
		l.optimize(OptimizeOptions{})
	}
	require.Equal(t, 1, l.load().NumFiles())
}

// A file that does not tell makes the partition unknown, and is no reason to
// write it again.
func TestUnknownStates(t *testing.T) {
	l := newMemLake(t) // a table without states, as older ones are
	l.put(rowsOf(0, 10))
	l = l.rival(withState)
	_, known := l.load().States(dayValue(0))
	require.False(t, known)
	require.Equal(t, sink.Unchanged, l.commit(l.replace(0, rowsOf(0, 10))).Outcome)

	many := rowsOf(1, 65)
	for i := range many {
		many[i].status = fmt.Sprint("state ", i)
	}
	l.put(many[:64])
	counts, known := l.load().States(dayValue(1))
	require.True(t, known)
	require.Len(t, counts, 64)
	l.put(many)
	_, known = l.load().States(dayValue(1))
	require.False(t, known)
}
