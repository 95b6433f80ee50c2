package extract

import (
	"sync"
	"sync/atomic"
)

// Facts is what a Reader found out about the source, for the run report.
type Facts struct {
	Paging    string // "page/size", "forward_cursor", "page/size (before 2026-08-28)", "single object"; "" = not known yet
	PageSize  int    // records a page, as asked or as the server clamps it
	Clamped   bool   // the server gives less than what was asked at first
	Totals    string // "reported", "missing" where they should be reported, "" where they never are
	Filter    string // precision of the creation filter: "exact", "days", "none"; "" = not known, days are assumed
	Requests  int64  // sent, retries included
	Retries   int64
	Throttled int64 // answers that asked to slow down
}

// precision is how exactly a creation filter works.
type precision uint8

const (
	unknownPrecision precision = iota // treated like byDays, which is safe for exact filters too
	exact                             // to the second
	byDays                            // by whole days, of an unknown time zone
	noEffect                          // the filter is ignored
)

func (p precision) String() string {
	return [...]string{"", "exact", "days", "none"}[p]
}

// style is how a list that goes by cursor today is read.
type style uint8

const (
	unsettled    style = iota
	speaksCursor       // the answers carry cursors
	speaksPages        // the paging from before the cursor
)

// safePageSize is what every list of the sources accepts (API notes, section 3).
const safePageSize = 30

// likelyRowBytes is assumed until rows were seen.
const likelyRowBytes = 1200

// learned is what a Reader knows about its endpoint. Safe for concurrent use.
type learned struct {
	requests, retries, throttled atomic.Int64

	mu          sync.Mutex
	size        int // to ask for
	asked       int // asked for at first
	full        int // a page with fewer records is the last; 0 = not proven
	style       style
	totals      string
	precision   precision
	bytesPerRow float64 // 0 = not known
}

func (l *learned) pageSize() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

// setSize notes the page size that the server accepts or clamps to.
func (l *learned) setSize(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size = n
}

func (l *learned) fullPage() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.full
}

// proveFull notes that a page of n records is full: more records followed it,
// or n is the documented maximum.
func (l *learned) proveFull(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full, l.size = n, n
}

func (l *learned) paging() style {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.style
}

func (l *learned) settle(s style) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.style = s
}

func (l *learned) sawTotal(reported bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !reported {
		l.totals = "missing"
	} else if l.totals == "" {
		l.totals = "reported"
	}
}

func (l *learned) filter() precision {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.precision
}

func (l *learned) setFilter(p precision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.precision = p
}

// rowBytes is the decoded size of a row, of this stream's rows so far.
func (l *learned) rowBytes() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bytesPerRow == 0 {
		return likelyRowBytes
	}
	return l.bytesPerRow
}

func (l *learned) sawRows(rows, bytes int) {
	if rows < 10 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	size := float64(bytes) / float64(rows)
	if l.bytesPerRow == 0 {
		l.bytesPerRow = size
	}
	l.bytesPerRow = 0.75*l.bytesPerRow + 0.25*size
}

// Facts says what was found out so far. Safe to call at any time.
func (r *Reader) Facts() Facts {
	l := &r.learned
	l.mu.Lock()
	defer l.mu.Unlock()
	f := Facts{
		Paging: "page/size", PageSize: l.size, Clamped: l.size < l.asked, Totals: l.totals, Filter: l.precision.String(),
		Requests: l.requests.Load(), Retries: l.retries.Load(), Throttled: l.throttled.Load(),
	}
	switch {
	case r.ep.Paging == SingleObject:
		f.Paging, f.PageSize = "single object", 1
	case r.ep.Paging == ForwardCursor:
		f.Paging = [...]string{"", "forward_cursor", "page/size (before 2026-08-28)"}[l.style]
	}
	return f
}
