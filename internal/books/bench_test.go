package books

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/writer"
)

// benchLake names the folder of the lake to a child process, benchRows the
// payables of the lake to make.
const (
	benchLake = "PAYLAKE_BOOKS_LAKE"
	benchRows = "PAYLAKE_BOOKS_ROWS"
)

// BenchmarkCheck checks the books of a lake on disk, a third as many charges as
// payables and as many balance operations, in a process of its own, and reports
// its peak memory.
func BenchmarkCheck(b *testing.B) {
	if dir := os.Getenv(benchLake); dir != "" {
		debug.SetMemoryLimit(200 << 20) // as the command does
		r, err := Check(b.Context(), Options{Lakes: benchTables(b, dir), WorkDir: b.TempDir()})
		require.NoError(b, err)
		require.Zero(b, r.Broken)
		require.Zero(b, r.NotChecked)
		return
	}
	rows := 300_000
	if n := os.Getenv(benchRows); n != "" {
		var err error
		rows, err = strconv.Atoi(n)
		require.NoError(b, err)
	}
	dir := b.TempDir()
	benchWrite(b, dir, rows)
	peak, cpu := int64(0), time.Duration(0)
	for b.Loop() {
		cmd := exec.Command(os.Args[0], "-test.run=^$", "-test.bench=BenchmarkCheck", "-test.benchtime=1x")
		cmd.Env = append(os.Environ(), benchLake+"="+dir)
		out, err := cmd.CombinedOutput()
		require.NoError(b, err, string(out))
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		peak = max(peak, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	if runtime.GOOS == "darwin" {
		peak /= 1024
	}
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
	b.ReportMetric(float64(rows)*float64(b.N)/cpu.Seconds(), "payables/cpu-s")
}

func benchTables(b *testing.B, dir string) map[string]Lake {
	b.Helper()
	st, err := local.New(dir)
	require.NoError(b, err)
	out := map[string]Lake{}
	for _, stream := range Streams() {
		table, err := delta.Open(st, stream, delta.Settings{Table: declared(stream), Spec: daily, Engine: "paylake/test"})
		require.NoError(b, err)
		out[stream] = Lake{Table: table}
	}
	return out
}

// benchWrite makes 720 days of charges in three instalments each.
func benchWrite(b *testing.B, dir string, payables int) {
	b.Helper()
	const days = 720
	tables := benchTables(b, dir)
	files := map[string][]writer.File{}
	decoders := map[string]*schema.Decoder{}
	for _, stream := range Streams() {
		d, err := schema.NewDecoder(declared(stream), &schema.DecoderOptions{Connection: "loja"})
		require.NoError(b, err)
		decoders[stream] = d
	}
	n := 0
	for day := range days {
		var pages [3]bytes.Buffer
		start := moment.AddDate(0, 0, day-days)
		a := payables / 3 / days
		for i := range a {
			benchSale(&pages, n, start.Add(time.Duration(i)*24*time.Hour/time.Duration(a)))
			n++
		}
		for i, stream := range Streams() {
			page := append([]byte("["), bytes.TrimSuffix(pages[i].Bytes(), []byte(","))...)
			files[stream] = append(files[stream], benchPart(b, decoders[stream], stream, append(page, ']'))...)
		}
	}
	for stream, lake := range tables {
		_, err := lake.Table.Commit(context.Background(), sink.Change{Mode: sink.Append, Base: -1, Files: files[stream]})
		require.NoError(b, err)
	}
}

// benchSale writes a charge, its payables and their operations.
func benchSale(pages *[3]bytes.Buffer, n int, at time.Time) {
	created, payment := at.Format(time.RFC3339), at.AddDate(0, 1, 0).Format(time.DateOnly)+"T03:00:00Z"
	fmt.Fprintf(&pages[0], `{"id":"ch_%016d","created_at":"%s","paid_at":"%s","status":"paid","amount":%d,"paid_amount":%d},`, n, created, created, 3000+n, 3000+n)
	for k := range 3 {
		amount := (3000 + n) / 3
		if k == 0 {
			amount = 3000 + n - 2*amount
		}
		row := fmt.Sprintf(`"created_at":"%s","payment_date":"%s","type":"credit","amount":%d,"fee":%d,"installment":%d,"charge_id":"ch_%016d","recipient_id":"re_%024d"`,
			created, payment, amount, amount/30, k+1, n, n%50)
		fmt.Fprintf(&pages[1], `{"id":"pay_%024d","status":"paid",%s},`, 3*n+k, row)
		fmt.Fprintf(&pages[2], `{"id":%d,"status":"available","amount":%d,"fee":%d,"created_at":"%s","movement_object":{"object":"payable","id":"%d",%s}},`,
			3*n+k, amount, amount/30, created, 4_000_000_000+3*n+k, row)
	}
}

func benchPart(b *testing.B, d *schema.Decoder, stream string, page []byte) []writer.File {
	b.Helper()
	d.Reset(time.Time{}, time.Time{}, moment)
	_, err := d.Page(page, schema.Layout{}, "")
	require.NoError(b, err)
	require.Empty(b, d.Rejects())
	batch, err := d.Build()
	require.NoError(b, err)
	defer batch.Release()
	w, err := writer.New(declared(stream), daily, b.TempDir(), nil)
	require.NoError(b, err)
	parts, err := daily.Split(batch)
	require.NoError(b, err)
	for _, p := range parts {
		require.NoError(b, w.Write(context.Background(), p))
	}
	files, err := w.Finish(context.Background())
	require.NoError(b, err)
	return files
}
