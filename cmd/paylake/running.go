package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/lease"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
)

// releaseWithin is how long giving up a lease may take.
const releaseWithin = time.Second

func ifRunningFlag() cli.Flag {
	return &cli.StringFlag{Name: "if-running", Value: string(lease.Go),
		Usage: "what to do while another run of the connection is going on: skip, wait or go; two runs do no harm, but they share the API's limit"}
}

func ifRunning(c *cli.Context) (lease.Mode, error) {
	mode := lease.Mode(c.String("if-running"))
	if !slices.Contains([]lease.Mode{lease.Skip, lease.Wait, lease.Go}, mode) {
		return "", usagef("--if-running=%s: use skip, wait or go", mode)
	}
	return mode, nil
}

// runHolding runs the streams while it holds the leases of their connections,
// as far as the flag --if-running asks for them, and prints the report.
func (e *env) runHolding(c *cli.Context, streams []pipeline.Stream, opts pipeline.Options, bars *progress) error {
	mode, err := ifRunning(c)
	if err != nil {
		return err
	}
	if opts.RunID == "" {
		opts.RunID = uuid.NewString()
	}
	held, err := e.takeLeases(c.Context, streams, opts, mode)
	defer held.release()
	if err != nil || len(held.streams) == 0 {
		return err
	}
	run, err := runPipeline(c.Context, held.streams, opts, bars)
	if err != nil {
		return err
	}
	err = e.finishRun(run, nil)
	if held.troubled && !began(run) {
		return err // the destination, which the streams' errors tell of, would not take the history either
	}
	e.record(c.Context, opts, run)
	return err
}

// began reports whether any stream got beyond the look at its table.
func began(run *report.Run) bool {
	return slices.ContainsFunc(run.Streams, func(s *report.Stream) bool { return s.Sync != "" || s.Requests > 0 || s.Status != report.Failed })
}

// leases are those that a run holds.
type leases struct {
	streams  []pipeline.Stream // those that may run
	troubled bool              // the destination failed while they were taken
	ends     []func()
}

// release gives the leases up.
func (l leases) release() {
	for _, end := range l.ends {
		end()
	}
}

// takeLeases takes the leases of the streams' connections, in the order of
// their names. That is the first thing which a run wants of the destination: one
// that cannot be used ends it, while other trouble does not where a run needs no
// lease. The leases are to be released also after an error.
func (e *env) takeLeases(ctx context.Context, streams []pipeline.Stream, opts pipeline.Options, mode lease.Mode) (leases, error) {
	var held leases
	skipped := map[string]bool{}
	for _, name := range connectionsOf(streams) {
		l, err := lease.Take(ctx, opts.Store, name, lease.Options{Mode: mode, RunID: opts.RunID, Waiting: func(h lease.Held) {
			e.say(fmt.Sprintf("connection %s: waiting for run %s, which began at %s", name, h.RunID, h.Since.Format(time.RFC3339)))
		}})
		var busy *lease.HeldError
		switch {
		case errors.As(err, &busy):
			e.say(busy.Error() + "; it is skipped")
			skipped[name] = true
		case unusable(err):
			return held, fmt.Errorf("use the destination: %w", err)
		case err != nil && mode == lease.Go && ctx.Err() == nil:
			held.troubled = true
			e.warn(name, err.Error())
		case err != nil:
			return held, err
		case l != nil:
			held.ends = append(held.ends, e.keep(ctx, l, name))
		}
	}
	held.streams = slices.DeleteFunc(slices.Clone(streams), func(s pipeline.Stream) bool { return skipped[s.Connection] })
	return held, nil
}

// keep renews a lease until the function that it returns is called, which gives
// the lease up.
func (e *env) keep(ctx context.Context, l *lease.Lease, connection string) (end func()) {
	ctx = context.WithoutCancel(ctx) // the run goes on to its safe point
	keeping, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		l.Keep(keeping)
		close(done)
	}()
	return func() {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(ctx, releaseWithin)
		defer cancel()
		if err := l.Release(ctx); err != nil {
			e.warn(connection, err.Error())
		}
	}
}

func connectionsOf(streams []pipeline.Stream) []string {
	var names []string
	for _, s := range streams {
		names = append(names, s.Connection)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
