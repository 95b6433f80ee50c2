package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/sink/store/storetest"
)

func TestCountingKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return store.Count(mem.New()) })
}

func TestCountsCallsByKind(t *testing.T) {
	s := store.Count(mem.New())
	require.NoError(t, s.Put(t.Context(), "a", strings.NewReader("x")))
	require.NoError(t, s.Create(t.Context(), "b", nil))
	require.ErrorIs(t, s.Create(t.Context(), "b", nil), store.ErrExists)
	_, err := store.ReadAll(t.Context(), s, "a")
	require.NoError(t, err)
	for _, err := range s.List(t.Context(), "", "") {
		require.NoError(t, err)
		break
	}
	require.NoError(t, s.Delete(t.Context(), "a", "b"))
	require.Equal(t, map[string]int64{"put": 1, "create": 2, "get": 1, "list": 1, "delete": 1}, s.Requests())
	require.EqualValues(t, 6, s.Calls())
}

// billed is a store that counts its own requests.
type billed struct{ store.Store }

func (billed) Requests() map[string]int64 { return map[string]int64{"put": 7} }

func TestRequestsOfTheStoreItselfCount(t *testing.T) {
	s := store.Count(billed{mem.New()})
	require.NoError(t, s.Put(t.Context(), "a", strings.NewReader("x")))
	require.Equal(t, map[string]int64{"put": 7}, s.Requests())
	require.EqualValues(t, 1, s.Calls())
}
