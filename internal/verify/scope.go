package verify

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
)

// errNoWatermark says that a table cannot be compared with its source yet.
var errNoWatermark = errors.New("no sync of it has ended yet, so that nobody knows up to when it should be whole: run `paylake sync` first")

// errNothing says that a verification has proven nothing.
var errNothing = errors.New("nothing was compared")

// scope gives the range of creation time that is compared with the source, in
// whole partitions but for the newest, and tells what of the table is not.
func (v *verifier) scope(t Target, l *lake, rep *Stream) (window.Window, error) {
	mark, ok := l.snap.Mark(t.Mark)
	if !ok {
		return window.Window{}, errNoWatermark
	}
	start, end := t.Spec.Floor(t.Start), time.UnixMicro(mark).UTC()
	w := window.Window{Since: start, Until: end}
	if months := t.Endpoint.HorizonMonths; months > 0 {
		// A day is kept away from the edge: nobody says whether months are counted
		// by the hour or in whose days.
		w.Since = latest(w.Since, t.Spec.Next(v.o.Now().UTC().AddDate(0, -months, 1)))
	}
	tell(t, l, rep, w, start)
	if !v.o.Since.IsZero() {
		w.Since = latest(w.Since, t.Spec.Floor(v.o.Since))
	}
	if !v.o.Until.IsZero() {
		until := t.Spec.Floor(v.o.Until)
		if until.Before(v.o.Until) {
			until = t.Spec.Next(v.o.Until)
		}
		w.Until = earliest(w.Until, until)
	}
	w = window.Window{Since: w.Since.UTC(), Until: w.Until.UTC()}
	if o := v.o; !o.Since.IsZero() && o.Since.Before(w.Since) || !o.Until.IsZero() && o.Until.After(w.Until) {
		rep.note(fmt.Sprintf("compared from %s to %s only: less than was asked for", w.Since.Format(time.RFC3339), w.Until.Format(time.RFC3339)))
	}
	return w, nil
}

// tell says which partitions of the table the source cannot be asked about.
func tell(t Target, l *lake, rep *Stream, w window.Window, start time.Time) {
	var early, gone, late []partitioning.Value
	for _, v := range l.values() {
		at, err := t.Spec.Start(v)
		switch {
		case err != nil:
			continue // the null partition: no row belongs there, see nowhere
		case at.Before(start):
			early = append(early, v)
		case at.Before(w.Since):
			gone = append(gone, v)
		case !at.Before(w.Until):
			late = append(late, v)
		}
	}
	skip := func(values []partitioning.Value, reason string) {
		if len(values) > 0 {
			rep.Left = append(rep.Left, Skip{len(values), string(values[0]), string(values[len(values)-1]), reason})
		}
	}
	skip(early, "created before start: only what changed since is in the lake")
	skip(gone, fmt.Sprintf("behind the %d months that the source answers", t.Endpoint.HorizonMonths))
	skip(late, "newer than the watermark: not read by a sync yet")
}

// limited gives the parts of a range that lie in the target's partitions.
func limited(t Target, rng window.Window) []window.Window {
	if rng.Empty() {
		return nil
	}
	if t.Only == nil {
		return []window.Window{rng}
	}
	var out []window.Window
	values := slices.Clone(t.Only)
	slices.Sort(values)
	for _, v := range slices.Compact(values) {
		at, err := t.Spec.Start(v)
		if err != nil {
			continue
		}
		w := window.Window{Since: latest(at, rng.Since), Until: earliest(t.Spec.Next(at), rng.Until)}
		if w.Empty() {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Until.Equal(w.Since) {
			out[n-1].Until = w.Until
			continue
		}
		out = append(out, w)
	}
	return out
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
