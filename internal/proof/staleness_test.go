package proof_test

import (
	"bytes"
	"time"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
)

// staleness collects how long the lake showed what was no longer true.
type staleness struct {
	times map[lateness][]time.Duration
}

// lateness is a class of changes.
type lateness struct {
	stream string
	age    string
	told   bool // a hook tells of it
}

var ages = []string{"0-45 d", "45-400 d", "over 400 d"}

func ageOf(d time.Duration) string {
	switch {
	case d < 45*day:
		return ages[0]
	case d < 400*day:
		return ages[1]
	}
	return ages[2]
}

// measured are the streams whose changes are timed: one record in so many, but
// for orders and charges that were not read the day before each.
var measured = map[string]uint64{simapi.Orders: 4, simapi.Charges: 4, simapi.Payables: 40}

// late times the changes that a partition got in this run: of rows that are
// others than before, that are new though they are old, or that are gone.
func (c *checking) late(v partitioning.Value, before, after *part) {
	sample := measured[c.s.name]
	if sample == 0 || c.runs < 2 || !c.frozen.IsZero() || before.read.IsZero() {
		return
	}
	keys := map[string]bool{}
	for key, f := range after.rows {
		if f != before.rows[key] {
			keys[key] = true
		}
	}
	for key := range before.rows {
		if _, ok := after.rows[key]; !ok {
			keys[key] = true
		}
	}
	for key := range keys {
		some := c.s.name == simapi.Payables || c.begun.Sub(before.read) < 2*day
		if some && hash([]byte(key))>>8%sample != 0 {
			continue
		}
		c.time(v, key, before)
	}
}

// time finds the moment of a change between two readings by bisection.
func (c *checking) time(v partitioning.Value, key string, before *part) {
	low, high := before.read, c.begun
	if at := before.at[key]; at.After(low) {
		low = at
	}
	first, _ := c.record(v, key, low)
	last, created := c.record(v, key, high)
	if first == last || created.After(low) || low.IsZero() {
		return // it changed within a run, or is simply new
	}
	for high.Sub(low) > time.Minute {
		mid := low.Add(high.Sub(low) / 2)
		if state, _ := c.record(v, key, mid); state == first {
			low = mid
		} else {
			high = mid
		}
	}
	if change := c.plan.config.ContractChange; !high.Before(change) && !low.After(change) {
		return // every record changed then, in form
	}
	start, _ := c.rangeOf(c.s, v, time.Time{})
	class := lateness{c.s.name, ageOf(high.Sub(start)), c.told(key, high)}
	c.stale.times[class] = append(c.stale.times[class], c.ended.Sub(high))
}

// record is the digest of a record's JSON at a moment, 0 where there is none,
// and its creation time.
func (c *checking) record(v partitioning.Value, key string, at time.Time) (digest uint64, created time.Time) {
	since, until := c.rangeOf(c.s, v, time.Time{})
	c.at(at, func() {
		c.server.Each(c.s.name, since, until, func(r simapi.Record) bool {
			if r.Key == key {
				digest, created = hash(r.JSON), r.Created
			}
			return r.Key != key
		})
	})
	return digest, created
}

// told tells whether a hook was made of what happened to a record.
func (c *checking) told(key string, at time.Time) bool {
	found := false
	c.at(c.ended, func() {
		c.server.Each(simapi.Hooks, at.Add(-2*time.Minute), at.Add(time.Minute), func(r simapi.Record) bool {
			found = found || bytes.Contains(r.JSON, []byte(`"`+key+`"`))
			return !found
		})
	})
	return found
}
