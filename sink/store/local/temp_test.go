package local_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRemoveTempLeavesRunningWritersAlone(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for path, age := range map[string]time.Duration{
		"t/.tmp-1": 2 * time.Hour, "t/a/b/.tmp-2": 2 * time.Hour, "t/.tmp-young": time.Minute, "t/part.parquet": 2 * time.Hour,
		"t/.tmpx": 2 * time.Hour, "other/.tmp-3": 2 * time.Hour,
	} {
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		require.NoError(t, os.Chtimes(path, now.Add(-age), now.Add(-age)))
	}
	s := open(t, dir)
	n, err := s.RemoveTemp(t.Context(), "t", now.Add(-time.Hour))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for path, want := range map[string]bool{"t/.tmp-1": false, "t/a/b/.tmp-2": false, "t/.tmp-young": true, "t/part.parquet": true, "t/.tmpx": true, "other/.tmp-3": true} {
		_, err := os.Stat(filepath.Join(dir, path))
		require.Equal(t, want, err == nil, path)
	}
	n, err = s.RemoveTemp(t.Context(), "absent", now)
	require.NoError(t, err)
	require.Zero(t, n)
}
