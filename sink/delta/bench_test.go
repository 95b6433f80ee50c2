package delta

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/mem"
)

// heapPeak follows the live heap of a benchmark and reports its highest value
// above what there was before.
func heapPeak(b *testing.B) (stop func()) {
	b.Helper()
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	before, peak := sample[0].Value.Uint64(), uint64(0)
	ticker, done, end := time.NewTicker(time.Millisecond), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(end)
		for {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64())
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-end
		ticker.Stop()
		b.ReportMetric(float64(peak-min(peak, before))/1e6, "peak-MB")
	}
}

// manyFiles makes a table of n files in one commit, with a checkpoint of it.
func manyFiles(b *testing.B, st store.Store, n int) *lake {
	b.Helper()
	l := newLake(b, st)
	l.put(rowsOf(40_000, 1))
	actions := []action{{CommitInfo: []byte(`{"operation":"WRITE","engineInfo":"paylake/0.1.0","txnId":"t"}`)}, {Txn: &txn{AppID: appCommits, Version: 1}}}
	for i := range n {
		actions = append(actions, action{Add: fakeAdd(i)})
	}
	body, err := encodeActions(actions)
	require.NoError(b, err)
	require.NoError(b, st.Create(b.Context(), l.key(commitName(1)), body))
	_, warnings, err := l.Settle(b.Context())
	require.NoError(b, err)
	require.Empty(b, warnings)
	l.load()
	_, _, err = l.Settle(b.Context())
	require.NoError(b, err)
	require.Contains(b, l.keys(logFolder), checkpointName(1))
	return l
}

func benchmarkLoad(b *testing.B, st *mem.Store, files int) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	calls := st.Calls("")
	stop := heapPeak(b)
	for b.Loop() {
		require.GreaterOrEqual(b, newLake(b, st).load().NumFiles(), files)
	}
	stop()
	b.ReportMetric(float64(st.Calls("")-calls)/float64(b.N), "requests/op")
}

// A table of 10^5 files, from its checkpoint.
func BenchmarkLoadFiles(b *testing.B) {
	st := mem.New()
	manyFiles(b, st, 100_000)
	for o, err := range st.List(context.Background(), testRoot+"/"+checkpointName(1), "") {
		require.NoError(b, err)
		b.Logf("checkpoint of %d bytes", o.Size)
	}
	benchmarkLoad(b, st, 100_000)
}

// A log of 10^4 versions, with a checkpoint at its end or without any.
func BenchmarkLoadVersions(b *testing.B) {
	for _, checkpoint := range []bool{true, false} {
		b.Run(fmt.Sprintf("checkpoint=%t", checkpoint), func(b *testing.B) {
			st := mem.New()
			l := newLake(b, st)
			writeLog(b, l, 10_000)
			if checkpoint {
				require.NoError(b, l.writeCheckpoint(b.Context(), l.load()))
			}
			benchmarkLoad(b, st, 10_000)
		})
	}
}

// One commit of one partition: to a small table, and to one of 10^5 files. Every
// tenth writes a checkpoint.
func BenchmarkCommit(b *testing.B) {
	onDisk, err := local.New(b.TempDir())
	require.NoError(b, err)
	for name, l := range map[string]func() *lake{
		"mem":           func() *lake { return newMemLake(b) },
		"local":         func() *lake { return newLake(b, onDisk) },
		"mem-100kfiles": func() *lake { return manyFiles(b, mem.New(), 100_000) },
	} {
		b.Run(name, func(b *testing.B) {
			l := l()
			l.put(rowsOf(40_001, 1))
			changes := [2]sink.Change{l.replace(0, rowsOf(40_002, 100)), l.replace(0, rowsOf(40_002, 101))}
			b.ReportAllocs()
			stop := heapPeak(b)
			for n := 0; b.Loop(); n++ {
				c := changes[n%2]
				c.Base = l.tip.version
				c.Files[0].Name = fmt.Sprintf("part-%d.parquet", n)
				r, err := l.Commit(b.Context(), c)
				require.NoError(b, err)
				require.Equal(b, sink.Committed, r.Outcome)
			}
			stop()
		})
	}
}
