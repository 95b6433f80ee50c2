package simapi

import (
	"encoding/base64"
	"fmt"
)

// place is a position in a stream: the i-th record created on a day.
type place struct{ day, i int }

// listing is the part of a stream that a query asks for, [lo, hi) in the order
// of creation.
type listing struct {
	v       *view
	stream  string
	lo, hi  place
	forward bool // oldest first
	match   func(ref) bool
}

// list finds the ends of a query's range without visiting what lies between.
func (s *Server) list(q query) *listing {
	v := s.view(q.stream)
	l := &listing{v: v, stream: q.stream, forward: s.cfg.OldestFirst, match: s.filter(q, v)}
	precision := s.cfg.Dates.precision()
	l.lo = place{v.w.firstDay(q.stream), 0}
	l.hi = v.place(q.stream, v.now, 1)
	if q.since != 0 {
		l.lo = later(l.lo, v.place(q.stream, q.since, precision))
	}
	if v.since != 0 {
		l.lo = later(l.lo, v.place(q.stream, v.since, 1))
	}
	if q.until != 0 {
		if end := v.place(q.stream, q.until+1, precision); end.before(l.hi) {
			l.hi = end
		}
	}
	if l.hi.before(l.lo) || s.cfg.empty(q.stream) {
		l.hi = l.lo
	}
	return l
}

func (p place) before(o place) bool { return p.day < o.day || p.day == o.day && p.i < o.i }

func later(a, b place) place {
	if a.before(b) {
		return b
	}
	return a
}

// place is where the first record with a creation time, cut to precision, of
// at least t is or would be. What lies after the clock is not looked up.
func (v *view) place(stream string, t, precision int64) place {
	t = min(t, v.now+second)
	day := v.w.dayOf(t)
	if first := v.w.firstDay(stream); day < first {
		return place{first, 0}
	}
	return place{day, v.w.dayIndex(stream, day).before(t, precision)}
}

// span is the range of positions of one day of the listing.
func (l *listing) span(day int) (from, to int) {
	if day == l.lo.day {
		from = l.lo.i
	}
	if day == l.hi.day {
		return from, l.hi.i
	}
	return from, l.v.w.count(l.stream, day)
}

// total is the number of records in the listing.
func (l *listing) total() int {
	n := 0
	if l.match == nil {
		for day := l.lo.day; day <= l.hi.day; day++ {
			from, to := l.span(day)
			n += to - from
		}
		return n
	}
	l.walk(0, func(ref, place) bool {
		n++
		return true
	})
	return n
}

// walk visits the records after the first skip ones, in the listing's order.
// Whole days are skipped by their counts unless each record must be tested.
func (l *listing) walk(skip int, visit func(ref, place) bool) {
	for k := range l.hi.day - l.lo.day + 1 {
		day := l.hi.day - k
		if l.forward {
			day = l.lo.day + k
		}
		from, to := l.span(day)
		n := to - from
		if n <= 0 || l.match == nil && skip >= n {
			skip -= max(n, 0)
			continue
		}
		x := l.v.w.dayIndex(l.stream, day)
		i := 0
		if l.match == nil {
			i, skip = skip, 0
		}
		for ; i < n; i++ {
			pos := to - 1 - i
			if l.forward {
				pos = from + i
			}
			r := x.at(pos)
			if l.match != nil {
				if !l.match(r) {
					continue
				}
				if skip > 0 {
					skip--
					continue
				}
			}
			if !visit(r, place{day, pos}) {
				return
			}
		}
	}
}

// take writes up to n records after the first skip ones and says whether there
// are more, and where the last one was.
func (l *listing) take(skip, n int) (written int, last place, more bool) {
	l.walk(skip, func(r ref, p place) bool {
		if written == n {
			more = true
			return false
		}
		l.v.write(l.stream, r)
		written++
		last = p
		return true
	})
	return written, last, more
}

// rest is the cursor for what comes after a place.
func (l *listing) rest(last place) string {
	lo, hi := l.lo, last
	if l.forward {
		lo, hi = place{last.day, last.i + 1}, l.hi
	}
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d.%d.%d", lo.day, lo.i, hi.day, hi.i))
}

// resume narrows the listing to what a cursor stands for.
func (l *listing) resume(cursor string) error {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return fmt.Errorf("decode cursor: %w", err)
	}
	var lo, hi place
	if _, err := fmt.Sscanf(string(text), "%d.%d.%d.%d", &lo.day, &lo.i, &hi.day, &hi.i); err != nil {
		return fmt.Errorf("parse cursor: %w", err)
	}
	lo = later(l.lo, lo)
	if hi.before(l.hi) {
		l.hi = hi
	}
	if l.hi.before(lo) {
		lo = l.hi
	}
	l.lo = lo
	for _, p := range [...]place{l.lo, l.hi} {
		if p.i < 0 || p.i > l.v.w.count(l.stream, p.day) {
			return fmt.Errorf("cursor points at record %d of day %d", p.i, p.day)
		}
	}
	return nil
}
