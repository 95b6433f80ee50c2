package storetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
)

// Run checks that stores keep the contract of [store.Store]. open gives a
// store for a test; it may hold objects of other tests only if they cannot be
// listed, so a store over shared space gives each test a space of its own.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"put then read", putThenRead},
		{"put replaces the whole object", putReplaces},
		{"put reads the body from its start", putRewinds},
		{"readers never see a part of a put", putIsAtomic},
		{"an open reader keeps its object", readerKeepsObject},
		{"create refuses an existing object", createExists},
		{"create has exactly one winner", createOneWinner},
		{"create does not keep the body", createCopies},
		{"open reads ranges", openRanges},
		{"absent objects are not found", notFound},
		{"a directory is no object", directoryIsNoObject},
		{"list is in byte order of whole keys", listOrder},
		{"list keeps to the prefix", listPrefix},
		{"list starts after a key", listAfter},
		{"list tells sizes and times", listFacts},
		{"list can be stopped", listStops},
		{"list of nothing", listNothing},
		{"delete", deletes},
		{"odd keys", oddKeys},
		{"bad keys are refused", badKeys},
		{"a cancelled context changes nothing", cancelled},
		{"a failing body changes nothing", failingBody},
		{"put file", putFile},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func put(t *testing.T, s store.Store, key, body string) {
	t.Helper()
	require.NoError(t, s.Put(t.Context(), key, reader(body)))
}

func read(t *testing.T, s store.Store, key string) string {
	t.Helper()
	data, err := store.ReadAll(t.Context(), s, key)
	require.NoError(t, err)
	return string(data)
}

func list(t *testing.T, s store.Store, prefix, after string) []string {
	t.Helper()
	keys := []string{}
	for o, err := range s.List(t.Context(), prefix, after) {
		require.NoError(t, err)
		keys = append(keys, o.Key)
	}
	return keys
}

// over gives a context that is cancelled already.
func over(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
