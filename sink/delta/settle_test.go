package delta

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

// overwrite puts a commit of another engine over an existing one, as a log
// store without put-if-absent does.
func (l *lake) overwrite(version int64, lines ...string) {
	l.t.Helper()
	require.NoError(l.t, l.st.Put(context.Background(), l.key(commitName(version)), strings.NewReader(strings.Join(lines, "\n"))))
}

const sparkInfo = `{"commitInfo":{"operation":"WRITE","engineInfo":"Apache-Spark/4.1.1 Delta-Lake/4.1.0","txnId":"of-spark"}}`

func requireVanished(t *testing.T, err error, version int64) {
	t.Helper()
	var gone *sink.VanishedError
	require.ErrorAs(t, err, &gone)
	require.Equal(t, version, gone.Version)
	require.Equal(t, testRoot, gone.Table)
}

func TestOverwrittenCommitIsNoticedByTheNext(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	l.put(rowsOf(1, 20))
	l.overwrite(1, sparkInfo)
	c := l.replace(1, rowsOf(2, 20))
	keys := l.dataKeys()
	_, err := l.Commit(t.Context(), c)
	requireVanished(t, err, 1)
	require.Equal(t, keys, l.dataKeys(), "nothing is left of the refused commit")

	l.requireRows(rowsOf(0, 20))
	require.Equal(t, int64(1), l.load().Version())
	l.put(rowsOf(1, 20))
	l.put(rowsOf(2, 20))
	l.settle()
	l.requireRows(rowsOf(0, 20), rowsOf(1, 20), rowsOf(2, 20))
}

// An older commit of the run, with others on top of it.
func TestOverwrittenCommitBelowTheTipIsNoticed(t *testing.T) {
	l := newMemLake(t)
	fill(l, 5)
	l.overwrite(2, sparkInfo)
	_, err := l.Commit(t.Context(), l.replace(5, rowsOf(9, 1)))
	requireVanished(t, err, 2)
	l.load()
	require.Equal(t, sink.Committed, l.commit(l.replace(5, rowsOf(9, 1))).Outcome, "it is told once")
}

func TestVanishedCommitIsNoticedThoughTheTableWasLoadedBetween(t *testing.T) {
	l := newMemLake(t)
	fill(l, 1)
	l.overwrite(1, sparkInfo)
	s := l.load()
	_, err := l.Commit(t.Context(), l.replace(s.Version(), rowsOf(9, 1)))
	requireVanished(t, err, 1)
}

func TestEmptiedTableIsAVanishedCommit(t *testing.T) {
	l := newMemLake(t)
	fill(l, 2)
	for _, k := range l.keys("") {
		require.NoError(t, l.st.Delete(t.Context(), l.key(k)))
	}
	_, err := l.Commit(t.Context(), l.replace(2, rowsOf(9, 1)))
	requireVanished(t, err, 0)
	require.False(t, l.load().Exists())
	l.put(rowsOf(9, 1))
}

func TestSettleReadsTheOwnCommitsBack(t *testing.T) {
	l := newMemLake(t)
	fill(l, 3)
	body, err := store.ReadAll(t.Context(), l.st, l.key(commitName(2)))
	require.NoError(t, err)
	same := strings.Replace(string(body), `"txnId":"`, `"txnId":"x`, 1) // of the same size
	i := strings.Index(same, `"txnId":"x`) + len(`"txnId":"x`)
	same = same[:i] + same[i+1:]
	require.Len(t, same, len(body))
	l.overwrite(2, same)
	vanished, warnings, err := l.Settle(t.Context())
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, []int64{2}, vanished)
	l.load()
	l.settle()
}

func TestSettleIsFineWithCommitsThatWereCleanedUp(t *testing.T) {
	l := newMemLake(t)
	fill(l, 12)
	for v := range int64(10) {
		require.NoError(t, l.st.Delete(t.Context(), l.key(commitName(v))))
	}
	l.settle()
	require.Equal(t, int64(12), l.load().Version())
}

func TestSettleDoesNotMindCommitsOfOthers(t *testing.T) {
	l := newMemLake(t)
	fill(l, 2)
	l.rival().put(rowsOf(7, 2))
	l.createRaw(4, sparkInfo)
	l.settle()
	require.Contains(t, l.keys(logFolder), checkpointName(4))
}

// late answers the first Create with an error and writes its object only when
// the key is written again: a put that was on its way all the time.
type late struct {
	store.Store
	key  string
	body []byte
}

func (s *late) Create(ctx context.Context, key string, body []byte) error {
	switch s.key {
	case "":
		s.key, s.body = key, body
		return errLost
	case key:
		if err := s.Store.Create(ctx, key, s.body); err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
	}
	return s.Store.Create(ctx, key, body)
}

func TestPutThatLandsLateIsTheSameCommit(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(rowsOf(0, 20))
	run := newLake(t, &late{Store: st})
	r := run.commit(run.replace(run.load().Version(), rowsOf(0, 21)))
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, int64(1), r.Version)
	require.Equal(t, int64(1), l.load().Version(), "one commit")
	l.requireRows(rowsOf(0, 21))
	run.settle()
}

// A put whose answer was lost, and whose version another run took meanwhile.
func TestUnclearPutThatLostTheRaceKeepsItsFiles(t *testing.T) {
	st := mem.New()
	rival := newLake(t, st)
	rival.put(rowsOf(0, 20))
	l := newLake(t, &hooked{Store: st, before: func() {
		rival.put(rowsOf(0, 22))
		st.Inject(mem.Fault{Op: mem.Create, N: 1, Err: errLost})
	}})
	r := l.commit(l.replace(l.load().Version(), rowsOf(0, 21)))
	require.Equal(t, sink.Conflict, r.Outcome)
	rival.requireRows(rowsOf(0, 22))
	require.Len(t, rival.dataKeys(), 3, "the files of an unclear commit stay")
}

// refusing is a store that sends nothing, and says so.
type refusing struct{ store.Store }

type refusal struct{}

func (refusal) Error() string    { return "no conditional writes" }
func (refusal) NotWritten() bool { return true }

func (refusing) Create(context.Context, string, []byte) error {
	return fmt.Errorf("create: %w", refusal{})
}

func TestStoreThatRefusesToCommitLeavesNothing(t *testing.T) {
	l := newLake(t, refusing{mem.New()})
	_, err := l.Commit(t.Context(), l.replace(-1, rowsOf(0, 2)))
	require.ErrorIs(t, err, refusal{})
	require.NotContains(t, err.Error(), "left in place")
	require.Empty(t, l.keys(""))
}
