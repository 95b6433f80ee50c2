package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/ledger"
)

// statusResult is the output of status --json.
type statusResult struct {
	At            time.Time     `json:"at"`                        // UTC
	MaxLagSeconds int64         `json:"max_lag_seconds,omitempty"` // absent without --max-lag
	Tables        []tableStatus `json:"tables"`
}

// tableStatus is how one table stands. Times are UTC.
type tableStatus struct {
	Connection    string     `json:"connection"`
	Stream        string     `json:"stream"`
	Table         string     `json:"table"` // path below the destination
	Exists        bool       `json:"exists"`
	Watermark     *time.Time `json:"watermark,omitempty"`   // as the table's log says
	ReadUntil     *time.Time `json:"read_until,omitempty"`  // what was created before has been read
	LagSeconds    *int64     `json:"lag_seconds,omitempty"` // from read_until to now
	Rows          int64      `json:"rows"`
	Files         int        `json:"files"`
	Bytes         int64      `json:"bytes"`
	Version       int64      `json:"version"`             // newest, -1 if there is no table
	OldestVersion int64      `json:"oldest_version"`      // that the log can still tell of, -1 if there is no table
	Refresh       *owed      `json:"refresh,omitempty"`   // older partitions that are due to be read again; absent without refresh tiers
	LastFull      *time.Time `json:"last_full,omitempty"` // when the last full sync began; at first when the table was made
	LastRun       *lastRun   `json:"last_run,omitempty"`
	LastError     *lastRun   `json:"last_error,omitempty"` // may be the last run, too
	Unavailable   bool       `json:"unavailable,omitempty"`
	Old           bool       `json:"older_than_max_lag,omitempty"`
	Warnings      []string   `json:"warnings,omitempty"`
	Error         string     `json:"error,omitempty"` // why the table could not be read
}

// lastRun is a run of the history.
type lastRun struct {
	RunID  string    `json:"run_id"`
	Ended  time.Time `json:"ended"`
	Status string    `json:"status"` // of the stream in that run
	Error  string    `json:"error,omitempty"`
}

func (e *env) statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "show how fresh the tables are",
		Description: "Prints for each table its watermark, how far it lags behind now, rows, files, bytes, versions, the last run and the\n" +
			"last error. It reads the tables' logs and the history in _paylake/runs, writes nothing, and asks nothing of the API.\n\n" +
			"The watermark moves with commits only: a run that finds nothing changed leaves it. So the lag counts from READ\n" +
			"UNTIL: the watermark, or the end of a later range that a run of the history proved complete, without a gap behind\n" +
			"the watermark and without a failed window. A table without creation times (recipients) counts from the start of\n" +
			"the last run that read it whole. Partitions that another engine put back to an older state (RESTORE) count as unread.\n" +
			"TO REFRESH tells how many partitions behind the lookback are due to be read again by the stream's refresh tiers, for\n" +
			"how long the oldest has been due, and about how many requests that takes.\n" +
			"Without the history (somebody deleted it) only the watermark counts.\n\n" +
			"--max-lag 26h ends with exit code 4 when a table is older. One that does not exist, has no watermark or cannot be\n" +
			"read counts as older; a stream that the account does not have and nobody named is left out. When nothing at all can\n" +
			"be read the exit code is 1.",
		Flags: []cli.Flag{
			configFlag(),
			&cli.StringSliceFlag{Name: "connection", Usage: "only the connection of this `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "streams", Usage: "only these streams, `A,B`; may be repeated"},
			&cli.StringFlag{Name: "max-lag", Usage: "exit with code 4 when a table is older than this `DURATION`, like 26h or 2d"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "as in other commands; the table is printed all the same"},
		},
		Action: e.runStatus,
	}
}

func (e *env) runStatus(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	maxLag, err := maxLag(c)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	chosen, err := choose(cfg, list(c.StringSlice("connection")), list(c.StringSlice("streams")))
	if err != nil {
		return err
	}
	result, err := e.status(c.Context, cfg, chosen, maxLag)
	if err != nil {
		return err
	}
	if e.json {
		err = e.printJSON(result)
	} else {
		err = e.printStatus(result)
	}
	if err != nil {
		return err
	}
	return said(statusCode(result))
}

// maxLag reads the flag; 0 where it is not given.
func maxLag(c *cli.Context) (time.Duration, error) {
	if !c.IsSet("max-lag") {
		return 0, nil
	}
	d, err := config.ParseDuration(c.String("max-lag"))
	if err == nil && d <= 0 {
		err = errors.New("it must be longer than nothing")
	}
	if err != nil {
		return 0, usagef("--max-lag %q: %w", c.String("max-lag"), err)
	}
	return d, nil
}

// Bounds of what status reads.
const (
	leastRuns    = 20 // of the history
	tablesAtOnce = 8
)

// status looks at the tables. A table that cannot be read is part of the
// result; that nothing at all can be read is an error.
func (e *env) status(ctx context.Context, cfg *config.Config, chosen []choice, maxLag time.Duration) (statusResult, error) {
	st, err := openStore(ctx, cfg)
	if err != nil {
		return statusResult{}, err
	}
	runs, history := ledger.Recent(ctx, st, max(leastRuns, 4*len(cfg.Connections)))
	result := statusResult{At: time.Now().UTC(), MaxLagSeconds: int64(maxLag.Seconds()), Tables: make([]tableStatus, len(chosen))}
	look := looking{cfg: cfg, store: st, now: result.At, maxLag: maxLag}
	if history == nil {
		look.reads, history = ledger.Reads(ctx, st, result.At)
	}
	var group errgroup.Group
	group.SetLimit(tablesAtOnce)
	for i, one := range chosen {
		group.Go(func() error {
			result.Tables[i] = look.at(ctx, one, entriesOf(runs, one))
			return nil
		})
	}
	_ = group.Wait() // trouble is part of the result
	switch {
	case ctx.Err() != nil:
		return result, ctx.Err()
	case history != nil && !slices.ContainsFunc(result.Tables, func(t tableStatus) bool { return t.Error == "" }):
		return result, fmt.Errorf("read the destination: %w", history) // one cause, told once
	case history != nil:
		e.say("warning: the history of runs cannot be read, so only watermarks count: " + history.Error())
	}
	return result, nil
}

// statusCode is the exit code: data that is older than asked comes before
// tables that cannot be read.
func statusCode(r statusResult) int {
	old, broken := 0, 0
	for _, t := range r.Tables {
		if t.Old {
			old++
		}
		if t.Error != "" {
			broken++
		}
	}
	switch {
	case old > 0:
		return exitDifference
	case broken > 0 && broken == len(r.Tables):
		return exitFailed
	case broken > 0:
		return exitIncomplete
	}
	return exitDone
}

func (e *env) printStatus(r statusResult) error {
	rows := [][]string{{"CONNECTION", "STREAM", "WATERMARK", "READ UNTIL", "LAG", "ROWS", "FILES", "BYTES", "VERSIONS", "TO REFRESH", "LAST RUN", "ENDED"}}
	for _, t := range r.Tables {
		rows = append(rows, statusRow(t))
	}
	if err := e.printTable(rows); err != nil {
		return err
	}
	for _, t := range r.Tables {
		e.statusRemarks(t, time.Duration(r.MaxLagSeconds)*time.Second)
	}
	return nil
}

func statusRow(t tableStatus) []string {
	row := []string{t.Connection, t.Stream, moment(t.Watermark), moment(t.ReadUntil), "", "", "", "", "", t.Refresh.String(), "", ""}
	if t.LagSeconds != nil {
		row[4] = age(time.Duration(*t.LagSeconds) * time.Second)
	}
	if t.Exists {
		row[5], row[6], row[7] = strconv.FormatInt(t.Rows, 10), strconv.Itoa(t.Files), size(t.Bytes)
		row[8] = fmt.Sprintf("%d-%d", t.OldestVersion, t.Version)
	}
	if t.LastRun != nil {
		row[10], row[11] = t.LastRun.Status, moment(&t.LastRun.Ended)
	}
	return row
}

// statusRemarks tells what an operator should know about a table.
func (e *env) statusRemarks(t tableStatus, maxLag time.Duration) {
	say := func(format string, args ...any) {
		fmt.Fprintf(e.stderr, "paylake: %s/%s: %s\n", t.Connection, t.Stream, fmt.Sprintf(format, args...))
	}
	if t.Error != "" {
		say("error: %s", t.Error)
	}
	for _, text := range t.Warnings {
		say("warning: %s", text)
	}
	if last := t.LastError; last != nil {
		say("last error, run %s of %s: %s", last.RunID, moment(&last.Ended), last.Error)
	}
	switch {
	case t.Unavailable:
		say("the account does not have this stream")
	case t.Old && t.LagSeconds == nil:
		say("older than %s: it is not known that anything was read", age(maxLag))
	case t.Old:
		say("older than %s: the lag is %s", age(maxLag), age(time.Duration(*t.LagSeconds)*time.Second))
	}
}
