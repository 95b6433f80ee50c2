package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/storetest"
)

func open(t *testing.T, dir string) *local.Store {
	t.Helper()
	s, err := local.New(dir)
	require.NoError(t, err)
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "deep", "lake")) })
}

func keys(t *testing.T, s store.Store) []string {
	t.Helper()
	found := []string{}
	for o, err := range s.List(t.Context(), "", "") {
		require.NoError(t, err)
		found = append(found, o.Key)
	}
	return found
}

func TestNewTouchesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lake")
	require.Empty(t, keys(t, open(t, dir)))
	require.NoDirExists(t, dir)
	_, err := local.New("")
	require.Error(t, err)
}

func TestObjectsAreFilesOthersCanRead(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, dir).Put(t.Context(), "a/b.json", strings.NewReader("x")))
	info, err := os.Stat(filepath.Join(dir, "a", "b.json"))
	require.NoError(t, err)
	require.NotZero(t, info.Mode().Perm()&0o044, "the engines that read the lake run as other users")
	entries, err := os.ReadDir(filepath.Join(dir, "a"))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no unfinished file is left")
}

func TestUnfinishedFilesAreNotListed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "t", ".tmp-dir"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "t", ".tmp-7f3a"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "t", ".tmp-dir", "x"), []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "t", "done"), []byte("x"), 0o600))
	require.Equal(t, []string{"t/done"}, keys(t, open(t, dir)))
}

func TestLinksDoNotLeadOutside(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("s"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "away")))
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "file")))
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "loop")))
	s := open(t, dir)
	require.Empty(t, keys(t, s))
	for _, key := range []string{"away/secret", "file"} {
		_, err := store.ReadAll(t.Context(), s, key)
		require.Error(t, err, key)
	}
	require.Error(t, s.Put(t.Context(), "away/new", strings.NewReader("x")))
	require.Error(t, s.Create(t.Context(), "away/new", []byte("x")))
	require.NoFileExists(t, filepath.Join(outside, "new"))
	require.Error(t, s.Delete(t.Context(), "away/secret"))
	require.FileExists(t, secret)
}

func TestErrorsNameKeyAndCause(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	require.NoError(t, s.Put(t.Context(), "a", strings.NewReader("x")))
	err := s.Put(t.Context(), "a/b", strings.NewReader("x"))
	require.ErrorContains(t, err, "put a/b")
	require.ErrorContains(t, s.Put(t.Context(), "k", blocked(t, dir)), "put k")

	file := filepath.Join(dir, "a")
	err = open(t, file).Create(t.Context(), "k", nil)
	require.ErrorContains(t, err, file)
	require.ErrorContains(t, err, "create k")
}

// blocked gives a body on a closed file.
func blocked(t *testing.T, dir string) *os.File {
	f, err := os.Open(filepath.Join(dir, "a"))
	require.NoError(t, err)
	require.NoError(t, f.Close())
	return f
}
