package extract

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// maxCatchUp is how many of the first pages are read again for records that
// arrived while the window was read.
const maxCatchUp = 5

// byPage reads a list by page number.
func (rd *reading) byPage(ctx context.Context) (evidence, string, error) {
	first, asked, err := rd.first(ctx, "")
	if err != nil {
		return evidence{}, "", err
	}
	if rd.r.ep.TotalPath == "" || first.total < 0 {
		if rd.r.ep.TotalPath != "" {
			rd.r.learned.sawTotal(false)
		}
		return rd.byOnePage(ctx, first, asked)
	}
	rd.r.learned.sawTotal(true)
	size := max(first.Records, 1)
	if first.total <= int64(first.Records) {
		size = max(asked, first.Records)
	}
	if err := rd.tooWide(first.total, size); err != nil {
		return evidence{}, "", err
	}
	return rd.byTotal(ctx, first, size)
}

// byTotal reads the pages after the first and accounts for the total. A page
// of size records is full: the first page had as many and more exist.
//
// The last page is asked when all others are there: its total is the last
// look.
func (rd *reading) byTotal(ctx context.Context, first page, size int) (evidence, string, error) {
	if first.Records == 0 && first.total > 0 {
		return evidence{}, fmt.Sprintf("the total is %d and the first page is empty", first.total), nil
	}
	last := pagesFor(first.total, size)
	detail, err := rd.between(ctx, last, size)
	if err != nil || detail != "" {
		return evidence{}, detail, err
	}
	total, detail, err := rd.tail(ctx, first, last, size)
	if err != nil || detail != "" {
		return evidence{}, detail, err
	}
	if total < first.total && !rd.forgotten(first.total, total) { // a row that took a step back may have been missed
		return evidence{}, fmt.Sprintf("the total fell from %d to %d, and %d were seen", first.total, total, rd.dec.Distinct()), nil
	}
	if total < first.total {
		return evidence{proof: ProofTotal, total: total}, "", nil
	}
	if total > first.total {
		total, detail, err = rd.catchUp(ctx, total, size)
		if err != nil || detail != "" {
			return evidence{}, detail, err
		}
	}
	if distinct := int64(rd.dec.Distinct()); distinct != total {
		return evidence{}, fmt.Sprintf("the total is %d (%d at first) and %d distinct records were seen", total, first.total, distinct), nil
	}
	if last > 1 && size != rd.r.learned.pageSize() { // proven: the sum fits
		rd.r.learned.setSize(size)
	}
	return evidence{proof: ProofTotal, total: total}, "", nil
}

// forgotten reports whether a total may have fallen because the source forgets
// the entries of a change feed in time, while they are read: as many were seen
// as there are still, and no more than there were. Of other records that is no
// proof. An entry that was missed costs nothing but time: what it told of is
// found by the refresh.
func (rd *reading) forgotten(first, last int64) bool {
	distinct := int64(rd.dec.Distinct())
	return rd.r.ep.Feed && distinct >= last && distinct <= first
}

// pagesFor is the number of pages that hold total records, at least 1.
func pagesFor(total int64, size int) int {
	return max(int((total+int64(size)-1)/int64(size)), 1)
}

// between reads pages 2 to last-1 in parallel.
func (rd *reading) between(ctx context.Context, last, size int) (string, error) {
	var trouble atomic.Pointer[string]
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(rd.inFlight())
	for n := 2; n < last && trouble.Load() == nil && groupCtx.Err() == nil; n++ {
		group.Go(func() error {
			if trouble.Load() != nil {
				return nil
			}
			p, err := rd.fetchNew(groupCtx, ask{number: n, size: size})
			if detail := p.trouble(n); err == nil && detail != "" {
				trouble.Store(&detail)
			}
			return err
		})
	}
	err := group.Wait()
	if detail := trouble.Load(); detail != nil && err == nil {
		return *detail, nil
	}
	return "", err
}

// inFlight is how many pages are asked for at once: only one when rows moved
// before. Read one after the other, records that arrive at the head of a list
// push others to later pages, where they are seen twice; read in parallel, a
// record may be pushed from a page that is still to come to one that was read.
func (rd *reading) inFlight() int {
	if rd.attempts > 1 {
		return 1
	}
	return rd.r.opts.Concurrency
}

// trouble says why page n cannot be followed by others.
func (p *page) trouble(n int) string {
	switch {
	case p.repeats > 0:
		return p.repeated(n)
	case p.Records == 0:
		return fmt.Sprintf("page %d is empty although the total promises more", n)
	}
	return ""
}

func (p *page) repeated(n int) string {
	if p.repeats == 0 {
		return ""
	}
	return fmt.Sprintf("page %d holds the records of page %d again", n, p.repeats)
}

// tail reads the last page and those that come after it against the first
// total: while a page is full, says that there is a next one, or the total
// grew. It returns the newest total. A short page ends nothing by itself.
func (rd *reading) tail(ctx context.Context, first page, last, size int) (int64, string, error) {
	total, p, n := first.total, first, 1
	bound := 2*last + 10
	for n < last || p.Records >= size || p.next && p.Records > 0 || n < pagesFor(total, size) && p.Records > 0 {
		if n = max(n+1, last); n > bound {
			return 0, fmt.Sprintf("page %d holds records although the total is %d", n-1, total), nil
		}
		var err error
		if p, err = rd.fetchNew(ctx, ask{number: n, size: size}); err != nil {
			return 0, "", err
		}
		if detail := p.repeated(n); detail != "" {
			return 0, detail, nil
		}
		if p.total >= 0 {
			total = p.total
		}
	}
	return total, "", nil
}

// catchUp reads the first pages again, where the newest records are in lists
// that go from new to old, until the total is accounted for. Records newer than
// the window are no difference; others are.
func (rd *reading) catchUp(ctx context.Context, total int64, size int) (int64, string, error) {
	for n := 1; n <= maxCatchUp && int64(rd.dec.Distinct()) < total; n++ {
		p, err := rd.fetch(ctx, ask{number: n, size: size})
		if err != nil {
			return 0, "", err
		}
		if p.Kept+p.Rejected > 0 && !rd.window.IsZero() {
			return 0, fmt.Sprintf("%d records came into the window while it was read", p.Kept+p.Rejected), nil
		}
		if p.total >= 0 {
			total = p.total
		}
	}
	return total, "", nil
}
