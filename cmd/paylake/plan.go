package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/pipeline"
)

func (e *env) planCommand() *cli.Command {
	return &cli.Command{
		Name:  "plan",
		Usage: "show what a sync would read, before anything is written",
		Description: "Asks the API with the cheapest requests and prints, for each stream, the range of time, windows, requests, minutes\n" +
			"at the permitted rate, and rows. What the API cannot tell is \"unknown\". Streams are read side by side.\n\n" +
			"A second table tells, from the lake alone, what a run does about older records: partitions that are due to be read\n" +
			"again and the requests that takes within refresh_budget. A DAY is what the stream's refresh tiers need in the long\n" +
			"run; a warning says when refresh_budget is less than that.",
		Flags:  selectFlags(),
		Action: e.runPlan,
	}
}

func (e *env) runPlan(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	streams, opts, err := e.prepare(c, e.newLog(e.stderr, true))
	if err != nil {
		return err
	}
	return e.showPlans(c, streams, opts)
}

// showPlans prints what a run of the streams would read.
func (e *env) showPlans(c *cli.Context, streams []pipeline.Stream, opts pipeline.Options) error {
	plans, err := pipeline.Plan(c.Context, streams, opts)
	if err != nil {
		return err
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if e.json {
		err = e.printJSON(plans)
	} else {
		err = e.printPlans(plans)
	}
	if err != nil {
		return err
	}
	return said(planCode(plans))
}

func (e *env) printPlans(plans []pipeline.Estimate) error {
	rows := [][]string{{"CONNECTION", "STREAM", "SYNC", "SINCE", "UNTIL", "WINDOWS", "REQUESTS", "MINUTES", "ROWS"}}
	for _, p := range plans {
		rows = append(rows, planRow(p))
		if p.Error != "" {
			fmt.Fprintf(e.stderr, "paylake: %s/%s: %s\n", p.Connection, p.Stream, p.Error)
		}
	}
	if err := e.printTable(rows); err != nil {
		return err
	}
	return e.printOlder(plans)
}

// printOlder prints what a run does about older records.
func (e *env) printOlder(plans []pipeline.Estimate) error {
	rows := [][]string{{"CONNECTION", "STREAM", "OLDER RECORDS", "PARTITIONS", "REQUESTS", "MINUTES", "A DAY", "NOTE"}}
	for _, p := range plans {
		for _, pass := range p.Passes {
			rows = append(rows, passRow(p, pass))
		}
		for _, text := range p.Warnings {
			fmt.Fprintf(e.stderr, "paylake: warning: %s/%s: %s\n", p.Connection, p.Stream, text)
		}
	}
	if len(rows) == 1 {
		return nil
	}
	fmt.Fprintln(e.stdout)
	return e.printTable(rows)
}

func passRow(p pipeline.Estimate, pass pipeline.Pass) []string {
	row := []string{p.Connection, p.Stream, pass.Pass, "", "unknown", "unknown", "", pass.Note}
	if pass.Requests >= 0 {
		row[4], row[5] = strconv.FormatInt(pass.Requests, 10), minutes(pass.Minutes)
	}
	if pass.Pass == pipeline.PassRefresh && p.Refresh != nil {
		row[3], row[6] = strconv.Itoa(pass.Partitions), "unknown"
		if p.Refresh.PerDay >= 0 {
			row[6] = strconv.FormatFloat(math.Ceil(p.Refresh.PerDay), 'f', 0, 64)
		}
	}
	return row
}

func minutes(m float64) string { return strconv.FormatFloat(math.Ceil(m*10)/10, 'f', 1, 64) }

func planRow(p pipeline.Estimate) []string {
	const unknown = "unknown"
	row := []string{p.Connection, p.Stream, p.Sync, moment(p.Since), moment(p.Until), unknown, unknown, unknown, unknown}
	if p.Rows >= 0 && p.Error == "" {
		row[5], row[6], row[8] = strconv.Itoa(p.Windows), strconv.FormatInt(p.Requests, 10), strconv.FormatInt(p.Rows, 10)
		row[7] = minutes(p.Minutes)
	}
	return row
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339)
}

// planCode is the exit code: failed when nothing could be estimated,
// incomplete when something could not.
func planCode(plans []pipeline.Estimate) int {
	failed := 0
	for _, p := range plans {
		if p.Error != "" {
			failed++
		}
	}
	switch failed {
	case 0:
		return exitDone
	case len(plans):
		return exitFailed
	}
	return exitIncomplete
}
