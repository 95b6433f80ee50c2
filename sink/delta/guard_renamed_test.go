package delta

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
)

// Where the source gave its records other keys, those of rows that were read
// before say nothing: rows are counted.
func TestGuardCountsRowsWhereKeysChanged(t *testing.T) {
	after := firstDay().AddDate(0, 0, 400) // every row of the fixture was extracted before
	l := newMemLake(t)
	l.put(rowsOf(0, 100))
	c := l.replace(0, renamed(rowsOf(0, 100), 100), 0)
	_, err := l.Commit(context.Background(), c)
	var shrink *sink.ShrinkError
	require.ErrorAs(t, err, &shrink, "without the rule every key is gone")

	c.NotBefore = after
	receipt := l.commit(c)
	require.Equal(t, sink.Committed, receipt.Outcome)
	require.Zero(t, receipt.Deleted)
	l.requireRows(renamed(rowsOf(0, 100), 100))

	l = newMemLake(t)
	l.put(rowsOf(0, 100))
	c = l.replace(0, renamed(rowsOf(0, 80), 80), 0)
	c.NotBefore = after
	_, err = l.Commit(context.Background(), c)
	require.ErrorAs(t, err, &shrink)
	require.Equal(t, int64(20), shrink.Removed)

	c.NotBefore = firstDay().AddDate(-1, 0, 0)
	_, err = l.Commit(context.Background(), c)
	require.ErrorAs(t, err, &shrink)
	require.Equal(t, int64(100), shrink.Removed, "rows that were extracted since are known by their keys")
}
