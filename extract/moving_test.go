package extract_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// A record that changes after its row left in a chunk cannot be replaced
// there: the window is read again. One that comes twice unchanged is no reason.
func TestRowsThatChangeAfterTheyLeftAreReadAgain(t *testing.T) {
	tests := []struct {
		name, state     string
		until, attempts int
	}{
		{"changed once", "done", 25, 2}, {"the same", "new", 1 << 30, 1}, {"always", "done", 1 << 30, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &list{n: 600, paging: func(*list, url.Values, int) string { return `{"total":600}` }}
				l.cut = func(rows []string, page int) []string {
					if page == 20 && l.requests <= tt.until { // the first record once more
						first := l.rows(url.Values{})[0]
						return append(slices.Clone(rows), strings.Replace(first, `"new"`, strconv.Quote(tt.state), 1))
					}
					return rows
				}
				sp := &chunks{}
				result, err := l.reader(t, nil, extract.ReaderOptions{ChunkBytes: 3000, Concurrency: 1}).Read(t.Context(), window.Window{}, sp)
				if tt.attempts == 0 {
					var incomplete *extract.IncompleteError
					require.ErrorAs(t, err, &incomplete)
					require.Contains(t, incomplete.Detail, "1 records changed while the window was read")
					require.Empty(t, sp.keys)
					return
				}
				require.NoError(t, err)
				require.Equal(t, tt.attempts, result.Attempts)
				require.Equal(t, 600, result.Kept)
				if result.Rows != nil {
					result.Rows.Release()
				}
			})
		})
	}
}

// A list that never ends is given up, whether it repeats itself or not.
func TestEndlessListsFail(t *testing.T) {
	for name, tt := range map[string]struct {
		fresh  int // pages with records that are new
		detail string
		most   int // requests
	}{
		"seen before": {30, "20 pages up to page 50 hold nothing but records of the pages before", 3 * 60},
		"ever new":    {1 << 30, "does not end after 10000 pages", 10_010},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				requests := 0
				c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					requests++
					page, one := number(r.URL.Query(), "page"), func(i int) string { return fmt.Sprintf(`{"id":"t_%d"}`, i) }
					if page <= tt.fresh {
						fmt.Fprintf(w, `{"data":[%s,%s]}`, one(2*page), one(2*page+1))
						return
					}
					fmt.Fprintf(w, `{"data":[%s,%s]}`, one(2+page%7), one(11+page/7%40)) // other pairs of old records
				}), func(o *extract.Options) { o.Limits = map[string]int{"things": extract.Unlimited} })
				_, err := extract.NewReader(c, things(), extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
				var incomplete *extract.IncompleteError
				require.ErrorAs(t, err, &incomplete)
				require.Contains(t, incomplete.Detail, tt.detail)
				require.LessOrEqual(t, requests, tt.most)
			})
		})
	}
}
