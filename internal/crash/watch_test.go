package crash_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// between is the time from one look of a watcher to the next.
const between = 3 * time.Millisecond

// watcher is a reader that polls the tables all the time, as a dashboard would.
type watcher struct {
	lake   *lake
	ending chan struct{}
	done   sync.WaitGroup

	mu    sync.Mutex
	seen  map[string]int64 // newest version by stream
	looks int
	err   error
}

// watch polls the tables until stop is called.
func watch(l *lake, streams []string) *watcher {
	w := &watcher{lake: l, ending: make(chan struct{}), seen: map[string]int64{}}
	for _, s := range streams {
		w.seen[s] = -1
	}
	w.done.Go(func() {
		tick := time.NewTicker(between)
		defer tick.Stop()
		for w.err == nil {
			for _, s := range streams {
				w.look(s)
			}
			select {
			case <-w.ending:
				return
			case <-tick.C:
			}
		}
	})
	return w
}

func (w *watcher) look(stream string) {
	v, err := w.lake.newest(context.Background(), stream)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
	case err != nil:
		w.err = err
	case v.number < w.seen[stream]:
		w.err = fmt.Errorf("table %s went from version %d back to %d", stream, w.seen[stream], v.number)
	default:
		w.seen[stream] = v.number
		w.looks++
	}
}

// stop ends the polling and fails the test if a look failed.
func (w *watcher) stop(t *testing.T) {
	t.Helper()
	close(w.ending)
	w.done.Wait()
	require.NoError(t, w.err, "the reader that polls")
	require.Positive(t, w.looks)
}

// requireHistory reads every version of every table: each is valid, holds no key
// twice, and each of its partitions is one that the account really held at one
// of the times, in whole. It returns the newest versions.
func requireHistory(t *testing.T, l *lake, streams []string, times ...map[string]content) map[string]*version {
	t.Helper()
	newest := map[string]*version{}
	for _, s := range streams {
		v, err := l.newest(t.Context(), s)
		require.NoError(t, err)
		newest[s] = v
		for n := int64(0); n <= v.number; n++ {
			old, err := l.at(t.Context(), s, n)
			require.NoError(t, err)
			for where, have := range old.content {
				require.True(t, held(have, s, where, times), "table %s version %d: partition %q is none that the account ever held (%d rows)", s, n, where, len(have))
			}
		}
	}
	return newest
}

func held(have map[string]string, stream, where string, times []map[string]content) bool {
	for _, truth := range times {
		if maps.Equal(have, truth[stream][where]) {
			return true
		}
	}
	return false
}

// requireTruth compares the newest versions with what the account holds.
func requireTruth(t *testing.T, l *lake, streams []string, truth map[string]content) {
	t.Helper()
	for _, s := range streams {
		v, err := l.newest(t.Context(), s)
		require.NoError(t, err)
		require.NotEmpty(t, truth[s], "%s: the account holds nothing", s)
		for where, want := range truth[s] {
			require.Equal(t, want, v.content[where], "%s: partition %q", s, where)
		}
		if endpoint(s).Partition != "snapshot" { // older snapshots stay
			require.Equal(t, sortedKeys(truth[s]), sortedKeys(v.content), "%s: partitions", s)
		}
	}
}
