package extract_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
)

// Records that are deleted or arrive while a window is read make it be read
// again, or caught up with.
func TestMovingRowsAreReadAgain(t *testing.T) {
	gone := func(l *list, _ url.Values) {
		if l.requests == 4 {
			l.n--
		}
	}
	arrive := func(l *list, _ url.Values) {
		if l.requests == 4 {
			l.n += 3
		}
	}
	threeHours := window.Window{Since: monday, Until: monday.Add(3 * time.Hour)}
	tests := []struct {
		name     string
		before   func(l *list, q url.Values)
		w        window.Window
		attempts int
		n        int
	}{
		{"a row is gone before the last page", gone, window.Window{}, 2, 99},
		{"a row of the window is gone before the last page", gone, threeHours, 2, 99},
		{"rows arrive before the last page", arrive, window.Window{}, 1, 103},
		{"rows arrive in the window before the last page", arrive, threeHours, 2, 103},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &list{n: 100, before: tt.before}
				result, err := l.reader(t, nil, extract.ReaderOptions{Concurrency: 1}).Read(t.Context(), tt.w, nil)
				require.NoError(t, err)
				require.Equal(t, tt.attempts, result.Attempts)
				require.Equal(t, tt.n, result.Kept)
				require.Equal(t, int64(tt.n), result.Total)
				require.Equal(t, extract.ProofTotal, result.Proof)
				result.Rows.Release()
			})
		})
	}
}

// After rows moved, pages are read one after the other: read in parallel, rows
// that arrive can push others from a page to come to one that was read.
func TestSecondAttemptReadsPagesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{n: 300, before: func(l *list, _ url.Values) {
			if l.requests == 10 {
				l.n--
			}
		}}
		var inFlight, most [2]atomic.Int32
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l.mu.Lock()
			attempt := min(l.requests/10, 1)
			l.mu.Unlock()
			n := inFlight[attempt].Add(1)
			most[attempt].Store(max(most[attempt].Load(), n))
			time.Sleep(time.Millisecond)
			inFlight[attempt].Add(-1)
			l.ServeHTTP(w, r)
		})
		c := client(t, h, func(o *extract.Options) { o.Limits = map[string]int{"things": extract.Unlimited} })
		result, err := extract.NewReader(c, things(), extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
		require.NoError(t, err)
		require.Equal(t, 2, result.Attempts)
		require.Greater(t, most[0].Load(), int32(2))
		require.Equal(t, int32(1), most[1].Load())
		result.Rows.Release()
	})
}

// A list that never holds still fails by name after three attempts, with
// pauses between them.
func TestRowsThatKeepMovingFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{n: 100, before: func(l *list, _ url.Values) { l.n -= l.requests % 2 }}
		began := time.Now()
		_, err := l.reader(t, nil, extract.ReaderOptions{Concurrency: 1}).Read(t.Context(), window.Window{}, nil)
		var incomplete *extract.IncompleteError
		require.ErrorAs(t, err, &incomplete)
		require.Equal(t, 3, incomplete.Attempts)
		require.Contains(t, incomplete.Detail, "the total fell from")
		require.ErrorContains(t, err, "read things [everything]: not complete after 3 attempts")
		require.Equal(t, 6*time.Second, time.Since(began))
	})
}

// Growth by records newer than the window is no difference.
func TestRowsNewerThanTheWindowAreNoDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{n: 50, before: func(l *list, _ url.Values) { l.n++ }}
		r := l.reader(t, nil, extract.ReaderOptions{Concurrency: 1})
		w := window.Window{Since: monday, Until: monday.Add(50 * time.Minute)}
		result, err := r.Read(t.Context(), w, nil) // the margins of two days let the new records through
		require.NoError(t, err)
		require.Equal(t, 50, result.Kept)
		require.Positive(t, result.Outside)
		require.Equal(t, result.Distinct, result.Kept+result.Outside)
		require.Equal(t, 1, result.Attempts)
		result.Rows.Release()
	})
}
