package partitioning

import (
	"fmt"
	"time"

	_ "time/tzdata" // the machine may have no time zone data of its own
)

// Granularity is the length of a partition.
type Granularity uint8

// The granularities.
const (
	Day Granularity = iota
	Month
)

// Layouts of partition values, as they stand in the log.
const (
	dayLayout   = "2006-01-02"
	monthLayout = "2006-01"
)

// Spec says how a table is partitioned. The zero Spec is an unpartitioned
// table, whose only partition has the value "". A Spec is a value: copy it, use
// it from any goroutine.
type Spec struct {
	Column      string         // partition column, e.g. "created_date"; "" = not partitioned
	Source      string         // top-level timestamp[us] column that places a row
	Granularity Granularity    // Day: Column is a date. Month: Column is a string like 2026-11
	Location    *time.Location // zone whose days and months are meant; nil = UTC
}

// Value is a partition value as the Delta log spells it: 2026-11-21 or 2026-11.
// "" is null in the log, and the only partition of an unpartitioned table.
type Value string

// Of returns the partition that holds the instant t: the latest one that has
// started by t. Where clocks are turned back over midnight, the repeated end of
// the old day thus belongs to the new day, which had begun already.
func (s Spec) Of(t time.Time) Value {
	if s.Column == "" {
		return ""
	}
	return s.value(s.at(t))
}

// Start returns the first instant of partition v, in UTC: the first instant
// whose local date is v's or later. A day that a zone skipped starts where the
// day after it starts, and is empty.
func (s Spec) Start(v Value) (time.Time, error) {
	if s.Column == "" {
		return time.Time{}, fmt.Errorf("start of partition %q: the table is not partitioned", v)
	}
	d, err := time.Parse(s.layout(), string(v))
	if err != nil {
		return time.Time{}, fmt.Errorf("start of partition %q of column %s: want a value like %s", v, s.Column, s.layout())
	}
	return s.start(d), nil
}

// Floor returns the first instant of the partition that holds t, in UTC. For an
// unpartitioned table it is the zero time.
func (s Spec) Floor(t time.Time) time.Time {
	if s.Column == "" {
		return time.Time{}
	}
	return s.start(s.at(t))
}

// Next returns the first instant of the partition after the one that holds t,
// in UTC; it is always later than t. For an unpartitioned table it is the end
// of year 9999.
func (s Spec) Next(t time.Time) time.Time {
	if s.Column == "" {
		return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return s.start(s.next(s.at(t)))
}

// at returns the partition that holds t as a calendar date, spelled as midnight
// UTC: the day itself or the first of the month.
func (s Spec) at(t time.Time) time.Time {
	y, m, d := t.In(s.location()).Date()
	if s.Granularity == Month {
		d = 1
	}
	date := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	for !s.utc() {
		next := s.next(date)
		if s.start(next).After(t) {
			break
		}
		date = next
	}
	return date
}

// next returns the calendar date of the partition after date's.
func (s Spec) next(date time.Time) time.Time {
	if s.Granularity == Month {
		return date.AddDate(0, 1, 0)
	}
	return date.AddDate(0, 0, 1)
}

// start returns the first instant whose local date is date or later. It walks
// the stretches of constant offset from a day before; no offset reaches 24 h.
func (s Spec) start(date time.Time) time.Time {
	if s.utc() {
		return date
	}
	loc := s.location()
	for t := date.Add(-24 * time.Hour); ; {
		local := t.In(loc)
		_, offset := local.Zone()
		_, end := local.ZoneBounds()
		first := date.Add(-time.Duration(offset) * time.Second)
		if first.Before(t) {
			first = t
		}
		if end.IsZero() || first.Before(end) {
			return first.UTC()
		}
		t = end
	}
}

func (s Spec) value(date time.Time) Value { return Value(date.Format(s.layout())) }

func (s Spec) layout() string {
	if s.Granularity == Month {
		return monthLayout
	}
	return dayLayout
}

func (s Spec) utc() bool { return s.Location == nil || s.Location == time.UTC }

func (s Spec) location() *time.Location {
	if s.Location == nil {
		return time.UTC
	}
	return s.Location
}
