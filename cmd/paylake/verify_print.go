package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/paylake/paylake/internal/verify"
)

// printedFindings is how many findings of a stream are printed in text form.
const printedFindings = 50

// printVerified prints the result: a table and the findings on stdout, what needs
// words on stderr.
func (e *env) printVerified(result verifyResult, tables bool) error {
	if e.json {
		return e.printJSON(result)
	}
	if tables {
		if err := e.printStreams(result.Report); err != nil {
			return err
		}
	}
	if result.Books != nil {
		return e.printBooks(result.Books)
	}
	return nil
}

func (e *env) printStreams(rep *verify.Report) error {
	several := slices.ContainsFunc(rep.Streams, func(s *verify.Stream) bool { return s.Connection != rep.Streams[0].Connection })
	label := func(s *verify.Stream) string {
		if several {
			return s.Connection + "/" + s.Stream
		}
		return s.Stream
	}
	rows := [][]string{{"STREAM", "STATUS", "BY", "PARTITIONS", "WINDOWS", "REQUESTS", "LAKE", "SOURCE", "DIFFERENCES", "SECONDS"}}
	for _, s := range rep.Streams {
		rows = append(rows, verifiedRow(label(s), s))
	}
	if err := e.printTable(rows); err != nil {
		return err
	}
	for _, s := range rep.Streams {
		if err := e.printFindings(label(s), s.Findings, s.FindingsLeft); err != nil {
			return err
		}
		e.verifyRemarks(label(s), s)
		if r := s.Repair; r != nil {
			if err := e.printFindings(label(s)+": left after the repair", r.Findings, r.FindingsLeft); err != nil {
				return err
			}
		}
	}
	return nil
}

func verifiedRow(label string, s *verify.Stream) []string {
	source := ""
	if s.SourceRows != nil {
		source = strconv.FormatInt(*s.SourceRows, 10)
	}
	return []string{label, s.Status, strings.Join(s.Methods, ","), strconv.Itoa(s.Partitions), strconv.Itoa(s.Windows), strconv.FormatInt(s.Requests, 10),
		strconv.FormatInt(s.LakeRows, 10), source, differencesText(s.Differences), strconv.FormatFloat(s.Seconds, 'f', 1, 64)}
}

// differencesText writes numbers by kind: "missing 2, lost 1".
func differencesText(d map[string]int64) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(d)) {
		parts = append(parts, fmt.Sprintf("%s %d", kind, d[kind]))
	}
	return strings.Join(parts, ", ")
}

// printFindings writes findings, a line each.
func (e *env) printFindings(label string, findings []verify.Finding, left int64) error {
	shown := findings[:min(len(findings), printedFindings)]
	for _, f := range shown {
		if _, err := fmt.Fprintln(e.stdout, label+": "+findingText(f)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	if more := int64(len(findings)-len(shown)) + left; more > 0 {
		if _, err := fmt.Fprintf(e.stdout, "%s: and %d more findings; --json lists the first %d\n", label, more, len(findings)); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

// findingText is a finding in a line.
func findingText(f verify.Finding) string {
	parts := []string{fmt.Sprintf("%s %d", f.Kind, f.Count)}
	if len(f.Partitions) > 0 && f.Partitions[0] != "" {
		shown := f.Partitions[:min(len(f.Partitions), 5)]
		text := "partition " + strings.Join(shown, ", ")
		if more := len(f.Partitions) - len(shown); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, text)
	}
	if f.Since != nil && f.Until != nil {
		parts = append(parts, fmt.Sprintf("window [%s, %s)", moment(f.Since), moment(f.Until)))
	}
	if f.File != "" {
		parts = append(parts, "file "+f.File)
	}
	if len(f.Keys) > 0 {
		text := "keys " + strings.Join(f.Keys, ", ")
		if f.KeysLeft > 0 {
			text += fmt.Sprintf(" and %d more", f.KeysLeft)
		}
		parts = append(parts, text)
	}
	if len(f.Fields) > 0 {
		parts = append(parts, "fields "+strings.Join(f.Fields, ", "))
	}
	if f.Detail != "" {
		parts = append(parts, f.Detail)
	}
	return strings.Join(parts, "; ")
}

// verifyRemarks tells what an operator should know about a stream.
func (e *env) verifyRemarks(label string, s *verify.Stream) {
	say := func(format string, args ...any) {
		fmt.Fprintf(e.stderr, "paylake: %s: %s\n", label, fmt.Sprintf(format, args...))
	}
	if s.Error != "" {
		say("error: not verified: %s", s.Error)
	}
	for _, l := range s.Left {
		say("not compared with the source: %d partitions (%s to %s): %s", l.Partitions, l.First, l.Last, l.Reason)
	}
	for _, text := range s.Notes {
		say("%s", text)
	}
	for _, text := range s.Warnings {
		say("warning: %s", text)
	}
	r := s.Repair
	if r == nil {
		return
	}
	if r.Error != "" {
		say("error: not repaired: %s", r.Error)
	}
	for _, text := range r.Warnings {
		say("warning: %s", text)
	}
	if s.Status == verify.Repaired {
		say("repaired: %d partitions were read again and replaced, and are equal now", len(r.Partitions))
	}
}
