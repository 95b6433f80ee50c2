package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// clockSkew is how far ahead the clock of another machine may be that read a
// window. A reading later than that was noted by a clock that was wrong: it does
// not count.
const clockSkew = 15 * time.Minute

// aged is a partition behind the lookback, and when it is to be read again.
type aged struct {
	value   partitioning.Value
	window  window.Window
	last    time.Time // oldest of the newest readings that cover it; zero where a part of it is not known to be read
	rejects bool      // one of those readings left records out of the table
	settled bool      // every record is in a final state
	tiered  bool      // a tier is about its age
	every   time.Duration
}

// dueAt is when the partition becomes due; the zero time where it is not known
// to be read.
func (a aged) dueAt() time.Time {
	if a.last.IsZero() {
		return time.Time{}
	}
	return a.last.Add(a.every)
}

// due reports whether the partition is to be read again. A daily job does not
// begin at the same second each day: what is missing by a twentieth of the
// interval, at most three hours, is due.
func (a aged) due(now time.Time) bool {
	return a.tiered && !now.Before(a.dueAt().Add(-min(a.every/20, 3*time.Hour)))
}

// agedRange is what the tiers are about: whole partitions from the start or from
// the horizon, whichever is later, up to where the lookback begins.
func agedRange(s Stream, l lake, watermark, now time.Time) window.Window {
	if watermark.IsZero() || s.Spec.Column == "" {
		return window.Window{}
	}
	since := s.Spec.Floor(s.Start)
	if months := s.Endpoint.HorizonMonths; months > 0 {
		since = latest(since, firstWhole(s, l, now.AddDate(0, -months, 0)))
	}
	return window.Window{Since: since.UTC(), Until: s.Spec.Floor(earliest(watermark, now).Add(-s.Lookback)).UTC()}
}

// agedPartitions lists the partitions that the tiers are about, oldest first,
// with what the readings tell of them. The readings may overlap.
func agedPartitions(s Stream, snapshot *delta.Snapshot, watermark, now time.Time, reads []report.WindowRead) []aged {
	list := grid(s.Spec, agedRange(s, snapshot, watermark, now))
	lastReads(list, countable(reads, snapshot.Version(), now))
	for i := range list {
		list[i].settled = settled(s.Endpoint.Final, snapshot, list[i].value)
		list[i].place(s.Refresh, now)
	}
	return list
}

// grid lists the partitions of a range, oldest first.
func grid(spec partitioning.Spec, rng window.Window) []aged {
	var list []aged
	for t := rng.Since; t.Before(rng.Until); t = spec.Next(t) {
		list = append(list, aged{value: spec.Of(t), window: window.Window{Since: t, Until: spec.Next(t)}})
	}
	return list
}

// countable drops readings that were never committed, that are of a table with
// this name that is no more, or that a clock noted that was wrong.
func countable(reads []report.WindowRead, version int64, now time.Time) []report.WindowRead {
	return slices.DeleteFunc(slices.Clone(reads), func(r report.WindowRead) bool {
		return r.Version < 0 || r.Version > version || r.ReadAt.After(now.Add(clockSkew))
	})
}

// place finds the partition's tier.
func (a *aged) place(tiers []extract.Tier, now time.Time) {
	var tier extract.Tier
	tier, a.tiered = tierOf(tiers, now.Sub(a.window.Until))
	a.every = tier.Every
	if a.settled && tier.Settled > 0 {
		a.every = tier.Settled
	}
}

// tierOf is the tier for an age: the first that is about it.
func tierOf(tiers []extract.Tier, age time.Duration) (extract.Tier, bool) {
	for _, t := range tiers {
		if t.YoungerThan == 0 || age < t.YoungerThan {
			return t, true
		}
	}
	return extract.Tier{}, false
}

// settled reports whether a partition holds records and each is in a state that
// no record leaves.
func settled(final []string, snapshot *delta.Snapshot, v partitioning.Value) bool {
	if len(final) == 0 {
		return false
	}
	states, known := snapshot.States(v)
	for state, n := range states {
		if n > 0 && !slices.Contains(final, state) {
			return false
		}
	}
	return known && len(states) > 0
}

// lastReads notes for each partition when it was last read in whole: the readings
// are laid over it from the newest to the oldest until nothing is left open.
func lastReads(list []aged, reads []report.WindowRead) {
	slices.SortStableFunc(reads, func(a, b report.WindowRead) int { return b.ReadAt.Compare(a.ReadAt) })
	open := make([][]window.Window, len(list))
	for i := range list {
		open[i] = []window.Window{list[i].window}
	}
	for _, r := range reads {
		first, _ := slices.BinarySearchFunc(list, r.Since, func(a aged, t time.Time) int {
			if a.window.Until.After(t) {
				return 1
			}
			return -1
		})
		for i := first; i < len(list) && list[i].window.Since.Before(r.Until); i++ {
			if len(open[i]) == 0 {
				continue
			}
			rest, some := without(open[i], r.Since, r.Until)
			list[i].rejects = list[i].rejects || some && r.Rejects > 0
			if open[i] = rest; len(rest) == 0 {
				list[i].last = r.ReadAt
			}
		}
	}
}

// without takes a range out of windows; some tells whether there was any of it.
func without(windows []window.Window, since, until time.Time) (rest []window.Window, some bool) {
	for _, w := range windows {
		if !w.Since.Before(until) || !since.Before(w.Until) {
			rest = append(rest, w)
			continue
		}
		some = true
		if w.Since.Before(since) {
			rest = append(rest, window.Window{Since: w.Since, Until: since})
		}
		if until.Before(w.Until) {
			rest = append(rest, window.Window{Since: until, Until: w.Until})
		}
	}
	return rest, some
}

// oldestRead sorts partitions in the order in which they are read again: those
// whose last reading is the oldest first, by the hour, so that neighbours that
// were read side by side stay neighbours.
func oldestRead(list []aged) {
	slices.SortStableFunc(list, func(a, b aged) int {
		return cmp.Or(a.last.Truncate(time.Hour).Compare(b.last.Truncate(time.Hour)), a.window.Since.Compare(b.window.Since))
	})
}

func values(list []aged) []partitioning.Value {
	out := make([]partitioning.Value, len(list))
	for i, a := range list {
		out[i] = a.value
	}
	return out
}
