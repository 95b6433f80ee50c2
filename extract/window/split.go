package window

import "time"

// Grid knows the boundaries of partitions. Floor gives the start of the
// partition that holds t, Next the start of the one after it. Partitions need
// not be equally long: days of 23 and 25 hours and months exist.
type Grid interface {
	Floor(t time.Time) time.Time
	Next(t time.Time) time.Time
}

// Split cuts the window into about n pieces of about equal length, oldest
// first; never into more than n. A window that spans several partitions of the grid is cut at
// their boundaries. A window inside one partition, or with a nil grid, is cut
// at multiples of resolution (since the zero time, in UTC), and no piece is
// shorter than resolution. Split returns nil when the window cannot be cut:
// n is less than 2, it is unbounded, or it is too short.
func (w Window) Split(n int, grid Grid, resolution time.Duration) []Window {
	if n < 2 || w.IsZero() || w.Empty() {
		return nil
	}
	cut := func(ideal time.Time) (time.Time, bool) { return w.cutByTime(ideal, resolution) }
	if grid != nil && grid.Next(w.Since).Before(w.Until) {
		cut = func(ideal time.Time) (time.Time, bool) { return w.cutAtBoundary(ideal, grid) }
	}
	var pieces []Window
	from := w.Since.UTC()
	for i := 1; i < n; i++ {
		at, ok := cut(w.fraction(i, n))
		if ok && at.After(from) {
			pieces = append(pieces, Window{Since: from, Until: at})
			from = at
		}
	}
	if len(pieces) == 0 {
		return nil
	}
	return append(pieces, Window{Since: from, Until: w.Until.UTC()})
}

// fraction gives the instant at i n-ths of the window.
func (w Window) fraction(i, n int) time.Time {
	whole := w.Length()
	step := whole / time.Duration(n)
	rest := whole % time.Duration(n)
	return w.Since.Add(step*time.Duration(i) + rest*time.Duration(i)/time.Duration(n))
}

// cutAtBoundary gives the partition boundary inside the window that is nearest
// to the ideal instant.
func (w Window) cutAtBoundary(ideal time.Time, grid Grid) (time.Time, bool) {
	before, after := grid.Floor(ideal).UTC(), grid.Next(ideal).UTC()
	inBefore, inAfter := before.After(w.Since), after.Before(w.Until)
	if inBefore && (!inAfter || ideal.Sub(before) <= after.Sub(ideal)) {
		return before, true
	}
	return after, inAfter
}

// cutByTime gives the multiple of resolution at or before the ideal instant,
// or after it where the one before is too near to the window's start.
func (w Window) cutByTime(ideal time.Time, resolution time.Duration) (time.Time, bool) {
	if resolution <= 0 {
		resolution = time.Nanosecond
	}
	at := ideal.UTC().Truncate(resolution)
	if at.Sub(w.Since) < resolution {
		at = at.Add(resolution)
	}
	ok := at.Sub(w.Since) >= resolution && w.Until.Sub(at) >= resolution
	return at, ok
}
