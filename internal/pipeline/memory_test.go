package pipeline_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// Flat memory: five times the records do not take more memory. What is alive is
// measured after a collection at every fourth window, with a small budget so
// that a small account shows it. The simulator's caches count too.
func TestPromiseFlatMemory(t *testing.T) {
	small := liveHeap(t, 20_000)
	large := liveHeap(t, 100_000)
	const noise = 8 << 20 // what happens to be in flight; the records that large has more take some 200 MiB
	require.Less(t, large, small+small/2+noise, "bytes alive")
}

func liveHeap(t *testing.T, size int) (peak uint64) {
	s := newScene(t, 30, size, simapi.Config{NoLimits: true})
	s.onLocalDisk()
	s.streams = []string{simapi.Orders, simapi.Payables}
	s.opts.Budget, s.opts.Chunk, s.opts.Workers = 2<<20, 512<<10, 2
	var mu sync.Mutex
	calls := 0
	s.opts.Progress = func(pipeline.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls%4 != 0 {
			return
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}
	require.Equal(t, report.Succeeded, s.sync().Status)
	return peak
}
