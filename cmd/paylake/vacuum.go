package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/local"
)

// vacuumedTable is an element of the output of vacuum --json.
type vacuumedTable struct {
	Table     string  `json:"table"`     // its path below the destination
	Files     int     `json:"files"`     // data files that went, or would go
	Bytes     int64   `json:"bytes"`     //
	LogFiles  int     `json:"log_files"` // of the log
	Retention float64 `json:"retention_seconds"`
	DryRun    bool    `json:"dry_run"`
}

func (e *env) vacuumCommand() *cli.Command {
	return &cli.Command{
		Name:  "vacuum",
		Usage: "remove files that the tables no longer need",
		Description: "Lists the data files that no version within the retention needs: replaced ones, and what a run left behind that\n" +
			"died before its commit. With --dry-run=false it removes them, and old files of the log past log_retention.\n" +
			"Files younger than the retention are never touched, so syncs may run meanwhile; nor are names that start with\n" +
			"\"_\" or \".\". Older versions of a table cannot be read after their files are gone.",
		Flags: append(upkeepFlags(),
			&cli.BoolFlag{Name: "dry-run", Value: true, Usage: "remove nothing, only list; --dry-run=false removes"},
			&cli.StringFlag{Name: "retention", Usage: "keep what was needed in the last `TIME`, like 7d or 168h (default: the table's deleted_file_retention, at least 7d)"},
			&cli.BoolFlag{Name: "force", Usage: "allow a retention under 7 days or under the table's own; no sync may run then"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "do not list the files"},
		),
		Action: e.runVacuum,
	}
}

func (e *env) runVacuum(c *cli.Context) error {
	o := delta.VacuumOptions{Force: c.Bool("force"), DryRun: c.Bool("dry-run")}
	var err error
	if o.Retention, err = parseRetention(c.String("retention")); err != nil {
		return err
	}
	u, err := newUpkeep(c)
	if err != nil {
		return err
	}
	result := []vacuumedTable{}
	rows := [][]string{{"TABLE", "FILES", "BYTES", "LOG FILES", "RETENTION", "REMOVED"}}
	err = u.each(c.Context, e, func(ctx context.Context, _ choice, t *delta.Table) error {
		done, err := e.vacuum(ctx, t, o, c.Bool("quiet"))
		if err != nil {
			return err
		}
		if l, ok := u.store.(*local.Store); ok && !o.DryRun { // half-written files of runs that died
			age := time.Duration(done.Retention) * time.Second
			if _, err := l.RemoveTemp(ctx, t.Root(), time.Now().Add(-age)); err != nil {
				return err
			}
		}
		result = append(result, done)
		removed := "yes"
		if o.DryRun {
			removed = "no, --dry-run=false does"
		}
		rows = append(rows, []string{done.Table, strconv.Itoa(done.Files), size(done.Bytes), strconv.Itoa(done.LogFiles),
			days(time.Duration(done.Retention) * time.Second), removed})
		return nil
	})
	return e.finishUpkeep(err, result, rows)
}

// vacuum cleans one table and its log. Each file is told on stderr.
func (e *env) vacuum(ctx context.Context, t *delta.Table, o delta.VacuumOptions, quiet bool) (vacuumedTable, error) {
	if !quiet && !e.json {
		o.Each = func(path string, _ int64) { fmt.Fprintf(e.stderr, "%s/%s\n", t.Root(), path) }
	}
	done, err := t.Vacuum(ctx, o)
	var short *delta.RetentionError
	if errors.As(err, &short) {
		return vacuumedTable{}, &exitError{code: exitUsage, err: err}
	}
	if err != nil {
		return vacuumedTable{}, err
	}
	logFiles, err := t.CleanLog(ctx, o.DryRun)
	return vacuumedTable{Table: t.Root(), Files: done.Files, Bytes: done.Bytes, LogFiles: logFiles,
		Retention: done.Retention.Seconds(), DryRun: o.DryRun}, err
}

// parseRetention reads "7d" or what Go calls a duration; "" is 0.
func parseRetention(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.ParseUint(number, 10, 16); err == nil && days > 0 {
			return time.Duration(days) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	switch {
	case text == "0d" || err == nil && d <= 0:
		return 0, usagef("--retention %q must be more than 0", text)
	case err != nil:
		return 0, usagef("--retention %q is no time like 7d or 168h", text)
	}
	return d, nil
}
