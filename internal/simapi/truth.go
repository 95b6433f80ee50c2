package simapi

import (
	"hash/fnv"
	"time"
)

// Truth is what a window of a stream holds. Bad records (Shape.BadEvery) are
// in Bad alone.
type Truth struct {
	Rows int64
	Bad  int64
	Sum  int64  // of Record.Amount, in cents
	Keys uint64 // wrapping sum of the 64 bit FNV-1a hashes of the keys
}

// DayTruth is the truth of one day of a time zone.
type DayTruth struct {
	Day string // 2006-01-02
	Truth
}

func (t *Truth) add(r *Record) {
	if r.Bad != "" {
		t.Bad++
		return
	}
	h := fnv.New64a()
	h.Write([]byte(r.Key))
	t.Rows++
	t.Sum += r.Amount
	t.Keys += h.Sum64()
}

// Truth is what a stream holds in [since, until) at the moment of the clock,
// in the documented shape. Zero times mean no bound.
func (w *World) Truth(stream string, since, until time.Time) Truth {
	return w.view(&Shape{}, w.now()).truth(stream, since, until)
}

// Each calls f for every record of a stream created in [since, until), oldest
// first. Zero times mean no bound. It stops when f returns false.
func (w *World) Each(stream string, since, until time.Time, f func(Record) bool) {
	w.view(&Shape{}, w.now()).each(stream, since, until, true, f)
}

// Days is the truth of each day on which something was created, oldest first,
// in a time zone (nil = UTC).
func (w *World) Days(stream string, loc *time.Location) []DayTruth {
	return w.view(&Shape{}, w.now()).dayTruths(stream, loc)
}

func (v *view) truth(stream string, since, until time.Time) Truth {
	var t Truth
	v.each(stream, since, until, false, func(r Record) bool {
		t.add(&r)
		return true
	})
	return t
}

func (v *view) dayTruths(stream string, loc *time.Location) []DayTruth {
	if loc == nil {
		loc = time.UTC
	}
	var out []DayTruth
	v.each(stream, time.Time{}, time.Time{}, false, func(r Record) bool {
		day := r.Created.In(loc).Format(time.DateOnly)
		if n := len(out); n == 0 || out[n-1].Day != day {
			out = append(out, DayTruth{Day: day})
		}
		out[len(out)-1].add(&r)
		return true
	})
	return out
}

// each visits records by brute force, without any of the shortcuts that the
// server takes for its pages.
func (v *view) each(stream string, since, until time.Time, withJSON bool, f func(Record) bool) {
	listed := stream
	if stream == RecipientBalance {
		listed = Recipients
	}
	w := v.w
	first, last := w.firstDay(listed), w.dayOf(v.now)
	if !since.IsZero() {
		first = max(first, w.dayOf(toTicks(since)))
	}
	if !until.IsZero() {
		last = min(last, w.dayOf(toTicks(until)))
	}
	for day := first; day <= last; day++ {
		x := w.dayIndex(listed, day)
		for pos := range x.len() {
			r := x.at(pos)
			created := toTime(v.created(listed, r))
			if r.t >= v.now || r.t < v.since || !since.IsZero() && created.Before(since) || !until.IsZero() && !created.Before(until) {
				continue
			}
			if !v.visible(listed, r) {
				continue
			}
			if !f(v.record(stream, r, created, withJSON)) {
				return
			}
		}
	}
}

// created is the creation time that a record shows.
func (v *view) created(stream string, r ref) int64 {
	if stream == Hooks {
		h := v.w.hook(r)
		return v.s.Dates.shown(h.created())
	}
	return v.s.Dates.shown(r.t)
}

func (v *view) record(stream string, r ref, created time.Time, withJSON bool) Record {
	fa := v.facts(stream, r, false)
	rec := Record{Stream: stream, Key: fa.key, Created: created, Amount: fa.amount, Status: fa.status, Bad: v.s.badKind(stream, fa.hash)}
	if withJSON {
		v.enc.b = v.enc.b[:0]
		v.write(stream, r)
		rec.JSON = v.enc.b[:len(v.enc.b)-1]
	}
	return rec
}
