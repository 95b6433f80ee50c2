package main

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/verify"
)

// verifyResult is the output of verify --json: see internal/docs/verify.md.
type verifyResult struct {
	*verify.Report
	Books []booksReport `json:"books,omitempty"`
}

func (e *env) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "compare the lake with the source, and with itself",
		ArgsUsage: "[STREAM...]",
		Description: "Without a mode it asks the source for numbers of records, over ranges of time, halves the ranges that differ, and\n" +
			"reads only what is left: k wrong days out of n take about k log n requests. Numbers by state show records that\n" +
			"changed, where the source tells them. Where it tells no numbers (payables), the windows are read and their records\n" +
			"compared, and what that cost is said. It looks also whether every data file is there and of its size.\n\n" +
			"--deep reads everything again and compares record by record: missing, extra, doubled, different with the columns that\n" +
			"differ, and stale: changed by the source after it was read. It costs as many requests as the first sync did.\n" +
			"--local asks nothing of the source and needs no key: keys unique, rows in their partition and in order, files\n" +
			"readable, statistics and sums of the log true. --deep and --local may be given together.\n" +
			"--books checks inside the lake whether charges, payables and the balance agree to the cent.\n\n" +
			"Compared with the source are whole partitions from --since, the configured start or the horizon of the source,\n" +
			"whichever is latest, up to --until or the watermark. What could not be compared is told. Snapshots of the past\n" +
			"(recipient_balance) cannot be asked for again and are verified locally in every mode, always as a whole.\n\n" +
			"--repair reads the partitions with differences again, replaces them, and verifies them once more. It holds the lease\n" +
			"of the connection like a sync and stands in the history as verify. What the source no longer answers stays.\n\n" +
			"A verification may run beside a sync. The exit code is 4 if anything differs (with --repair: is left), 3 if a stream\n" +
			"could not be verified (1 if none could), 0 if all is well. Findings name windows (UTC), partitions, files, keys and columns, never values.",
		Flags: []cli.Flag{
			configFlag(),
			&cli.StringSliceFlag{Name: "connection", Usage: "only the connection of this `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "streams", Usage: "only these streams, `A,B`; may be repeated; the same as arguments"},
			&cli.StringFlag{Name: "since", Usage: "`TIME` of creation to begin with: 2024-01-31, or 2024-01-31T00:00:00-03:00; with whole partitions"},
			&cli.StringFlag{Name: "until", Usage: "`TIME` to end before"},
			&cli.BoolFlag{Name: "deep", Usage: "compare record by record with the source"},
			&cli.BoolFlag{Name: "local", Usage: "compare the lake with itself; asks nothing of the source"},
			&cli.BoolFlag{Name: "books", Usage: "check whether charges, payables and balance agree; by itself it is the only check"},
			&cli.BoolFlag{Name: "repair", Usage: "read partitions with differences again and replace them"},
			acceptShrinkFlag(), ifRunningFlag(),
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show warnings and errors only"},
		},
		Action: e.runVerify,
	}
}

// verification is one run of the command.
type verification struct {
	e       *env
	c       *cli.Context
	cfg     *config.Config
	names   []string
	options verify.Options

	streams []pipeline.Stream // none where nothing is asked of the source
	run     pipeline.Options
}

func (e *env) runVerify(c *cli.Context) error {
	v := &verification{e: e, c: c, names: slices.Concat(c.Args().Slice(), list(c.StringSlice("streams")))}
	if err := v.flags(); err != nil {
		return err
	}
	result := verifyResult{Report: &verify.Report{Version: verify.Version, Tool: engine(), Status: verify.Equal, Started: time.Now().UTC(), Streams: []*verify.Stream{}}}
	var interrupted error
	if v.options.Source || v.options.Deep || v.options.Local {
		var err error
		if result.Report, interrupted, err = v.tables(); err != nil {
			return err
		}
	}
	if c.Bool("books") && interrupted == nil {
		var err error
		alone := len(result.Streams) == 0
		if result.Books, err = e.checkBooks(c.Context, v.cfg, list(c.StringSlice("connection")), v.options.Since, v.options.Until, alone); err != nil && alone {
			return err
		}
		if err != nil {
			e.say("error: the books were not checked: " + err.Error())
		}
		if booksBroken(result.Books) {
			result.Status = verify.Different
		} else if booksUnchecked(result.Books) && result.Status == verify.Equal {
			result.Status = verify.Unverified
		}
		result.Ended = time.Now().UTC()
	}
	if err := e.printVerified(result, len(result.Streams) > 0 || !c.Bool("books")); err != nil {
		return err
	}
	if interrupted != nil {
		return interrupted
	}
	return said(verifyCode(result.Status))
}

// flags reads the flags and the configuration.
func (v *verification) flags() error {
	c, err := v.c, error(nil)
	if v.cfg, err = loadConfig(c); err != nil {
		return err
	}
	if _, err = choose(v.cfg, list(c.StringSlice("connection")), v.names); err != nil {
		return err
	}
	if _, err = ifRunning(c); err != nil {
		return err
	}
	o := verify.Options{Deep: c.Bool("deep"), Local: c.Bool("local"), Tool: engine()}
	o.Source = !o.Deep && !o.Local && !c.Bool("books")
	for flag, at := range map[string]*time.Time{"since": &o.Since, "until": &o.Until} {
		if c.String(flag) == "" {
			continue
		}
		if *at, err = instantOf(c, flag, v.cfg.Destination.Location); err != nil {
			return err
		}
	}
	switch {
	case !o.Until.IsZero() && !o.Since.Before(o.Until):
		return usagef("--since %s is not before --until %s", c.String("since"), c.String("until"))
	case c.Bool("repair") && !o.Source && !o.Deep && !o.Local:
		return usagef("--books repairs nothing: its findings are the source's own numbers; use --repair without it, or with --deep")
	case c.Bool("books") && !o.Deep && !o.Local && len(v.names) > 0:
		return usagef("--books checks all tables of a connection together: name no stream, or add --deep or --local for that one")
	case c.Bool("accept-shrink") && !c.Bool("repair"):
		return usagef("--accept-shrink is for --repair: a verification removes nothing")
	}
	v.options = o
	return nil
}

// tables verifies the tables, and repairs them if the flags ask for it.
func (v *verification) tables() (_ *verify.Report, interrupted, err error) {
	bars := newProgress(v.e, v.c.Bool("quiet"))
	targets, err := v.targets(bars.log)
	if err != nil {
		return nil, nil, err
	}
	rep, err := v.verify(targets, bars)
	if rep != nil && v.c.Context.Err() != nil {
		return rep, &exitError{code: exitInterrupted, err: errors.New("interrupted: the report tells what was verified before")}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if rep.Status == verify.Failed {
		for _, s := range rep.Streams {
			if unusable(s.Err()) {
				return nil, nil, fmt.Errorf("use the destination: %w", s.Err())
			}
		}
	}
	if v.c.Bool("repair") {
		interrupted, err = v.repair(rep, targets)
	}
	return rep, interrupted, err
}

// verify runs one verification with progress on stderr.
func (v *verification) verify(targets []verify.Target, bars *progress) (*verify.Report, error) {
	if err := v.c.Context.Err(); err != nil {
		return nil, err
	}
	o := v.options
	o.Log = bars.log
	o.Progress = func(p verify.Progress) {
		bars.update(pipeline.Progress{Connection: p.Connection, Stream: p.Stream, Done: p.Done, Windows: p.Windows, Requests: p.Requests,
			Records: p.Records, Ended: p.Ended, Status: p.Status})
	}
	defer bars.close()
	return verify.Run(v.c.Context, targets, o)
}

// targets wires the tables that are verified. Where nothing is asked of the
// source, no key is needed.
func (v *verification) targets(log *slog.Logger) ([]verify.Target, error) {
	if !v.options.Source && !v.options.Deep && !v.c.Bool("repair") {
		return v.localTargets()
	}
	var err error
	if v.streams, v.run, err = v.e.prepareNamed(v.c, log, v.names); err != nil {
		return nil, err
	}
	v.options.Store = v.run.Store
	var out []verify.Target
	for _, s := range v.streams {
		out = append(out, verify.Target{
			Connection: s.Connection, Source: s.Source, Endpoint: s.Endpoint, Table: s.Table, Spec: s.Spec, Path: s.Path, Lake: s.Lake,
			Client: s.Client, Mark: markName(s.Connection, s.Name()), Start: s.Start, Named: s.Named,
		})
	}
	return out, nil
}

func (v *verification) localTargets() ([]verify.Target, error) {
	chosen, err := choose(v.cfg, list(v.c.StringSlice("connection")), v.names)
	if err != nil {
		return nil, err
	}
	if v.options.Store, err = openStore(v.c.Context, v.cfg); err != nil {
		return nil, err
	}
	var out []verify.Target
	for _, one := range chosen {
		table, err := one.table()
		if err != nil {
			return nil, err
		}
		lake, err := openTable(v.cfg, v.options.Store, one)
		if err != nil {
			return nil, err
		}
		out = append(out, verify.Target{
			Connection: one.conn.Name, Source: one.conn.Source, Endpoint: one.ep, Table: table, Spec: spec(v.cfg, one.ep), Path: one.key,
			Lake: lake, Mark: markName(one.conn.Name, one.stream.Name), Start: one.conn.Start, Named: one.stream.Named,
		})
	}
	return out, nil
}

// verifyCode is the exit code of a verification.
func verifyCode(status string) int {
	switch status {
	case verify.Equal, verify.Repaired:
		return exitDone
	case verify.Different:
		return exitDifference
	case verify.Unverified:
		return exitIncomplete
	}
	return exitFailed
}
