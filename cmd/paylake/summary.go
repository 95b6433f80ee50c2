package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/paylake/paylake/internal/report"
)

// printSummary writes the table of a run to stdout, and to stderr what needs
// words.
func (e *env) printSummary(run *report.Run) error {
	rows := [][]string{{"STREAM", "STATUS", "WINDOWS", "REQUESTS", "RECORDS", "REJECTS", "FILES", "BYTES", "COMMITS", "SECONDS", "RECORDS/S"}}
	total := report.Stream{Stream: "total", Status: run.Status, Seconds: run.Ended.Sub(run.Started).Seconds()}
	for _, s := range run.Streams {
		rows = append(rows, summaryRow(e.label(run, s), s))
		total.Windows += s.Windows
		total.Requests += s.Requests
		total.Records += s.Records
		total.Rejects += s.Rejects
		total.FilesAdded += s.FilesAdded
		total.BytesAdded += s.BytesAdded
		total.Commits += s.Commits
		total.Seconds = max(total.Seconds, s.Seconds)
	}
	if len(run.Streams) > 1 {
		rows = append(rows, summaryRow(total.Stream, &total))
	}
	if err := e.printTable(rows); err != nil {
		return err
	}
	for _, s := range run.Streams {
		e.remarks(e.label(run, s), s)
	}
	return nil
}

// label names a stream, with its connection where there are several.
func (e *env) label(run *report.Run, s *report.Stream) string {
	several := slices.ContainsFunc(run.Streams, func(o *report.Stream) bool { return o.Connection != s.Connection })
	if several {
		return s.Connection + "/" + s.Stream
	}
	return s.Stream
}

func summaryRow(label string, s *report.Stream) []string {
	rate := ""
	if s.Seconds > 0 {
		rate = strconv.FormatFloat(float64(s.Records)/s.Seconds, 'f', 0, 64)
	}
	return []string{
		label, s.Status, strconv.Itoa(s.Windows), strconv.FormatInt(s.Requests, 10), strconv.FormatInt(s.Records, 10),
		strconv.FormatInt(s.Rejects, 10), strconv.Itoa(s.FilesAdded), size(s.BytesAdded), strconv.Itoa(s.Commits),
		strconv.FormatFloat(s.Seconds, 'f', 1, 64), rate,
	}
}

// remarks tells what an operator should know about a stream.
func (e *env) remarks(label string, s *report.Stream) {
	say := func(format string, args ...any) {
		fmt.Fprintf(e.stderr, "paylake: %s: %s\n", label, fmt.Sprintf(format, args...))
	}
	if s.Error != "" {
		say("error: %s", s.Error)
	}
	for _, w := range s.Failures {
		say("window [%s, %s) failed: %s", w.Since.Format(time.RFC3339), w.Until.Format(time.RFC3339), w.Error)
	}
	for _, text := range s.Warnings {
		say("warning: %s", text)
	}
	if s.Removed > 0 {
		say("%d records that the source no longer lists are gone from the table, or marked as deleted (deletes: keep)", s.Removed)
	}
	if f := s.Refresh; f != nil && f.Read+f.Left > 0 {
		say("%d older partitions were read again, %d of them had changed; %d that are due are left to later runs", f.Read, f.Changed, f.Left)
	}
	if s.Rejects > 0 {
		say("warning: %d records do not fit the table and are kept in %v", s.Rejects, s.Quarantine)
	}
	if len(s.UnknownFields) > 0 {
		say("warning: the source sends fields that the table does not know; they are kept in _extra: %v",
			slices.Sorted(maps.Keys(s.UnknownFields)))
	}
}

// size writes bytes for people.
func size(n int64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 1<<10 {
			return strconv.FormatInt(n, 10) + " " + unit
		}
		n = (n + 1<<9) >> 10
	}
	return strconv.FormatInt(n, 10) + " GiB"
}
