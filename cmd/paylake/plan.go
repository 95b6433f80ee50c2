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
			"at the permitted rate, and rows. What the API cannot tell is \"unknown\". Streams are read side by side.",
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
	return e.printTable(rows)
}

func planRow(p pipeline.Estimate) []string {
	const unknown = "unknown"
	row := []string{p.Connection, p.Stream, p.Sync, moment(p.Since), moment(p.Until), unknown, unknown, unknown, unknown}
	if p.Rows >= 0 && p.Error == "" {
		row[5], row[6], row[8] = strconv.Itoa(p.Windows), strconv.FormatInt(p.Requests, 10), strconv.FormatInt(p.Rows, 10)
		row[7] = strconv.FormatFloat(math.Ceil(p.Minutes*10)/10, 'f', 1, 64)
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
