package extract_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
)

// list serves n things, newest first, one every minute, by page and size. Hooks
// change what it does. It is safe for concurrent use.
type list struct {
	mu       sync.Mutex
	n        int
	requests int
	before   func(l *list, q url.Values)                       // called with the lock
	paging   func(l *list, q url.Values, total int) string     // the paging object
	skip     func(page, size int) int                          // of a page; default (page-1)*size
	cut      func(rows []string, page int) []string            // of a page
	refuse   func(q url.Values) int                            // a status, or 0
	maximum  int                                               // page size; 0 = none
	open     bool                                              // the ends of the filter do not belong to the range
	state    func(i int, q url.Values) (state string, ok bool) // what a list by state shows
}

var anHour = window.Window{Since: monday, Until: monday.Add(time.Hour)}

func (l *list) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	q := r.URL.Query()
	if l.before != nil {
		l.before(l, q)
	}
	if l.refuse != nil {
		if status := l.refuse(q); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	rows := l.rows(q)
	size, _ := strconv.Atoi(q.Get("size"))
	if l.maximum > 0 {
		size = min(size, l.maximum)
	}
	page := max(number(q, "page"), 1)
	skip := (page - 1) * size
	if l.skip != nil {
		skip = l.skip(page, size)
	}
	part := rows[min(skip, len(rows)):min(skip+size, len(rows))]
	if l.cut != nil {
		part = l.cut(part, page)
	}
	paging := fmt.Sprintf(`{"total":%d}`, len(rows))
	if l.paging != nil {
		paging = l.paging(l, q, len(rows))
	}
	fmt.Fprintf(w, `{"data":[%s],"paging":%s}`, strings.Join(part, ","), paging)
}

func number(q url.Values, name string) int {
	n, _ := strconv.Atoi(q.Get(name))
	return n
}

func (l *list) rows(q url.Values) []string {
	since, _ := time.Parse(time.RFC3339, q.Get("created_since"))
	until, err := time.Parse(time.RFC3339, q.Get("created_until"))
	var rows []string
	for i := l.n - 1; i >= 0; i-- {
		at, state := monday.Add(time.Duration(i)*time.Minute), "new"
		if err == nil && (at.Before(since) || at.After(until)) {
			continue
		}
		if err == nil && l.open && (at.Equal(since) || at.Equal(until)) {
			continue
		}
		if l.state != nil {
			var ok bool
			if state, ok = l.state(i, q); !ok {
				continue
			}
		}
		rows = append(rows, fmt.Sprintf(`{"id":"t_%04d","created_at":%q,"state":%q}`, i, at.Format(time.RFC3339), state))
	}
	return rows
}

func (l *list) reader(t *testing.T, change func(*extract.Endpoint), o extract.ReaderOptions) *extract.Reader {
	t.Helper()
	ep := things()
	if change != nil {
		change(&ep)
	}
	return extract.NewReader(client(t, l, func(o *extract.Options) { o.Limits = map[string]int{"things": extract.Unlimited} }), ep, o)
}

// requireThings fails unless the export is things from to to, each once.
func requireThings(t *testing.T, e *export, from, to int) {
	t.Helper()
	var want []string
	for i := from; i < to; i++ {
		want = append(want, fmt.Sprintf("t_%04d", i))
	}
	require.Equal(t, want, slices.Sorted(slices.Values(e.keys)))
}

// A total is a number, or text, or goes by the name it had in 2016.
func TestTotalsAreRead(t *testing.T) {
	for _, paging := range []string{`{"total":%d}`, `{"total":"%d"}`, `{"total_items":%d,"current_page":1,"total_pages":9}`, `{"next":null,"total": %d }`} {
		l := &list{n: 45, paging: func(_ *list, _ url.Values, total int) string { return fmt.Sprintf(paging, total) }}
		r := l.reader(t, nil, extract.ReaderOptions{})
		result, err := r.Read(t.Context(), window.Window{}, nil)
		require.NoError(t, err)
		require.Equal(t, extract.ProofTotal, result.Proof)
		require.Equal(t, int64(45), result.Total)
		require.Equal(t, 45, result.Kept)
		require.Equal(t, "reported", r.Facts().Totals)
		result.Rows.Release()
	}
}

// Totals that make no sense are none.
func TestUnreadableTotalsProveNothing(t *testing.T) {
	for _, paging := range []string{`{}`, `{"total":null}`, `{"total":-1}`, `{"total":"many"}`, `[]`, `null`, `{"total":4.5}`} {
		l := &list{n: 12, paging: func(*list, url.Values, int) string { return paging }}
		r := l.reader(t, nil, extract.ReaderOptions{})
		result, err := r.Read(t.Context(), window.Window{}, nil)
		require.NoError(t, err)
		require.Equal(t, extract.ProofSinglePage, result.Proof)
		require.Equal(t, "missing", r.Facts().Totals)
		result.Rows.Release()
	}
}

// Records on the very ends of windows come once, whether the source counts the
// ends in or not.
func TestEndsOfWindows(t *testing.T) {
	for _, open := range []bool{false, true} {
		l := &list{n: 3000, open: open}
		r := l.reader(t, nil, extract.ReaderOptions{MaxPages: 4})
		e, err := run(t.Context(), r, window.Window{Since: monday, Until: monday.Add(40 * time.Hour)})
		require.NoError(t, err)
		require.Equal(t, "exact", r.Facts().Filter)
		require.Greater(t, len(e.windows), 10)
		requireThings(t, e, 0, 40*60)
	}
}

// A total that is too small is not believed, even where it fits the pages that
// it promises.
func TestTotalsThatHideRecordsFail(t *testing.T) {
	for _, total := range []int{0, 30, 60, 85, 89} {
		synctest.Test(t, func(t *testing.T) {
			l := &list{n: 90, paging: func(*list, url.Values, int) string { return fmt.Sprintf(`{"total":%d}`, total) }}
			_, err := l.reader(t, nil, extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
			var incomplete *extract.IncompleteError
			require.ErrorAs(t, err, &incomplete)
		})
	}
	for name, paging := range map[string]string{"next on a short page": `{"total":5,"next":"http://192.0.2.1/x"}`} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &list{n: 9, maximum: 5, paging: func(*list, url.Values, int) string { return paging }}
				_, err := l.reader(t, nil, extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
				var incomplete *extract.IncompleteError
				require.ErrorAs(t, err, &incomplete)
			})
		})
	}
}

// A size that the source does not take is given up once, where it is not
// published.
func TestRefusedSizesFallBack(t *testing.T) {
	l := &list{n: 200, refuse: func(q url.Values) int {
		if number(q, "size") > 50 {
			return 422
		}
		return 0
	}}
	ask := func(maximum int) func(*extract.Endpoint) {
		return func(ep *extract.Endpoint) { ep.MaxSize, ep.AskSize = maximum, 100 }
	}
	r := l.reader(t, ask(0), extract.ReaderOptions{})
	for range 2 {
		result, err := r.Read(t.Context(), window.Window{}, nil)
		require.NoError(t, err)
		require.Equal(t, 200, result.Kept)
		result.Rows.Release()
	}
	require.Equal(t, 1+7+7, l.requests)
	require.Equal(t, 30, r.Facts().PageSize)
	_, err := l.reader(t, ask(100), extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
	var status *extract.StatusError
	require.ErrorAs(t, err, &status)
}

// A clamped size is noticed and used from then on, whether the server counts
// pages by the size asked for or by its own.
func TestClampedSizesLoseNothing(t *testing.T) {
	for name, skip := range map[string]func(page, size int) int{
		"pages by its own size": nil,
		"pages by size asked":   func(page, size int) int { return (page - 1) * size },
	} {
		for _, total := range []bool{true, false} {
			t.Run(fmt.Sprint(name, total), func(t *testing.T) {
				l := &list{n: 60, maximum: 7, skip: skip}
				if !total {
					l.paging = func(*list, url.Values, int) string { return "{}" }
				}
				if skip != nil {
					l.maximum = 0
					l.cut = func(rows []string, _ int) []string { return rows[:min(len(rows), 7)] }
				}
				r := l.reader(t, nil, extract.ReaderOptions{})
				e, err := run(t.Context(), r, anHour)
				require.NoError(t, err)
				requireThings(t, e, 0, 60)
				require.Equal(t, 7, r.Facts().PageSize)
				require.True(t, r.Facts().Clamped)
			})
		}
	}
}

func TestRecordsWithoutTimeAreRejects(t *testing.T) {
	l := &list{n: 3, cut: func(rows []string, page int) []string {
		if page == 1 {
			rows = append(rows, `{"id":"t_x","state":"new"}`)
		}
		return rows
	}, paging: func(*list, url.Values, int) string { return `{"total":4}` }}
	r := l.reader(t, nil, extract.ReaderOptions{})
	result, err := r.Read(t.Context(), anHour, nil)
	require.NoError(t, err)
	require.Equal(t, 3, result.Kept)
	require.Equal(t, 1, result.Rejected)
	require.Equal(t, 4, result.Distinct)
	require.Equal(t, "t_x", result.Rejects[0].Key)
	result.Rows.Release()
}

// Where nothing tells the number of records and the window cannot be cut, two
// reads must agree.
func TestRepeatedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{n: 100, paging: func(*list, url.Values, int) string { return "{}" }}
		l.before = func(l *list, _ url.Values) {
			if l.requests == 5 {
				l.n++
			}
		}
		result, err := l.reader(t, nil, extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
		require.NoError(t, err)
		require.Equal(t, extract.ProofRepeated, result.Proof)
		require.Equal(t, 101, result.Kept)
		result.Rows.Release()

		l.before = func(l *list, _ url.Values) { l.n += l.requests % 3 / 2 }
		_, err = l.reader(t, nil, extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
		var incomplete *extract.IncompleteError
		require.ErrorAs(t, err, &incomplete)
		require.Equal(t, 3, incomplete.Attempts)
	})
}

// The states of a list are read in the order of a record's life: of a record
// that moved on while they were read, the last state stays.
func TestTheLastStateWins(t *testing.T) {
	l := &list{n: 20, paging: func(*list, url.Values, int) string { return "{}" }, state: func(i int, q url.Values) (string, bool) {
		shown := q.Get("status")
		return shown, shown == "waiting" || shown == "done" && i%2 == 0
	}}
	r := l.reader(t, func(ep *extract.Endpoint) {
		ep.TotalPath, ep.StateParam, ep.States = "", "status", []string{"waiting", "done", "lost"}
	}, extract.ReaderOptions{})
	result, err := r.Read(t.Context(), anHour, nil)
	require.NoError(t, err)
	defer result.Rows.Release()
	require.Equal(t, 20, result.Kept)
	require.Equal(t, 10, result.Duplicates)
	states := result.Rows.Column(result.Rows.Schema().FieldIndices("state")[0]).(*array.String)
	for i := range states.Len() {
		require.Equal(t, [...]string{"done", "waiting"}[i%2], states.Value(i))
	}
}

// chunks is a Spill that keeps keys.
type chunks struct {
	keys      [][]string
	discarded int
	fail      error
}

func (c *chunks) Chunk(rows arrow.RecordBatch) error {
	c.keys = append(c.keys, keysOf(rows))
	return c.fail
}

func (c *chunks) Discard() error {
	c.discarded += len(c.keys)
	c.keys = nil
	return nil
}

// A window that cannot be cut goes out in chunks, which are forgotten when it
// is read again.
func TestLargeWindowsSpill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{n: 600, before: func(l *list, _ url.Values) {
			if l.requests == 15 {
				l.n--
			}
		}}
		sp := &chunks{}
		result, err := l.reader(t, nil, extract.ReaderOptions{ChunkBytes: 3000}).Read(t.Context(), window.Window{}, sp)
		require.NoError(t, err)
		require.Greater(t, len(sp.keys), 5)
		require.Positive(t, sp.discarded)
		e := &export{keys: slices.Concat(sp.keys...)}
		for _, c := range sp.keys {
			require.Less(t, len(c), 200)
		}
		require.Equal(t, 599, result.Kept)
		e.add(result)
		requireThings(t, e, 0, 599)

		sp = &chunks{fail: errors.New("disk full")}
		_, err = l.reader(t, nil, extract.ReaderOptions{ChunkBytes: 3000}).Read(t.Context(), window.Window{}, sp)
		require.ErrorIs(t, err, sp.fail)
		require.Equal(t, 1, sp.discarded)
	})
}

// A window is split when it holds more than it should, before its pages are
// read.
func TestWideWindowsAreSplit(t *testing.T) {
	l := &list{n: 6000}
	r := l.reader(t, nil, extract.ReaderOptions{Grid: utcDays, MaxPages: 10})
	w := window.Window{Since: monday, Until: monday.AddDate(0, 0, 4)}
	_, err := r.Read(t.Context(), w, nil)
	var wide *extract.TooWideError
	require.ErrorAs(t, err, &wide)
	require.Equal(t, 1, l.requests)
	require.Len(t, wide.Parts, 4) // days, as long as the filter may work by days only
	require.NoError(t, rebuilds(w, wide.Parts))

	e, err := run(t.Context(), r, w)
	require.NoError(t, err)
	requireThings(t, e, 0, 4*24*60)
	require.Greater(t, len(e.windows), 12) // the filter is exact: days are split too
	for _, w := range e.windows {
		require.LessOrEqual(t, w.Distinct, 450)
	}
}
