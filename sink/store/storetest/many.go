package storetest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/sink/store"
)

// manyKeys is more than a server lists or deletes in one request.
const manyKeys = 1010

// Many checks listings and deletes of more keys than one request of a server
// answers. The store must be empty. It is not part of [Run] because a thousand
// durable writes take long on a disk.
func Many(t *testing.T, s store.Store) {
	keys := make([]string, manyKeys)
	var group errgroup.Group
	group.SetLimit(16)
	for i := range keys {
		keys[i] = fmt.Sprintf("log/%05d.json", i)
		group.Go(func() error { return s.Put(t.Context(), keys[i], reader("x")) })
	}
	require.NoError(t, group.Wait())
	put(t, s, "log-after", "x")
	put(t, s, "lo", "x")
	require.Equal(t, keys, list(t, s, "log/", ""))
	require.Equal(t, keys[1:], list(t, s, "log/", keys[0]))
	require.Equal(t, keys[1001:], list(t, s, "log/", keys[1000]))
	require.Equal(t, append([]string{"lo", "log-after"}, keys...), list(t, s, "", ""))

	gone := append([]string{"log/absent", "absent/deep/down"}, keys[:1005]...)
	require.NoError(t, s.Delete(t.Context(), gone...))
	require.Equal(t, keys[1005:], list(t, s, "log/", ""))
}

// Large checks objects of the given sizes in bytes, such as those around the
// size from which a store uploads in parts.
func Large(t *testing.T, s store.Store, sizes ...int) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range sizes {
		data := make([]byte, size)
		for i := 0; i < len(data); i += 512 {
			data[i] = byte(random.Uint32())
		}
		key := fmt.Sprintf("large/%d", size)
		require.NoError(t, s.Put(t.Context(), key, bytes.NewReader(data)))
		got, err := store.ReadAll(t.Context(), s, key)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), "%d bytes", size)
		off := int64(size - size/3)
		r, err := s.Open(t.Context(), key, off, -1)
		require.NoError(t, err)
		got, err = io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.True(t, bytes.Equal(data[off:], got), "the end of %d bytes", size)
		require.NoError(t, s.Delete(t.Context(), key))
	}
}
