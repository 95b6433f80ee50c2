package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/internal/ledger"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// clockSkew is how far in the future a watermark may lie.
const clockSkew = 5 * time.Minute

// markName is the application id under which the watermark of a stream stands
// in the log of its table.
func markName(connection, stream string) string { return "paylake/" + connection + "/" + stream }

// entry is what one run of the history did to one table.
type entry struct {
	run ledger.Run
	ledger.Stream
}

// entriesOf picks what the runs did to the table of a choice, in their order.
func entriesOf(runs []ledger.Run, c choice) []entry {
	var found []entry
	for _, r := range runs {
		for _, s := range r.Streams {
			if s.Connection == c.conn.Name && s.Stream == c.stream.Name && s.Table == c.key {
				found = append(found, entry{r, s})
			}
		}
	}
	return found
}

// readUntil tells until when everything that was created has been read into a
// table of that version: its watermark, moved on by runs that proved a range
// complete without a gap and found nothing to commit. A run that did not prove
// all it read moves nothing, and neither does one that left a later watermark or
// version than the table has now: the table was made again, or another engine
// overwrote a commit, so that rows which the run saw are gone. A list that is read as a whole is as fresh as the start of the run.
func readUntil(mark time.Time, version int64, list bool, entries []entry) time.Time {
	if mark.IsZero() {
		return mark
	}
	here := mark
	sorted := slices.SortedFunc(slices.Values(entries), func(a, b entry) int { return a.run.Started.Compare(b.run.Started) })
	for _, one := range sorted {
		proven := one.FailedWindows == 0 && (one.Status == report.Succeeded || one.Status == report.Incomplete)
		if !proven || one.TableVersion < 0 || one.TableVersion > version || one.Watermark.IsZero() || one.Watermark.After(here) {
			continue
		}
		until, gap := one.Until, one.Since.After(mark)
		if list {
			until, gap = one.run.Started, false
		}
		if !gap && until.After(mark) {
			mark = until
		}
	}
	return mark
}

// unreadFrom gives the start of the oldest partition that another engine put
// back to an older state. ok is false where there is none.
func unreadFrom(s *delta.Snapshot, spec partitioning.Spec) (from time.Time, ok bool) {
	for _, v := range s.Unread() {
		start, err := spec.Start(v)
		if err != nil { // not partitioned: nothing is known to be read
			return time.Time{}, true
		}
		if !ok || start.Before(from) {
			from, ok = start, true
		}
	}
	return from, ok
}

// age writes a lag for people.
func age(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%ds", int(d.Seconds()))
	}
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, hours)
	case hours > 0:
		return fmt.Sprintf("%dh%02dm", hours, minutes)
	}
	return fmt.Sprintf("%dm", minutes)
}
