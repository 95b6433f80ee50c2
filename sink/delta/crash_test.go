package delta

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

var errLost = errors.New("connection reset")

func TestLostAnswerOfTheCommitIsSettledByReading(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(rowsOf(0, 20))
	c := l.replace(0, rowsOf(0, 21))
	st.Inject(mem.Fault{Op: mem.Create, N: 1, Err: errLost, Late: true})
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, int64(1), r.Version)
	require.Equal(t, int64(1), l.rival().load().Version(), "exactly one commit")
	l.requireRows(rowsOf(0, 21))
}

func TestCommitThatDidNotArriveIsPutAgain(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(rowsOf(0, 20))
	c := l.replace(0, rowsOf(0, 21))
	st.Inject(mem.Fault{Op: mem.Create, N: 1, Err: errLost})
	r := l.commit(c)
	require.Equal(t, int64(1), r.Version)
	l.requireRows(rowsOf(0, 21))
}

func TestOwnCommitMetAsExistingIsSuccess(t *testing.T) {
	st := mem.New()
	l := newLake(t, &doubled{st})
	l.put(rowsOf(0, 20))
	require.Equal(t, int64(0), l.rival().load().Version())
}

// doubled repeats every Create, as a client library does whose first answer was
// lost.
type doubled struct{ store.Store }

func (d *doubled) Create(ctx context.Context, key string, body []byte) error {
	if err := d.Store.Create(ctx, key, body); err != nil {
		return err
	}
	return d.Store.Create(ctx, key, body)
}

func TestUnclearCommitKeepsItsDataFiles(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(rowsOf(0, 20))
	c := l.replace(0, rowsOf(0, 21))
	for n := 1; n <= unclearTries; n++ {
		st.Inject(mem.Fault{Op: mem.Create, N: n, Err: errLost})
	}
	_, err := l.Commit(context.Background(), c)
	require.ErrorIs(t, err, errLost)
	require.ErrorContains(t, err, "left in place")
	require.Len(t, l.dataKeys(), 2)
	l.requireRows(rowsOf(0, 20))
}

// troubled is an error of a store that will be better soon.
type troubled struct{}

func (troubled) Error() string   { return "the server is starting" }
func (troubled) Temporary() bool { return true }

func TestACommitOutlastsAStoreThatIsStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := mem.New()
		l := newLake(t, st)
		l.put(rowsOf(0, 20))
		c := l.replace(0, rowsOf(0, 21))
		for n := 1; n < patientTries; n++ {
			st.Inject(mem.Fault{Op: mem.Create, N: n, Err: troubled{}})
		}
		receipt, err := l.Commit(context.Background(), c)
		require.NoError(t, err)
		require.Equal(t, sink.Committed, receipt.Outcome)
		l.requireRows(rowsOf(0, 21))
	})
}

// atomic: a run that dies between the upload and the commit changes nothing.
func TestFailureAtEveryStoreCallLeavesAWholeTable(t *testing.T) {
	for n := 1; ; n++ {
		st := mem.New()
		l := newLake(t, st)
		l.put(append(rowsOf(0, 20), rowsOf(1, 20)...))
		c := l.rival().replace(0, append(rowsOf(0, 21), rowsOf(1, 21)...))
		run := l.rival()
		calls := st.Calls("")
		st.FailAt(n, errLost)
		_, err := run.Commit(context.Background(), c)
		done := st.Calls("")-calls < n
		clearFault(st, done)
		if err != nil {
			l.requireRows(rowsOf(0, 20), rowsOf(1, 20))
			again := l.rival()
			require.Equal(t, sink.Committed, again.commit(again.replace(0, append(rowsOf(0, 21), rowsOf(1, 21)...))).Outcome)
		}
		l.requireRows(rowsOf(0, 21), rowsOf(1, 21))
		if done {
			require.Greater(t, n, 4, "the commit must have met some faults")
			return
		}
	}
}

// clearFault lets a fault that was not reached happen to nobody.
func clearFault(st *mem.Store, waiting bool) {
	for waiting {
		for _, err := range st.List(context.Background(), "", "") {
			waiting = waiting && err == nil
		}
	}
}

func TestFailedUploadIsCleanedUp(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(append(rowsOf(0, 20), rowsOf(1, 20)...))
	c := l.replace(0, append(rowsOf(0, 21), rowsOf(1, 21)...))
	st.Inject(mem.Fault{Op: mem.Put, N: 2, Err: errLost, Late: true})
	_, err := l.Commit(context.Background(), c)
	require.ErrorIs(t, err, errLost)
	require.Len(t, l.dataKeys(), 2, "also the file whose put had no clear answer")
}

func TestCancelledCommitChangesNothing(t *testing.T) {
	st := mem.New()
	ctx, cancel := context.WithCancel(context.Background())
	l := newLake(t, &cancelling{Store: st, cancel: cancel})
	c := l.replace(-1, rowsOf(0, 20))
	_, err := l.Commit(ctx, c)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, l.keys(""), "uploads are removed though the context has ended")
}

// cancelling ends the run when a data file has been put.
type cancelling struct {
	store.Store
	cancel context.CancelFunc
}

func (c *cancelling) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	defer c.cancel()
	return c.Store.Put(ctx, key, body)
}
