package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// mergeJob is what the process that merges is told, and mergeDone what it tells.
type mergeJob struct {
	Table, Work string
	Files       []writer.File
}

type mergeDone struct {
	Seconds      float64 `json:"seconds"`
	Peak         int64   `json:"peak"` // bytes
	FilesAdded   int     `json:"files_added"`
	BytesAdded   int64   `json:"bytes_added"`
	RowsAdded    int64   `json:"rows_added"`
	FilesRemoved int     `json:"files_removed"`
}

const mergeJobVariable = "PAYLAKE_BENCH_MERGE"

// BenchmarkMerge merges 1,000 changed rows into a table of 8 million rows in day
// partitions, in a process of its own with the memory limit of the tool: seconds,
// peak resident memory, and bytes written anew. With the virtual environment of
// internal/interop (make bench-merge makes it) delta-rs merges the same rows into
// a copy of the table, first by key alone, then with the partition as a help.
func BenchmarkMerge(b *testing.B) {
	root := b.TempDir()
	table := filepath.Join(root, "payables")
	buildMergeTable(b, table)
	change := filepath.Join(root, "change")
	require.NoError(b, os.Mkdir(change, 0o755))
	files, err := writeRows(b.Context(), change, changedPayables())
	require.NoError(b, err)
	b.Run("paylake", func(b *testing.B) {
		measureMerge(b, table, func(dir string) mergeDone { return mergeOurs(b, dir, root, files) })
	})
	python := filepath.Join("..", "..", ".venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		b.Log("without .venv there is no delta-rs to compare with: make bench-merge")
		return
	}
	for _, by := range []string{"id", "id,created_date"} {
		b.Run("delta-rs/"+by, func(b *testing.B) {
			measureMerge(b, table, func(dir string) mergeDone { return mergeTheirs(b, python, dir, change, by) })
		})
	}
}

// measureMerge lets somebody merge into a copy of the table.
func measureMerge(b *testing.B, table string, merge func(dir string) mergeDone) {
	var last mergeDone
	seconds, peak := 0.0, int64(0)
	for b.Loop() {
		b.StopTimer()
		dir := filepath.Join(b.TempDir(), "payables")
		require.NoError(b, linkAll(table, dir))
		b.StartTimer()
		last = merge(dir)
		b.StopTimer()
		requireMerged(b, dir)
		require.NoError(b, os.RemoveAll(dir))
		seconds, peak = seconds+last.Seconds, max(peak, last.Peak)
		b.StartTimer()
	}
	b.ReportMetric(seconds/float64(b.N), "merge-s")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(last.BytesAdded)/1e6, "MB-rewritten")
	b.ReportMetric(float64(last.FilesAdded), "files-added")
}

// linkAll copies a folder by hard links: nobody changes a file of a table.
func linkAll(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		return os.Link(path, filepath.Join(to, rel))
	})
}

// requireMerged looks at the table as the log tells it.
func requireMerged(b *testing.B, dir string) {
	b.Helper()
	t, err := openMergeTable(dir)
	require.NoError(b, err)
	s, err := t.Load(b.Context())
	require.NoError(b, err)
	require.EqualValues(b, mergeDays*mergePerDay, s.Rows())
	require.EqualValues(b, mergeDays/daysAtOnce, s.Version(), "one commit more")
}

func mergeOurs(b *testing.B, dir, root string, files []writer.File) mergeDone {
	b.Helper()
	job, err := json.Marshal(mergeJob{Table: dir, Work: root, Files: files})
	require.NoError(b, err)
	self, err := os.Executable()
	require.NoError(b, err)
	cmd := exec.Command(self, "-test.run", "^TestMergeIntoTable$")
	cmd.Env = append(os.Environ(), mergeJobVariable+"="+filepath.Join(root, "job.json"))
	require.NoError(b, os.WriteFile(filepath.Join(root, "job.json"), job, 0o600))
	return told(b, cmd)
}

func mergeTheirs(b *testing.B, python, dir, change, by string) mergeDone {
	b.Helper()
	return told(b, exec.Command(python, filepath.Join("..", "interop", "bench_merge.py"), "--table", dir, "--change", change, "--by", by))
}

// told runs a process and reads what it tells in its first line.
func told(b *testing.B, cmd *exec.Cmd) mergeDone {
	b.Helper()
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(b, err, string(out))
	line, _, _ := bytes.Cut(out, []byte("\n"))
	var done mergeDone
	require.NoError(b, json.Unmarshal(line, &done), string(out))
	return done
}

// peakOfSelf is the peak of the resident memory of this process in bytes. What
// wait4 says counts the parent's, too, as long as the two shared it.
func peakOfSelf() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil { // not Linux
		var usage syscall.Rusage
		err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
		return int64(usage.Maxrss), err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	_, err = fmt.Sscan(rest, &kib)
	return kib * 1024, err
}

// TestMergeIntoTable is the process that merges for BenchmarkMerge. Without a
// job it has nothing to do.
func TestMergeIntoTable(t *testing.T) {
	path := os.Getenv(mergeJobVariable)
	if path == "" {
		return
	}
	debug.SetMemoryLimit(200 << 20) // as cmd/paylake does
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	var job mergeJob
	require.NoError(t, json.Unmarshal(raw, &job))
	begun := time.Now()
	table, err := openMergeTable(job.Table)
	require.NoError(t, err)
	s, err := table.Load(context.Background())
	require.NoError(t, err)
	r, err := table.Commit(context.Background(), sink.Change{Mode: sink.Merge, Base: s.Version(), Files: job.Files, WorkDir: job.Work})
	require.NoError(t, err)
	require.Equal(t, sink.Committed, r.Outcome)
	seconds := time.Since(begun).Seconds()
	peak, err := peakOfSelf()
	require.NoError(t, err)
	line, err := json.Marshal(mergeDone{Seconds: seconds, Peak: peak, FilesAdded: r.FilesAdded, BytesAdded: r.BytesAdded,
		RowsAdded: r.RowsAdded, FilesRemoved: r.FilesRemoved})
	require.NoError(t, err)
	fmt.Println(string(line))
}
