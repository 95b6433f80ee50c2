package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// selectFlags choose what a run works on.
func selectFlags() []cli.Flag {
	return []cli.Flag{
		configFlag(),
		&cli.StringSliceFlag{Name: "connection", Usage: "only the connection of this `NAME`; may be repeated"},
		&cli.StringSliceFlag{Name: "streams", Usage: "only these streams, `A,B`; may be repeated"},
		&cli.BoolFlag{Name: "full", Usage: "read everything from start and replace the tables"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show warnings and errors only"},
	}
}

func (e *env) syncCommand() *cli.Command {
	return &cli.Command{
		Name:      "sync",
		Usage:     "bring the tables up to date",
		ArgsUsage: "[STREAM]...",
		Description: "Reads what is new and what may have changed, and commits it to the tables. A run that is stopped goes on where\n" +
			"its last commit ended. The first interrupt stops at the next safe point, the second at once. Streams may be named:\n" +
			"paylake sync --full orders charges.",
		Flags: append(selectFlags(),
			acceptShrinkFlag(), ifRunningFlag(),
		),
		Action: e.runSync,
	}
}

func (e *env) runSync(c *cli.Context) error {
	bars := newProgress(e, c.Bool("quiet"))
	streams, opts, err := e.prepareNamed(c, bars.log, list(slices.Concat(c.StringSlice("streams"), c.Args().Slice())))
	if err != nil {
		return err
	}
	if err := writable(c.Context, opts.Store); err != nil {
		return fmt.Errorf("test the destination: %w", err)
	}
	opts.AcceptShrink = c.Bool("accept-shrink")
	return e.runHolding(c, streams, opts, bars)
}

func acceptShrinkFlag() cli.Flag {
	return &cli.BoolFlag{Name: "accept-shrink", Usage: "let a commit remove more than 5 % of the rows it replaces"}
}

// prepare wires the streams that the flags choose.
func (e *env) prepare(c *cli.Context, log *slog.Logger) ([]pipeline.Stream, pipeline.Options, error) {
	return e.prepareNamed(c, log, list(c.StringSlice("streams")))
}

// prepareNamed is prepare of the streams with these names, all if there are none.
func (e *env) prepareNamed(c *cli.Context, log *slog.Logger, names []string) ([]pipeline.Stream, pipeline.Options, error) {
	var opts pipeline.Options
	cfg, err := loadConfig(c)
	if err != nil {
		return nil, opts, err
	}
	chosen, err := choose(cfg, list(c.StringSlice("connection")), names)
	if err != nil {
		return nil, opts, err
	}
	for _, one := range chosen {
		if start := one.conn.Start; start.After(time.Now()) {
			return nil, opts, usagef("%s:%d: connection %q: start %s lies in the future", cfg.File, one.conn.Line, one.conn.Name, start.Format(time.RFC3339))
		}
	}
	if opts.Store, err = openStore(c.Context, cfg); err != nil {
		return nil, opts, err
	}
	if opts.WorkDir, err = workDir(cfg); err != nil {
		return nil, opts, err
	}
	opts.Store = store.Count(opts.Store)
	opts.Tool, opts.Command, opts.Log = engine(), c.Command.Name, log
	opts.Maintenance = maintenance(cfg)
	opts.RefreshFor, opts.RefreshRequests, opts.Reads = cfg.RefreshFor, cfg.RefreshRequests, pastReads(opts.Store)
	w := wiring{cfg: cfg, store: opts.Store, log: log, full: c.Bool("full")}
	streams, err := w.streams(c.Context, e, chosen)
	return streams, opts, err
}

// maintenance is what a run may do for the tables that it committed to.
func maintenance(cfg *config.Config) delta.Maintenance {
	return delta.Maintenance{Optimize: cfg.Maintenance, Vacuum: cfg.Maintenance, CleanLog: cfg.Maintenance, Manifests: cfg.Manifests}
}

// stopWithin is how long after a signal a run may go on to its safe point.
// Then it is cancelled: uploads and requests in flight end, and the report
// still appears before lastMoment.
const stopWithin = 7 * time.Second

// runPipeline runs the streams with progress on stderr. When ctx is cancelled
// the run stops at its next safe point and reports; where that takes too long it
// is cancelled for good.
func runPipeline(ctx context.Context, streams []pipeline.Stream, opts pipeline.Options, bars *progress) (*report.Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	bars.expect(streams)
	opts.Progress, opts.Stop = bars.update, ctx.Done()
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	release := context.AfterFunc(ctx, func() { time.AfterFunc(stopWithin, cancel) })
	defer release()
	run, err := pipeline.Run(hard, streams, opts)
	bars.close()
	if counting, ok := opts.Store.(*store.Counting); ok && run != nil {
		run.StoreRequests = counting.Requests()
	}
	return run, err
}

// finishRun prints the report and gives the exit code as an error. more prints
// what follows the summary in text form; it may be nil.
func (e *env) finishRun(run *report.Run, more func() error) error {
	if e.json {
		return errors.Join(e.printJSON(run), said(runCode(run)))
	}
	if err := e.printSummary(run); err != nil {
		return err
	}
	if more != nil && run.Status == report.Succeeded {
		if err := more(); err != nil {
			return err
		}
	}
	return said(runCode(run))
}

// runCode is the exit code of a run that ended.
func runCode(run *report.Run) int {
	switch run.Status {
	case report.Succeeded:
		return exitDone
	case report.Incomplete:
		return exitIncomplete
	case report.Interrupted:
		return exitInterrupted
	}
	return exitFailed
}
