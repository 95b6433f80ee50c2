package mem_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/sink/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return mem.New() })
}

var errGone = errors.New("network is gone")

func TestFailAtHitsOneCall(t *testing.T) {
	s, ctx := mem.New(), t.Context()
	s.FailAt(2, errGone)
	require.NoError(t, s.Put(ctx, "a", strings.NewReader("1")))
	require.ErrorIs(t, s.Create(ctx, "b", nil), errGone)
	_, err := s.Open(ctx, "b", 0, -1)
	require.ErrorIs(t, err, store.ErrNotFound, "an early failure has no effect")
	require.NoError(t, s.Create(ctx, "b", nil))
}

func TestFaultOfAKind(t *testing.T) {
	s, ctx := mem.New(), t.Context()
	s.Inject(mem.Fault{Op: mem.Create, N: 2, Err: errGone, Late: true})
	require.NoError(t, s.Create(ctx, "a", []byte("1")))
	require.NoError(t, s.Put(ctx, "p", strings.NewReader("x")))
	require.ErrorIs(t, s.Create(ctx, "b", []byte("2")), errGone)
	data, err := store.ReadAll(ctx, s, "b")
	require.NoError(t, err, "a late failure has its effect")
	require.Equal(t, "2", string(data))
}

func TestListAndDeleteCanFail(t *testing.T) {
	s, ctx := mem.New(), t.Context()
	require.NoError(t, s.Put(ctx, "a", strings.NewReader("1")))
	s.Inject(mem.Fault{Op: mem.List, N: 1, Err: errGone})
	s.Inject(mem.Fault{Op: mem.Delete, N: 1, Err: errGone})
	for _, err := range s.List(ctx, "", "") {
		require.ErrorIs(t, err, errGone)
	}
	require.ErrorIs(t, s.Delete(ctx, "a"), errGone)
	_, err := store.ReadAll(ctx, s, "a")
	require.NoError(t, err)
}

func TestCalls(t *testing.T) {
	s, ctx := mem.New(), t.Context()
	require.NoError(t, s.Put(ctx, "a", strings.NewReader("1")))
	require.NoError(t, s.Delete(ctx, "a", "b"))
	require.Error(t, s.Put(ctx, "", strings.NewReader("1")))
	require.Equal(t, 1, s.Calls(mem.Put))
	require.Equal(t, 2, s.Calls(mem.Delete))
	require.Equal(t, 3, s.Calls(""))
}

func TestManyKeys(t *testing.T) { storetest.Many(t, mem.New()) }
