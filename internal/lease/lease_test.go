package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/lease"
	"github.com/paylake/paylake/sink/store/mem"
)

func take(t *testing.T, st *mem.Store, mode lease.Mode, run string) (*lease.Lease, error) {
	t.Helper()
	return lease.Take(t.Context(), st, "loja", lease.Options{Mode: mode, RunID: run})
}

// A free lease costs two calls, a release one; while it is held Skip is told by
// whom, and Go runs all the same.
func TestTakeAndRelease(t *testing.T) {
	st := mem.New()
	first, err := take(t, st, lease.Skip, "run-1")
	require.NoError(t, err)
	require.NotNil(t, first)
	require.Equal(t, 2, st.Calls(""))

	_, err = take(t, st, lease.Skip, "run-2")
	var held *lease.HeldError
	require.ErrorAs(t, err, &held)
	require.Equal(t, "run-1", held.RunID)
	require.ErrorContains(t, err, "loja")

	none, err := take(t, st, lease.Go, "run-3")
	require.NoError(t, err)
	require.Nil(t, none)
	require.NoError(t, none.Release(t.Context()), "nothing to release")

	other, err := lease.Take(t.Context(), st, "outra", lease.Options{Mode: lease.Skip})
	require.NoError(t, err)
	require.NotNil(t, other, "another connection has a lease of its own")

	calls := st.Calls("")
	require.NoError(t, first.Release(t.Context()))
	require.Equal(t, calls+1, st.Calls(""))
	again, err := take(t, st, lease.Skip, "run-4")
	require.NoError(t, err)
	require.NotNil(t, again)
}

// Of many runs at once exactly one gets the lease.
func TestOneWins(t *testing.T) {
	st := mem.New()
	for range 3 { // also after a release
		won := make(chan *lease.Lease, 20)
		for range cap(won) {
			go func() {
				l, err := lease.Take(context.Background(), st, "loja", lease.Options{Mode: lease.Go})
				if err != nil {
					panic(err)
				}
				won <- l
			}()
		}
		var winner *lease.Lease
		for range cap(won) {
			if l := <-won; l != nil {
				require.Nil(t, winner, "two runs hold the lease")
				winner = l
			}
		}
		require.NotNil(t, winner)
		require.NoError(t, winner.Release(t.Context()))
	}
}

// A lease that is kept lives on; that of a run that died expires, and a run that
// waits gets it then, not before.
func TestWaitUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := mem.New()
		first, err := take(t, st, lease.Go, "run-1")
		require.NoError(t, err)
		keeping, die := context.WithCancel(t.Context())
		go first.Keep(keeping)
		begun := time.Now()
		time.AfterFunc(time.Hour, die)
		second, err := take(t, st, lease.Wait, "run-2")
		require.NoError(t, err)
		require.NotNil(t, second)
		waited := time.Since(begun)
		require.Greater(t, waited, time.Hour)
		require.Less(t, waited, time.Hour+5*time.Minute)
	})
}

// A run that waits gets the lease soon after it was released, and a stop ends
// the wait.
func TestWaitUntilItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := mem.New()
		first, err := take(t, st, lease.Go, "run-1")
		require.NoError(t, err)

		stopped, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		told := 0
		_, err = lease.Take(stopped, st, "loja", lease.Options{Mode: lease.Wait, Waiting: func(h lease.Held) {
			told++
			require.Equal(t, "run-1", h.RunID)
		}})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 1, told, "the operator is told once")

		begun := time.Now()
		time.AfterFunc(30*time.Second, func() { _ = first.Release(t.Context()) })
		second, err := take(t, st, lease.Wait, "run-2")
		require.NoError(t, err)
		require.NotNil(t, second)
		require.Less(t, time.Since(begun), time.Minute)
	})
}

// Leases of long ago do not pile up.
func TestOldLeasesAreRemoved(t *testing.T) {
	st := mem.New()
	for range 40 {
		l, err := take(t, st, lease.Go, "run")
		require.NoError(t, err)
		require.NotNil(t, l)
		require.NoError(t, l.Release(t.Context()))
	}
	n := 0
	for range st.List(t.Context(), "_paylake/lease/", "") {
		n++
	}
	require.Less(t, n, 12)
}

func TestAStoreThatFails(t *testing.T) {
	st, gone := mem.New(), errors.New("network is gone")
	for _, op := range []mem.Op{mem.List, mem.Create} {
		st.Inject(mem.Fault{Op: op, N: 1, Err: gone})
		_, err := take(t, st, lease.Go, "run")
		require.ErrorIs(t, err, gone)
	}
}
