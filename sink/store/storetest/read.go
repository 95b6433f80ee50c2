package storetest

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
)

func openRanges(t *testing.T, s store.Store) {
	put(t, s, "k", "0123456789")
	for _, c := range []struct {
		off, n int64
		want   string
	}{
		{0, -1, "0123456789"},
		{0, 0, ""},
		{0, 4, "0123"},
		{3, 4, "3456"},
		{3, -1, "3456789"},
		{8, 100, "89"},
		{10, -1, ""},
		{11, 5, ""},
	} {
		r, err := s.Open(t.Context(), "k", c.off, c.n)
		require.NoError(t, err, "offset %d, %d bytes", c.off, c.n)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, c.want, string(data), "offset %d, %d bytes", c.off, c.n)
		require.NoError(t, r.Close())
	}
	_, err := s.Open(t.Context(), "k", -1, 5)
	require.Error(t, err)
}

func notFound(t *testing.T, s store.Store) {
	_, err := s.Open(t.Context(), "absent", 0, -1)
	require.ErrorIs(t, err, store.ErrNotFound)
	put(t, s, "a/b", "x")
	for _, key := range []string{"absent", "a/absent", "a/b/below an object", "absent/deep/down"} {
		_, err := store.ReadAll(t.Context(), s, key)
		require.ErrorIs(t, err, store.ErrNotFound, key)
		require.ErrorContains(t, err, key)
	}
}

func directoryIsNoObject(t *testing.T, s store.Store) {
	put(t, s, "a/b/c", "x")
	_, err := s.Open(t.Context(), "a/b", 0, -1)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// ordered are keys in byte order, in which "-", "." and "%" come before "/"
// and upper case before lower case.
func ordered() []string {
	return []string{
		"A", "a%2Fb", "a-b", "a-b/c", "a.json", "a/-", "a/b", "a/b-c", "a/b/c", "a0", "aa/z",
		"b/.hidden", "b/_log/0", "ä/ü",
	}
}

func listOrder(t *testing.T, s store.Store) {
	want := slices.DeleteFunc(ordered(), func(k string) bool { return k == "a-b" || k == "a/b" }) // names of directories, here
	for i := range want {
		put(t, s, want[(i*7)%len(want)], "x") // 7 and the length have no common divisor
	}
	require.True(t, slices.IsSorted(want))
	require.Equal(t, want, list(t, s, "", ""))
}

func listPrefix(t *testing.T, s store.Store) {
	for _, key := range []string{"a", "log/000", "log/001", "log/sub/1", "log-old/000", "logs", "z/log/000"} {
		put(t, s, key, "x")
	}
	for prefix, want := range map[string][]string{
		"log/":       {"log/000", "log/001", "log/sub/1"},
		"log":        {"log-old/000", "log/000", "log/001", "log/sub/1", "logs"},
		"log/00":     {"log/000", "log/001"},
		"log/000":    {"log/000"},
		"log/s":      {"log/sub/1"},
		"log/sub/":   {"log/sub/1"},
		"log/absent": {},
		"absent/":    {},
		"a/":         {},
		"logs/":      {},
		"log//":      {},
		"../":        {},
		"/":          {},
	} {
		require.Equal(t, want, list(t, s, prefix, ""), prefix)
	}
}

func listAfter(t *testing.T, s store.Store) {
	keys := slices.DeleteFunc(ordered(), func(k string) bool { return k == "a-b" || k == "a/b" })
	for _, key := range keys {
		put(t, s, key, "x")
	}
	marks := append(ordered(), "", "a", "a/", "a/b/", "a/b/c/d", "zzz", "aa", "aa/", "b/_log/", "b/_log/00")
	for _, prefix := range []string{"", "a", "a/", "b/_log/"} {
		for _, after := range marks {
			want := slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
				return k <= after || !strings.HasPrefix(k, prefix)
			})
			require.Equal(t, want, list(t, s, prefix, after), "prefix %q after %q", prefix, after)
		}
	}
}

func listFacts(t *testing.T, s store.Store) {
	put(t, s, "d/k", "12345")
	for o, err := range s.List(t.Context(), "d/", "") {
		require.NoError(t, err)
		require.Equal(t, "d/k", o.Key)
		require.EqualValues(t, 5, o.Size)
		require.Equal(t, time.UTC, o.Modified.Location())
		require.WithinDuration(t, time.Now(), o.Modified, time.Hour)
	}
}

func listStops(t *testing.T, s store.Store) {
	for _, key := range []string{"a/1", "a/2", "b/1"} {
		put(t, s, key, "x")
	}
	var seen []string
	for o, err := range s.List(t.Context(), "", "") {
		require.NoError(t, err)
		seen = append(seen, o.Key)
		break
	}
	require.Equal(t, []string{"a/1"}, seen)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	n := 0
	for _, err := range s.List(ctx, "", "") {
		cancel()
		last = err
		n++
	}
	require.ErrorIs(t, last, context.Canceled, "a listing cut short must not look complete")
	require.Equal(t, 2, n)
}

func listNothing(t *testing.T, s store.Store) {
	require.Empty(t, list(t, s, "", ""))
	require.Empty(t, list(t, s, "a/b", ""))
	require.NoError(t, s.Delete(t.Context(), "a/b"))
}

func oddKeys(t *testing.T, s store.Store) {
	keys := []string{
		"with space/a b.txt", "per%cent/100%25=x", "p=a%3Ab/f", "utf8/São Paulo/日本.json", "_delta_log/00000000000000000000.json",
		"dots/..a/b..", "dots/...", "quote'\"/x", "plus+/&?#[x]", "emoji/🦀", ".hidden/.x",
	}
	for _, key := range keys {
		put(t, s, key, key)
	}
	for _, key := range keys {
		require.Equal(t, key, read(t, s, key))
	}
	want := slices.Sorted(slices.Values(keys))
	require.Equal(t, want, list(t, s, "", ""))
	require.NoError(t, s.Delete(t.Context(), keys...))
	require.Empty(t, list(t, s, "", ""))
}

func badKeys(t *testing.T, s store.Store) {
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\x00b", "a\nb", `a\b`, "a\xff", ".tmp-1", "a/.tmp-1",
		strings.Repeat("x/", 600) + "y",
	} {
		require.ErrorIs(t, s.Put(t.Context(), key, reader("x")), store.ErrKey, "%q", key)
		require.ErrorIs(t, s.Create(t.Context(), key, nil), store.ErrKey, "%q", key)
		_, err := s.Open(t.Context(), key, 0, -1)
		require.ErrorIs(t, err, store.ErrKey, "%q", key)
		require.ErrorIs(t, s.Delete(t.Context(), key), store.ErrKey, "%q", key)
	}
	require.Empty(t, list(t, s, "", ""))
}
