package delta

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/mem"
)

// goldenTable is what must come out of a table that another engine wrote.
type goldenTable struct {
	rows   int64  // -1: as many as the folder "expected" holds
	files  int    // live files; 0 = not compared
	refuse string // the feature, or a part of the error
	noData bool   // the data files are not there: rows are those of the statistics
	marks  map[string]int64
	parts  []partitioning.Value // nil = not compared
}

// goldenTables are the tables of PAYLAKE_GOLDEN. Every table of that folder must
// be listed here.
func goldenTables() map[string]goldenTable {
	counted := goldenTable{rows: -1}
	dv := goldenTable{refuse: "deletionVectors"}
	mapping := goldenTable{refuse: "columnMapping"}
	return map[string]goldenTable{
		"kernel/124-decimal-decode-bug": counted, "kernel/basic-decimal-table-legacy": counted,
		"kernel/basic-with-inserts-deletes-checkpoint": counted, "kernel/basic-with-inserts-overwrite-restore": counted,
		"kernel/basic-with-vacuum-protocol-check-feature": counted, "kernel/corrupted-last-checkpoint-kernel": counted,
		"kernel/data-reader-array-complex-objects": counted, "kernel/data-reader-date-types-America": counted,
		"kernel/data-reader-date-types-Etc": counted, "kernel/data-reader-date-types-Jst": counted,
		"kernel/data-reader-date-types-utc": counted, "kernel/data-reader-map": counted,
		"kernel/data-reader-nullable-field-invalid-schema-key": counted, "kernel/data-reader-primitives": counted,
		"kernel/data-skipping-basic-stats-all-types-checkpoint":       counted,
		"kernel/data-skipping-change-stats-collected-across-versions": counted, "kernel/decimal-various-scale-precision": counted,
		"kernel/kernel-timestamp-int96": counted, "kernel/kernel-timestamp-timestamp_micros": counted,
		"kernel/parquet-all-types-legacy-format": counted, "kernel/snapshot-data0": counted, "kernel/snapshot-data2-deleted": counted,
		"kernel/snapshot-data3": counted, "kernel/snapshot-vacuumed": counted, "kernel/time-travel-partition-changes-b": counted,
		"kernel/time-travel-schema-changes-b": counted, "kernel/time-travel-start-start20": counted, "kernel/update-deleted-directory": {rows: 0, files: 10, noData: true},
		"kernel/log-replay-special-characters": counted, "kernel/log-replay-special-characters-a": counted,
		"kernel/canonicalized-paths-normal-b": {rows: 0}, "kernel/canonicalized-paths-special-b": {rows: 0},
		"kernel/deltalog-commit-info": {rows: 0, files: 1, noData: true}, "kernel/no-delta-log-folder": {refuse: "absent"},
		"kernel/deltalog-invalid-protocol-version":                              {refuse: "reader version 99"},
		"kernel/deltalog-state-reconstruction-from-checkpoint-missing-protocol": {refuse: "no protocol"},
		"kernel/deltalog-state-reconstruction-without-protocol":                 {refuse: "no protocol"},
		"kernel/dv-with-columnmapping":                                          mapping, "kernel/log-replay-dv-key-cases": dv,
		"kernel/data-reader-timestamp_ntz-name-mode": mapping, "kernel/table-with-columnmapping-mode-name": mapping,
		"kernel/data-skipping-basic-stats-all-types-columnmapping-name": mapping,
		"kernel/v2-checkpoint-parquet":                                  {refuse: "v2Checkpoint"},

		"delta-rs/cdc_ict_table": {rows: 2, files: 2}, "delta-rs/checkpoint_with_partitions": {rows: 0, files: 2, noData: true},
		"delta-rs/delta-0.8.0-null-partition": {rows: 2, files: 2, parts: []partitioning.Value{"", "A"}}, "delta-rs/delta-0.8.0-partitioned": {rows: 7, files: 6, parts: []partitioning.Value{"day=1/month=1/year=2020", "day=20/month=12/year=2021", "day=3/month=2/year=2020", "day=4/month=12/year=2021", "day=5/month=2/year=2020", "day=5/month=4/year=2021"}},
		"delta-rs/delta-1.2.1-only-struct-stats": {rows: 12, files: 12}, "delta-rs/delta-checkpoint-stats-optional": {rows: 2, files: 2},
		"delta-rs/latest_not_checkpointed": {rows: 5, files: 1, noData: true}, "delta-rs/simple_commit": {rows: 0},
		"delta-rs/simple_table_features": {refuse: "reader version 5"}, "delta-rs/table-with-domain-metadata": {rows: 436, files: 109, noData: true},
		"delta-rs/table-without-dv-small": {rows: 10, files: 1}, "delta-rs/table_with_deletion_logs": dv,
		"delta-rs/table_with_liquid_clustering": {rows: 10, files: 10}, "delta-rs/table_with_partitioning_mapping": mapping,

		"writer/app-txn-checkpoint": {rows: 22, files: 4, marks: map[string]int64{"my-app": 3, "my-app2": 2}}, "writer/crc-full": {rows: 0, noData: true}, "writer/parsed-stats": {rows: 600, files: 6},
		"writer/stats-writing-all-types": mapping, "writer/timestamp-truncation-stats": {rows: 6, files: 3},
	}
}

func TestTablesOfOtherEngines(t *testing.T) {
	root := os.Getenv("PAYLAKE_GOLDEN")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "golden")
	}
	found := 0
	for name, want := range goldenTables() {
		st := openGolden(t, root, name)
		if st == nil {
			continue // the folder is not part of the project
		}
		found++
		t.Run(name, func(t *testing.T) { checkGolden(t, st, want) })
	}
	if found > 0 {
		require.Len(t, goldenTables(), found)
	}
}

// goldenStore is a table with the rows it must have.
type goldenStore struct {
	store.Store
	root     string
	expected string
}

// openGolden unpacks a table or opens its folder; nil where there is none.
func openGolden(t *testing.T, root, name string) *goldenStore {
	t.Helper()
	if f, err := os.Open(filepath.Join(root, name+".tar.zst")); err == nil {
		defer func() { require.NoError(t, f.Close()) }()
		st := mem.New()
		unpack(t, f, st)
		base := filepath.Base(name)
		return &goldenStore{st, base + "/delta", base + "/expected/"}
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(filepath.Join(dir, "delta")); err == nil {
		dir = filepath.Join(dir, "delta")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	st, err := local.New(filepath.Dir(dir))
	require.NoError(t, err)
	return &goldenStore{st, filepath.Base(dir), ""}
}

func unpack(t *testing.T, packed io.Reader, st store.Store) {
	t.Helper()
	z, err := zstd.NewReader(packed)
	require.NoError(t, err)
	defer z.Close()
	archive := tar.NewReader(z)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		if h.Typeflag != tar.TypeReg {
			continue
		}
		body, err := io.ReadAll(archive)
		require.NoError(t, err)
		require.NoError(t, st.Put(context.Background(), strings.TrimPrefix(h.Name, "./"), strings.NewReader(string(body))))
	}
}

func checkGolden(t *testing.T, st *goldenStore, want goldenTable) {
	ctx := context.Background()
	s, err := ReadSnapshot(ctx, st, st.root)
	if want.refuse != "" && want.refuse != "absent" {
		require.ErrorContains(t, err, want.refuse)
		var refused *sink.UnsupportedError
		if errors.As(err, &refused) {
			require.Equal(t, want.refuse, refused.Feature)
		}
		return
	}
	require.NoError(t, err)
	require.Equal(t, want.refuse == "absent", !s.Exists())
	if want.files > 0 {
		require.Equal(t, want.files, s.NumFiles())
	}
	if want.rows < 0 {
		want.rows = countExpected(t, st)
	}
	rows := int64(0)
	for f := range s.Files() {
		n := f.Rows
		if !want.noData {
			n = countRows(t, st, st.root, f.Path, f.Size)
			if f.Rows >= 0 {
				require.Equal(t, n, f.Rows, "the log and the file agree")
			}
		}
		rows += max(n, 0)
	}
	require.Equal(t, want.rows, rows)
	if want.parts != nil {
		require.Equal(t, want.parts, slices.Collect(s.Partitions()))
	}
	for app, version := range want.marks {
		got, ok := s.Mark(app)
		require.True(t, ok)
		require.Equal(t, version, got)
	}
}

func countExpected(t *testing.T, st *goldenStore) int64 {
	t.Helper()
	n := int64(0)
	found := false
	for o, err := range st.List(context.Background(), st.expected, "") {
		require.NoError(t, err)
		if name := filepath.Base(o.Key); strings.HasSuffix(name, ".parquet") && !strings.HasPrefix(name, ".") {
			n += countRows(t, st, "", o.Key, o.Size)
			found = true
		}
	}
	require.True(t, found, "the archive holds the expected rows")
	return n
}

func countRows(t *testing.T, st store.Store, root, path string, size int64) int64 {
	t.Helper()
	table := &Table{store: st, root: root}
	n := int64(0)
	err := table.readFile(context.Background(), path, size, nil, func(b arrow.RecordBatch) error {
		n += b.NumRows()
		return nil
	})
	require.NoError(t, err)
	return n
}
