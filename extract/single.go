package extract

import (
	"context"
	"fmt"
)

// byOnePage reads a list by page number that reports no total. Rows shift
// between pages and nothing would tell, so the window is complete only when
// one page held it. Otherwise it is split; where it cannot be, it is read two
// times, and the second must bring nothing new.
func (rd *reading) byOnePage(ctx context.Context, first page, asked int) (evidence, string, error) {
	held, detail, err := rd.held(ctx, "", first, asked)
	if err != nil || detail != "" || held {
		return evidence{proof: ProofSinglePage, total: -1}, detail, err
	}
	return rd.notHeld(ctx, first)
}

// byStates reads a list that must be asked by status, in the order of a
// record's life: the last state read wins. Each state must be held by one page.
func (rd *reading) byStates(ctx context.Context) (evidence, string, error) {
	for _, state := range rd.r.ep.States {
		first, asked, err := rd.first(ctx, state)
		if err != nil {
			return evidence{}, "", err
		}
		held, detail, err := rd.held(ctx, state, first, asked)
		if err != nil || detail != "" {
			return evidence{}, detail, err
		}
		if !held {
			return rd.notHeld(ctx, first)
		}
	}
	return evidence{proof: ProofSinglePage, total: -1}, "", nil
}

// held reports whether the first page of a list held everything. It did when
// it is shorter than a page that is proven to be full, or when an empty page
// follows. That is asked in the size of the first page, so that it begins where
// the first ended, whether the server clamps sizes or not.
func (rd *reading) held(ctx context.Context, state string, first page, asked int) (bool, string, error) {
	l, ep := &rd.r.learned, &rd.r.ep
	if first.Records == 0 || first.Records < l.fullPage() {
		return true, "", nil
	}
	if first.Records >= asked && asked == ep.MaxSize {
		l.proveFull(first.Records)
	}
	if first.Records >= asked && rd.split(0, 1) != nil {
		return false, "", nil // full, and it can be cut: the second page would be wasted
	}
	return rd.endsAfter(ctx, state, first)
}

// maxOverlap is how many pages after the first may hold nothing but records
// seen before: some servers repeat the last records of a page on the next.
const maxOverlap = 3

// endsAfter reports whether the pages after the first hold nothing new.
func (rd *reading) endsAfter(ctx context.Context, state string, first page) (bool, string, error) {
	for n := 2; n < 2+maxOverlap; n++ {
		p, err := rd.fetchNew(ctx, ask{number: n, size: first.Records, state: state})
		if err != nil || p.Records == 0 {
			return true, "", err
		}
		if detail := p.repeated(n); detail != "" {
			return false, detail, nil
		}
		if p.Duplicates < p.Records {
			rd.r.learned.proveFull(first.Records)
			return false, "", nil
		}
	}
	return false, fmt.Sprintf("%d pages after the first hold nothing but records of the pages before", maxOverlap), nil
}

// notHeld splits the window, or reads it two times.
func (rd *reading) notHeld(ctx context.Context, first page) (evidence, string, error) {
	target := targetFill * float64(max(first.Records, 1))
	if err := rd.split(rd.inside(density(first.Page, rd.asked())), target); err != nil {
		return evidence{}, "", err
	}
	return rd.twice(ctx)
}

// twice reads all pages two times. The second time must bring nothing to the
// window that the first did not.
func (rd *reading) twice(ctx context.Context) (evidence, string, error) {
	if err := rd.forget(); err != nil {
		return evidence{}, "", err
	}
	first := pass{most: maxPassPages, stale: maxStalePages}
	detail, err := first.read(ctx, rd)
	if err != nil || detail != "" {
		return evidence{}, detail, err
	}
	clear(rd.seen)
	bound := first.pages + maxStalePages
	second := pass{most: bound, stale: bound} // hardly anything should be new
	detail, err = second.read(ctx, rd)
	if err != nil || detail != "" {
		return evidence{}, detail, err
	}
	if second.found > 0 {
		return evidence{}, fmt.Sprintf("the list reports no total, and reading it again brought %d more records", second.found), nil
	}
	return evidence{proof: ProofRepeated, total: -1}, "", nil
}

// Bounds of a list that reports no total and may never end; ours.
const (
	maxStalePages = 20     // in a row that hold nothing but records seen before
	maxPassPages  = 10_000 // over all states
)

// pass is one read of all pages of all states.
type pass struct {
	most, stale int // bounds: pages, and pages in a row without a new record
	pages       int // that were read
	found       int // records of the window that were new
}

// read reads each state to an empty page.
func (ps *pass) read(ctx context.Context, rd *reading) (string, error) {
	states := rd.r.ep.States
	if len(states) == 0 {
		states = []string{""}
	}
	for _, state := range states {
		if detail, err := ps.state(ctx, rd, state); err != nil || detail != "" {
			return detail, err
		}
	}
	return "", nil
}

// state reads the pages of one state. A list that is too long ends with an
// *IncompleteError at once: reading it again would cost as much and end there.
func (ps *pass) state(ctx context.Context, rd *reading, state string) (string, error) {
	size, stale := rd.r.learned.pageSize(), 0
	for n := 1; ; n++ {
		if ps.pages >= ps.most {
			return "", rd.incomplete(fmt.Sprintf("the list reports no total and does not end after %d pages", ps.pages))
		}
		p, err := rd.fetchNew(ctx, ask{number: n, size: size, state: state})
		if err != nil {
			return "", err
		}
		ps.pages++
		if detail := p.repeated(n); detail != "" {
			return detail, nil
		}
		if p.Records == 0 {
			return "", nil
		}
		ps.found += p.Kept + p.Rejected
		if stale++; p.Duplicates < p.Records {
			stale = 0
		}
		if stale >= ps.stale {
			return fmt.Sprintf("%d pages up to page %d hold nothing but records of the pages before", stale, n), nil
		}
	}
}
