package simapi

import (
	"net/http"
	"strconv"
)

// page answers a list by page and size.
func (s *Server) page(out *sender, r *http.Request, q query) {
	l := s.list(q)
	e := l.v.enc
	number := s.servedPage(q)
	e.raw(`{"data":[`)
	skip := (number - 1) * q.size
	n := q.size
	if s.cfg.DuplicateRows && number > 1 {
		skip, n = skip-1, n+1
	}
	l.take(skip, n)
	e.end("]")
	e.raw(`"paging":{`)
	if q.stream != Payables && q.stream != BalanceOperations {
		s.envelope(e, r, q, l.total())
	}
	e.end("}")
	e.b[len(e.b)-1] = '}'
	out.json(e.b)
}

// servedPage is the page that is really given: the one asked for, or the one
// before it where pages repeat.
func (s *Server) servedPage(q query) int {
	if p := s.cfg.RepeatPage; p > 1 && q.page >= p {
		return p - 1
	}
	if q.page != s.cfg.RepeatPageOnce || q.page < 2 {
		return q.page
	}
	key := q.stream + " " + q.params.Encode()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.repeated[key] {
		return q.page
	}
	s.repeated[key] = true
	return q.page - 1
}

// envelope writes total, previous and next. The links are as wrong as in the
// platform's own examples: another version and an odd port.
func (s *Server) envelope(e *enc, r *http.Request, q query, total int) {
	shown := total + s.cfg.TotalOffset
	if s.cfg.TotalChanges {
		shown += int(s.admitted.Load()%5) + 1
	}
	if !s.cfg.TotalMissing {
		e.int(`"total":`, int64(shown))
	}
	if q.page > 1 {
		s.link(e, `"previous":`, q, q.page-1)
	}
	more := q.page*q.size < total || s.cfg.NextForever || s.cfg.RepeatPage > 1
	switch {
	case s.cfg.NextMissing:
	case more:
		s.link(e, `"next":`, q, q.page+1)
	case s.cfg.Nulls:
		e.raw(`"next":null,`)
	}
}

func (s *Server) link(e *enc, key string, q query, page int) {
	base := s.cfg.NextBase
	if base == "" {
		base = "https://api.pagar.me:4443"
	}
	e.member(key, base+"/core/v1"+pathOf(q.stream)+"?page="+strconv.Itoa(page)+"&size="+strconv.Itoa(q.size))
}

// cursorPage answers payables by forward_cursor.
func (s *Server) cursorPage(out *sender, q query) {
	l := s.list(q)
	if q.cursor != "" {
		if l.resume(q.cursor) != nil {
			out.invalid(map[string]string{"forward_cursor": "The cursor is not valid."}, out.r)
			return
		}
	}
	e := l.v.enc
	defer s.reuse(e)()
	e.raw(`{"data":[`)
	if s.cfg.DuplicateRows && q.cursor != "" {
		l.back()
	}
	_, last, more := l.take(0, q.size)
	e.end("]")
	e.raw(`"paging":{`)
	switch {
	case s.cfg.CursorRepeats && q.cursor != "":
		e.member(`"forward_cursor":`, q.cursor)
	case more:
		e.member(`"forward_cursor":`, l.rest(last))
	case s.cfg.Nulls:
		e.raw(`"forward_cursor":null,`)
	}
	e.end("}")
	e.b[len(e.b)-1] = '}'
	out.json(e.b)
}

// back widens a resumed listing by the row that came before it.
func (l *listing) back() {
	if l.forward {
		if l.lo.i > 0 {
			l.lo.i--
		}
		return
	}
	l.hi.i++
}

// reuse gives an encoder the buffer of an earlier page, and the function that
// takes it back when the page was sent.
func (s *Server) reuse(e *enc) func() {
	b, ok := s.buffers.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	e.b = (*b)[:0]
	return func() {
		*b = e.b
		s.buffers.Put(b)
	}
}
