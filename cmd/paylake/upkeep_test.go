package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/local"
)

// liveFile gives a live data file of the table of payables: its path below the
// table, its partition and its size.
func liveFile(t *testing.T, a account) (delta.File, *delta.Snapshot) {
	t.Helper()
	st, err := local.New(a.lake)
	require.NoError(t, err)
	s, err := delta.ReadSnapshot(t.Context(), st, "raw/pagarme/payables")
	require.NoError(t, err)
	for f := range s.Files() {
		return f, s
	}
	require.Fail(t, "the table has no file")
	return delta.File{}, nil
}

// double adds a copy of a live file beside it, as another engine would.
func double(t *testing.T, a account) {
	t.Helper()
	f, s := liveFile(t, a)
	dir := filepath.Join(a.lake, "raw/pagarme/payables")
	data, err := os.ReadFile(filepath.Join(dir, f.Path))
	require.NoError(t, err)
	copied := filepath.Dir(f.Path) + "/part-copy.parquet"
	require.NoError(t, os.WriteFile(filepath.Join(dir, copied), data, 0o600))
	columns := s.PartitionColumns()
	require.Len(t, columns, 1)
	line := fmt.Sprintf(`{"add":{"path":%q,"partitionValues":{%q:%q},"size":%d,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":%d}"}}`,
		copied, columns[0], f.Partition, f.Size, f.Rows)
	require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("_delta_log/%020d.json", s.Version()+1)), []byte(line+"\n"), 0o600))
}

func TestOptimizeCommand(t *testing.T) {
	a := serve(t, simapi.Config{}, "[payables, recipients]")
	none := paylake(t, "optimize", "--config", a.config)
	require.Equal(t, exitDone, none.code, none.stderr)
	require.Contains(t, none.stdout, "There is no table yet")

	require.Equal(t, exitDone, paylake(t, "sync", "-q", "--config", a.config).code)
	double(t, a)
	_, before := liveFile(t, a)
	dry := paylake(t, "optimize", "--dry-run", "--config", a.config)
	require.Equal(t, exitDone, dry.code, dry.stderr)
	_, same := liveFile(t, a)
	require.Equal(t, before.Version(), same.Version())

	got := paylake(t, "optimize", "--json", "--streams", "payables", "--config", a.config)
	require.Equal(t, exitDone, got.code, got.stderr)
	var tables []optimizedTable
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &tables))
	require.Len(t, tables, 1)
	require.Equal(t, []any{"raw/pagarme/payables", 2, 1, 1}, []any{tables[0].Table, tables[0].FilesBefore, tables[0].FilesAfter, tables[0].Commits})
	_, after := liveFile(t, a)
	require.FileExists(t, filepath.Join(a.lake, fmt.Sprintf("raw/pagarme/payables/_delta_log/%020d.checkpoint.parquet", after.Version())))
	require.Equal(t, before.Rows(), after.Rows())
	require.Equal(t, before.NumFiles()-1, after.NumFiles())

	again := paylake(t, "optimize", "-q", "--config", a.config)
	require.Equal(t, exitDone, again.code, again.stderr)
	require.Contains(t, again.stdout, "raw/pagarme/recipients")
	a.nothingLeaks(t, dry, got, again)
}

func TestVacuumCommand(t *testing.T) {
	a := serve(t, simapi.Config{}, "[payables]")
	require.Equal(t, exitDone, paylake(t, "sync", "-q", "--config", a.config).code)
	f, _ := liveFile(t, a)
	dir := filepath.Join(a.lake, "raw/pagarme/payables")
	orphan, young := filepath.Join(dir, filepath.Dir(f.Path), "part-dead.parquet"), filepath.Join(dir, "part-young.parquet")
	for path, age := range map[string]time.Duration{orphan: 8 * 24 * time.Hour, young: 6 * 24 * time.Hour, filepath.Join(dir, f.Path): 999 * time.Hour} {
		if path != filepath.Join(dir, f.Path) {
			require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		}
		then := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(path, then, then))
	}
	dry := paylake(t, "vacuum", "--config", a.config)
	require.Equal(t, exitDone, dry.code, dry.stderr)
	require.Equal(t, 1, strings.Count(dry.stderr, ".parquet"), dry.stderr)
	require.Contains(t, dry.stderr, "part-dead.parquet")
	require.Regexp(t, `payables .* 7d +no, --dry-run=false does`, dry.stdout)
	require.FileExists(t, orphan)

	short := paylake(t, "vacuum", "--retention", "6d", "--dry-run=false", "--config", a.config)
	require.Equal(t, exitUsage, short.code)
	require.Contains(t, short.stderr, "--force")
	require.FileExists(t, orphan)

	got := paylake(t, "vacuum", "--dry-run=false", "--json", "--retention", "168h", "--config", a.config)
	require.Equal(t, exitDone, got.code, got.stderr)
	var tables []vacuumedTable
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &tables))
	require.Equal(t, []vacuumedTable{{Table: "raw/pagarme/payables", Files: 1, Bytes: 1, Retention: 7 * 24 * 3600}}, tables)
	require.NoFileExists(t, orphan)
	require.FileExists(t, young)
	require.FileExists(t, filepath.Join(dir, f.Path))

	forced := paylake(t, "vacuum", "--retention=1d", "--force", "--dry-run=false", "--config", a.config)
	require.Equal(t, exitDone, forced.code, forced.stderr)
	require.NoFileExists(t, young)
}

func TestRetentionFlag(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "7d": 7 * 24 * time.Hour, "168h": 168 * time.Hour} {
		got, err := parseRetention(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"7", "1.5d", "d", "99999d", "soon"} {
		_, err := parseRetention(text)
		require.ErrorContains(t, err, "is no time like 7d or 168h", text)
	}
	for _, text := range []string{"0", "0h", "0d", "-1h"} {
		_, err := parseRetention(text)
		require.ErrorContains(t, err, "must be more than 0", text)
	}
}
