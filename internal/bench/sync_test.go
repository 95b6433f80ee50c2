package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

const config = `version: 1
destination: {url: %s}
connections:
  - name: bench
    source: pagarme
    api_key: {env: PAYLAKE_BENCH_KEY}
    base_url: %s
    start: %s
    rate_share: 1
    limits: {%s: unlimited, all: unlimited}
    streams: [%s]
work_dir: %s
`

// BenchmarkSyncOrders exports orders of 2.3 KB and reports orders per second of
// CPU time (user and system) and the peak resident memory of the process.
func BenchmarkSyncOrders(b *testing.B) {
	for _, orders := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("orders=%d", orders), func(b *testing.B) { measure(b, simapi.Orders, orders) })
	}
}

// BenchmarkSyncPayables does the same for payables of 0.5 KB.
func BenchmarkSyncPayables(b *testing.B) {
	measure(b, simapi.Payables, 1_000_000)
}

// world makes an account with about n records of a stream in 90 days.
func world(stream string, n int) *simapi.World {
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -90)
	probe := simapi.Merchant(1, start, 90, 100_000)
	share := float64(probe.Truth(stream, time.Time{}, time.Time{}).Rows) / 100_000
	return simapi.Merchant(1, start, 90, int(float64(n)/share))
}

func measure(b *testing.B, stream string, n int) {
	binary := build(b)
	w := world(stream, n)
	url, stop, err := simapi.Listen(context.Background(), simapi.New(w, simapi.Config{NoLimits: true}))
	require.NoError(b, err)
	defer stop()
	var cpu time.Duration
	var rows, peak, wall int64
	for b.Loop() {
		dir := b.TempDir()
		path := filepath.Join(dir, "paylake.yaml")
		text := fmt.Sprintf(config, filepath.Join(dir, "lake"), url, w.Start().Format(time.DateOnly), stream, stream, filepath.Join(dir, "work"))
		require.NoError(b, os.WriteFile(path, []byte(text), 0o600))
		cmd := exec.Command(binary, "sync", "--config", path, "--json")
		cmd.Env = append(os.Environ(), "PAYLAKE_BENCH_KEY=sk_0123456789abcdef")
		cmd.Stderr = os.Stderr
		begun := time.Now()
		out, err := cmd.Output()
		require.NoError(b, err)
		wall += int64(time.Since(begun))
		var rep report.Run
		require.NoError(b, json.Unmarshal(out, &rep))
		require.Equal(b, report.Succeeded, rep.Status)
		rows += rep.Streams[0].RowsAdded
		usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		peak = max(peak, int64(usage.Maxrss))
		if runtime.GOOS == "darwin" {
			peak /= 1024
		}
	}
	b.ReportMetric(float64(rows)/cpu.Seconds(), "rows/cpu-s")
	b.ReportMetric(float64(rows)*1e9/float64(wall), "rows/s")
	b.ReportMetric(float64(rows)/float64(b.N), "rows")
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}

// build makes the binary that users run.
func build(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "paylake")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "../../cmd/paylake")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, string(out))
	return path
}
