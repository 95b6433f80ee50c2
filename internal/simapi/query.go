package simapi

import (
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// query is a list request that was understood.
type query struct {
	stream       string
	params       url.Values
	since, until int64 // first and last creation time wanted, in ticks; 0 = no bound
	page, size   int
	cursor       string
}

// parse reads the parameters of a list request. The second result names the
// parameters that make no sense.
func (s *Server) parse(r *http.Request, stream string) (query, map[string]string) {
	bad := map[string]string{}
	q := query{stream: stream, params: r.URL.Query(), page: 1, size: 10}
	q.page = q.number("page", q.page, bad)
	q.size = min(q.number("size", q.size, bad), s.cfg.maxSize(stream))
	q.cursor = q.params.Get("forward_cursor")
	since := q.time("created_since", bad)
	until := q.time("created_until", bad)
	for _, name := range [...]string{"updated_since", "updated_until", "payment_date_since", "payment_date_until"} {
		q.time(name, bad)
	}
	if len(bad) > 0 {
		return q, bad
	}
	if !s.cfg.IgnoreFilters && stream != Recipients {
		q.since, q.until = s.cfg.Filters.bounds(since, until)
	}
	return q, nil
}

func (q *query) number(name string, def int, bad map[string]string) int {
	text := q.params.Get(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		bad[name] = "The field " + name + " must be a positive number."
		return def
	}
	return n
}

// time reads a time parameter: RFC 3339 with any fraction, the same without a
// zone (UTC), or a bare date.
func (q *query) time(name string, bad map[string]string) time.Time {
	text := q.params.Get(name)
	if text == "" {
		return time.Time{}
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	bad[name] = "The value '" + text + "' is not valid for " + name + "."
	return time.Time{}
}

// bounds turns the filter's parameters into the first and the last creation
// time that pass, in ticks. 0 means no bound.
func (f *Filters) bounds(since, until time.Time) (first, last int64) {
	if f.WholeDays != nil {
		since, until = midnight(since, f.WholeDays, 0), midnight(until, f.WholeDays, 1)
		if f.ExclusiveUntil {
			until = midnight(until, f.WholeDays, -1)
		}
	}
	if !since.IsZero() {
		first = toTicks(since)
		if since.Nanosecond()%100 != 0 || f.ExclusiveSince && f.WholeDays == nil {
			first++
		}
	}
	if !until.IsZero() {
		last = toTicks(until)
		if f.ExclusiveUntil && until.Nanosecond()%100 == 0 || f.WholeDays != nil {
			last--
		}
	}
	return first, last
}

// midnight is the beginning of a day in a zone, so many days later.
func midnight(t time.Time, loc *time.Location, days int) time.Time {
	if t.IsZero() {
		return t
	}
	y, m, d := t.In(loc).Date()
	return time.Date(y, m, d+days, 0, 0, 0, 0, loc)
}

// filter returns the test for the parameters that need a look at each record,
// or nil if there are none.
func (s *Server) filter(q query, v *view) func(ref) bool {
	tests := append(q.equalities(), q.ranges()...)
	hide := s.hidden(q.stream)
	if q.stream == Recipients {
		tests = nil
	}
	if len(tests) == 0 && !hide && v.plain(q.stream) {
		return nil
	}
	return func(r ref) bool {
		if hide && backdated(r) || !v.visible(q.stream, r) {
			return false
		}
		if len(tests) == 0 {
			return true
		}
		f := v.facts(q.stream, r, true)
		for _, test := range tests {
			if !test(&f) {
				return false
			}
		}
		return true
	}
}

// equalities are the filters by value.
func (q *query) equalities() []func(*facts) bool {
	var out []func(*facts) bool
	for name, of := range map[string]func(*facts) string{
		"status":         func(f *facts) string { return f.state },
		"payment_method": func(f *facts) string { return f.method },
		"customer_id":    func(f *facts) string { return f.customer },
		"order_id":       func(f *facts) string { return f.order },
		"charge_id":      func(f *facts) string { return f.charge },
		"recipient_id":   func(f *facts) string { return f.recipient },
		"type":           func(f *facts) string { return f.kind },
		"code":           func(f *facts) string { return f.code },
		"webhook_event":  func(f *facts) string { return f.event },
	} {
		want := q.params.Get(name)
		if want == "" && name == "status" && q.stream == BalanceOperations {
			want = "available" // the documented default
		}
		if want != "" {
			out = append(out, func(f *facts) bool { return of(f) == want })
		}
	}
	return out
}

// ranges are the time filters that only payables have, ends inclusive.
func (q *query) ranges() []func(*facts) bool {
	if q.stream != Payables {
		return nil
	}
	var out []func(*facts) bool
	for name, of := range map[string]func(*facts) int64{
		"updated":      func(f *facts) int64 { return f.updated },
		"payment_date": func(f *facts) int64 { return f.payment },
	} {
		if t := q.time(name+"_since", map[string]string{}); !t.IsZero() {
			out = append(out, func(f *facts) bool { return of(f) >= toTicks(t) })
		}
		if t := q.time(name+"_until", map[string]string{}); !t.IsZero() {
			out = append(out, func(f *facts) bool { return of(f) <= toTicks(t) })
		}
	}
	return out
}

// hidden says whether back-dated records are still out of sight.
func (s *Server) hidden(stream string) bool {
	if s.cfg.BackdateAfter <= 0 {
		return false
	}
	_, row := route(pathOf(stream))
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[row]
	return c == nil || c.Answered < s.cfg.BackdateAfter
}

func backdated(r ref) bool {
	return mix(uint64(r.day)<<32|uint64(r.idx)^0xbacd)%40 == 0
}

// pathOf is the path of a stream's list below the base.
func pathOf(stream string) string {
	if stream == BalanceOperations {
		return "/balance/operations"
	}
	return "/" + stream
}
