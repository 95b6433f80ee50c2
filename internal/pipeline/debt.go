package pipeline

import (
	"math"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/delta"
)

// windowPages is how many pages one window should have at most, as extract reads
// them unless it is told otherwise.
const windowPages = 70

// likelyPage is how many records a page holds where the source does not publish
// its largest one.
const likelyPage = 30

// Debt is what of a table behind the lookback is due to be read again, and what
// keeping up with the tiers costs.
type Debt struct {
	Partitions int        `json:"partitions"`             // that the tiers are about
	Due        int        `json:"due"`                    // to be read again now
	Unknown    int        `json:"unknown"`                // of those, not known to have been read: the history does not tell
	OldestDue  *time.Time `json:"oldest_due,omitempty"`   // since when the oldest of the known ones is due
	Requests   int64      `json:"requests"`               // that reading the due ones takes, estimated from the rows in the lake
	PerDay     float64    `json:"steady_requests_a_day"`  // that the tiers need in the long run; -1 where the source does not tell how many records there are
	All        int64      `json:"requests_of_everything"` // that reading all partitions of the tiers once takes; -1 as before
	pages      float64    // of all of them
}

// DebtOf tells what of a table is due. snapshot is the table now, reads is the
// history of its windows; the source is not asked. size is the records a page, 0
// for what the endpoint asks for. A stream without tiers owes nothing.
func DebtOf(s Stream, snapshot *delta.Snapshot, reads []report.WindowRead, now time.Time, size int) Debt {
	var d Debt
	mark, ok := snapshot.Mark(s.app())
	if !ok || len(s.Refresh) == 0 || s.Endpoint.SinceParam == "" || s.Endpoint.Write != extract.ReplacePartitions {
		return d
	}
	if size == 0 {
		size = max(s.Endpoint.AskSize, 1)
		if s.Endpoint.MaxSize == 0 {
			size = min(size, likelyPage) // the source does not say what it gives
		}
	}
	var due []aged
	for _, a := range agedPartitions(s, snapshot, time.UnixMicro(mark).UTC(), now, reads) {
		if !a.tiered {
			continue
		}
		rows, _, _, _ := snapshot.Partition(a.value)
		d.expect(a, float64(max(rows, 0)), size)
		if a.due(now) {
			due = append(due, a)
			d.add(a)
		}
	}
	oldestRead(due)
	d.Requests = requestsOf(due, snapshot, int64(size))
	return d
}

// expect counts what a partition with so many rows costs in the long run. At a
// tier without an interval that is once a day.
func (d *Debt) expect(a aged, rows float64, size int) {
	pages := rows / float64(size)
	every := max(a.every, 24*time.Hour)
	d.Partitions++
	d.PerDay += pages * float64(24*time.Hour) / float64(every)
	d.pages += pages
	d.All = int64(math.Ceil(d.pages))
}

// add counts a partition that is due.
func (d *Debt) add(a aged) {
	d.Due++
	at := a.dueAt()
	switch {
	case at.IsZero():
		d.Unknown++
	case d.OldestDue == nil || at.Before(*d.OldestDue):
		d.OldestDue = &at
	}
}

// requestsOf estimates the requests that reading partitions in this order takes:
// neighbours with few rows are read as one range.
func requestsOf(list []aged, snapshot *delta.Snapshot, size int64) int64 {
	total, rows := int64(0), int64(-1) // of the range; -1 before the first
	end := func() {
		if rows >= 0 {
			total += max((rows+size-1)/size, 1)
		}
	}
	for i, a := range list {
		held, _, _, _ := snapshot.Partition(a.value)
		held = max(held, 0)
		if i > 0 && list[i-1].window.Until.Equal(a.window.Since) && rows+held <= windowPages*size {
			rows += held
			continue
		}
		end()
		rows = held
	}
	end()
	return total
}
