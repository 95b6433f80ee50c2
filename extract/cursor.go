package extract

import (
	"context"
	"fmt"
)

// maxEmptyPages bounds a list that gives cursor after cursor and no records.
const maxEmptyPages = 20

// byCursor reads a list by the cursor of the answer before. The end is an
// answer without a cursor.
func (rd *reading) byCursor(ctx context.Context) (evidence, string, error) {
	first, asked, err := rd.first(ctx, "")
	if err != nil {
		return evidence{}, "", err
	}
	spoken, ev, err := rd.settle(ctx, first)
	if err != nil || ev.proof != "" {
		return ev, "", err
	}
	if spoken == speaksPages {
		if err := rd.forget(); err != nil {
			return evidence{}, "", err
		}
		return rd.byPage(ctx)
	}
	if first.cursor != "" {
		if err := rd.tooWide(int64(density(first.Page, rd.asked())), asked); err != nil {
			return evidence{}, "", err
		}
	}
	detail, err := rd.follow(ctx, first, asked)
	return evidence{proof: ProofCursorEnd, total: -1}, detail, err
}

// follow reads the pages after the first.
func (rd *reading) follow(ctx context.Context, p page, size int) (string, error) {
	used := make(map[string]int)
	empty := 0
	for n := 2; p.cursor != ""; n++ {
		if before := used[p.cursor]; before > 0 {
			return fmt.Sprintf("the cursor of page %d is that of page %d again", n-1, before), nil
		}
		used[p.cursor] = n - 1
		var err error
		if p, err = rd.fetchNew(ctx, ask{number: n, size: size, cursor: p.cursor, unpaged: true}); err != nil {
			return "", err
		}
		if detail := p.repeated(n); detail != "" {
			return detail, nil
		}
		if empty++; p.Records > 0 {
			empty = 0
		}
		if empty > maxEmptyPages {
			return fmt.Sprintf("%d pages up to page %d are empty and each gives a further cursor", empty, n), nil
		}
	}
	return "", nil
}

// settle finds out whether the source speaks cursors or, as payables did
// before 2026-08-28, page numbers. The first cursor settles it. An answer
// without one is ambiguous, since nulls are omitted: then one record is asked
// for, and a source that speaks cursors must give one to the others. Of a
// single record page 2 is asked, which only a source that speaks pages has.
//
// The evidence returned is empty unless the first page is proven to hold
// everything.
func (rd *reading) settle(ctx context.Context, first page) (style, evidence, error) {
	l := &rd.r.learned
	if first.hasCursor {
		l.settle(speaksCursor)
	}
	if spoken := l.paging(); spoken != unsettled {
		return spoken, evidence{}, nil
	}
	onePage := evidence{proof: ProofSinglePage, total: -1}
	if first.Records == 0 {
		return unsettled, onePage, nil
	}
	if first.Records > 1 {
		p, err := rd.fetch(ctx, ask{number: 1, size: 1, unpaged: true})
		if err != nil {
			return unsettled, evidence{}, err
		}
		switch {
		case p.hasCursor:
			l.settle(speaksCursor)
		case p.Records == 1: // it honours the size, so it would have needed a cursor
			l.settle(speaksPages)
		}
		if spoken := l.paging(); spoken != unsettled {
			return spoken, evidence{}, nil
		}
	}
	return rd.settleByPage(ctx, first, onePage)
}

// settleByPage asks for page 2. By cursor, page means nothing and gives the
// first records again, or is refused.
func (rd *reading) settleByPage(ctx context.Context, first page, onePage evidence) (style, evidence, error) {
	p, err := rd.fetch(ctx, ask{number: 2, size: first.Records})
	switch {
	case refusesParameter(err):
		rd.r.learned.settle(speaksCursor)
		return speaksCursor, evidence{}, nil
	case err != nil:
		return unsettled, evidence{}, err
	case p.Records == p.Duplicates: // empty, or nothing new
		return unsettled, onePage, nil
	}
	rd.r.learned.settle(speaksPages)
	return speaksPages, evidence{}, nil
}

// refusesParameter reports whether the answer may mean that the source does
// not know a parameter.
func refusesParameter(err error) bool {
	switch asStatus(err) {
	case 400, 404, 410, 412, 422:
		return true
	}
	return false
}
