package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
)

func reader(body string) io.ReadSeeker { return strings.NewReader(body) }

func putThenRead(t *testing.T, s store.Store) {
	put(t, s, "a/b/c.txt", "hello")
	require.Equal(t, "hello", read(t, s, "a/b/c.txt"))
	put(t, s, "a/b/empty", "")
	require.Empty(t, read(t, s, "a/b/empty"))
}

func putReplaces(t *testing.T, s store.Store) {
	put(t, s, "k", "a long first version")
	put(t, s, "k", "short")
	require.Equal(t, "short", read(t, s, "k"))
}

func putRewinds(t *testing.T, s store.Store) {
	body := reader("whole")
	_, err := io.CopyN(io.Discard, body, 3)
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), "k", body))
	require.Equal(t, "whole", read(t, s, "k"))
}

func putIsAtomic(t *testing.T, s store.Store) {
	versions := [][]byte{bytes.Repeat([]byte("x"), 64<<10), bytes.Repeat([]byte("y"), 48<<10)}
	put(t, s, "d/k", string(versions[0]))
	var done atomic.Bool
	var writer sync.WaitGroup
	defer writer.Wait()
	writer.Go(func() {
		defer done.Store(true)
		for i := range 40 {
			if err := s.Put(t.Context(), "d/k", bytes.NewReader(versions[i%2])); err != nil {
				t.Errorf("put: %v", err)
				return
			}
		}
	})
	for !done.Load() {
		got := []byte(read(t, s, "d/k"))
		if !bytes.Equal(got, versions[0]) && !bytes.Equal(got, versions[1]) {
			t.Errorf("a part of an object was read: %d bytes", len(got))
			break
		}
		require.Equal(t, []string{"d/k"}, list(t, s, "", ""), "unfinished work must not be listed")
	}
}

func readerKeepsObject(t *testing.T, s store.Store) {
	put(t, s, "k", "first version")
	r, err := s.Open(t.Context(), "k", 0, -1)
	require.NoError(t, err)
	put(t, s, "k", "other")
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "first version", string(data))
	require.NoError(t, r.Close())
}

func createExists(t *testing.T, s store.Store) {
	require.NoError(t, s.Create(t.Context(), "log/1", []byte("mine")))
	require.Equal(t, "mine", read(t, s, "log/1"))
	require.ErrorIs(t, s.Create(t.Context(), "log/1", []byte("yours")), store.ErrExists)
	require.Equal(t, "mine", read(t, s, "log/1"))
	put(t, s, "log/2", "put before")
	require.ErrorIs(t, s.Create(t.Context(), "log/2", nil), store.ErrExists)
	require.NoError(t, s.Delete(t.Context(), "log/1"))
	require.NoError(t, s.Create(t.Context(), "log/1", []byte("again")))
	require.Equal(t, []string{"log/1", "log/2"}, list(t, s, "", ""))
}

func createOneWinner(t *testing.T, s store.Store) {
	const rivals = 16
	for round := range 8 {
		key := fmt.Sprintf("new dir %d/%020d.json", round, round)
		errs := make([]error, rivals)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range rivals {
			wg.Go(func() {
				<-start
				errs[i] = s.Create(t.Context(), key, []byte(fmt.Sprint("rival ", i)))
			})
		}
		close(start)
		wg.Wait()
		winner := -1
		for i, err := range errs {
			if err == nil {
				require.Equal(t, -1, winner, "two winners")
				winner = i
				continue
			}
			require.ErrorIs(t, err, store.ErrExists)
		}
		require.NotEqual(t, -1, winner, "no winner")
		require.Equal(t, fmt.Sprint("rival ", winner), read(t, s, key))
	}
}

func createCopies(t *testing.T, s store.Store) {
	body := []byte("before")
	require.NoError(t, s.Create(t.Context(), "k", body))
	copy(body, "AFTER!")
	require.Equal(t, "before", read(t, s, "k"))
}

func cancelled(t *testing.T, s store.Store) {
	put(t, s, "d/k", "old")
	ctx := over(t)
	require.ErrorIs(t, s.Put(ctx, "d/k", reader("new")), context.Canceled)
	require.ErrorIs(t, s.Create(ctx, "d/new", []byte("new")), context.Canceled)
	require.ErrorIs(t, s.Delete(ctx, "d/k"), context.Canceled)
	_, err := s.Open(ctx, "d/k", 0, -1)
	require.ErrorIs(t, err, context.Canceled)
	var last error
	for _, err := range s.List(ctx, "", "") {
		last = err
	}
	require.ErrorIs(t, last, context.Canceled)
	require.Equal(t, []string{"d/k"}, list(t, s, "", ""))
	require.Equal(t, "old", read(t, s, "d/k"))

	reading, cancel := context.WithCancel(t.Context())
	r, err := s.Open(reading, "d/k", 0, -1)
	require.NoError(t, err)
	cancel()
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, r.Close())
}

// broken is a body that fails after its first bytes.
type broken struct{ *strings.Reader }

var errBroken = errors.New("the disk under the body is gone")

func (b broken) Read(p []byte) (int, error) {
	if b.Len() <= 5 {
		return 0, errBroken
	}
	return b.Reader.Read(p[:min(len(p), 3)])
}

func failingBody(t *testing.T, s store.Store) {
	put(t, s, "d/k", "old")
	require.ErrorIs(t, s.Put(t.Context(), "d/k", broken{strings.NewReader("new version")}), errBroken)
	require.ErrorIs(t, s.Put(t.Context(), "d/other", broken{strings.NewReader("new version")}), errBroken)
	require.Equal(t, "old", read(t, s, "d/k"))
	require.Equal(t, []string{"d/k"}, list(t, s, "", ""))
}

func putFile(t *testing.T, s store.Store) {
	path := filepath.Join(t.TempDir(), "part.parquet")
	require.NoError(t, os.WriteFile(path, []byte("PAR1"), 0o600))
	require.NoError(t, store.PutFile(t.Context(), s, "d/part.parquet", path))
	require.Equal(t, "PAR1", read(t, s, "d/part.parquet"))
	require.FileExists(t, path)
	require.ErrorIs(t, store.PutFile(t.Context(), s, "d/x", path+".absent"), os.ErrNotExist)
}

func deletes(t *testing.T, s store.Store) {
	for _, key := range []string{"a", "b/1", "b/2", "c"} {
		put(t, s, key, "x")
	}
	require.NoError(t, s.Delete(t.Context(), "b/1", "absent", "absent/deep", "a"))
	require.NoError(t, s.Delete(t.Context()))
	require.Equal(t, []string{"b/2", "c"}, list(t, s, "", ""))
	require.NoError(t, s.Delete(t.Context(), "b"), "a directory holds no object under its own name")
	require.NoError(t, s.Delete(t.Context(), "b/2/deeper"))
	require.Equal(t, []string{"b/2", "c"}, list(t, s, "", ""))
}
