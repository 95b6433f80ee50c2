package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/partitioning"
)

func (e *env) backfillCommand() *cli.Command {
	return &cli.Command{
		Name:  "backfill",
		Usage: "read a range of time again",
		Description: "Reads what was created from --since on and before --until, in whole partitions, and replaces these partitions. The\n" +
			"same arguments again go on with a backfill that did not end, and begin one again that did. Where a sync goes on\n" +
			"does not change.",
		Flags: []cli.Flag{
			configFlag(),
			&cli.StringFlag{Name: "since", Usage: "`TIME` to begin with: 2024-01-31, or 2024-01-31T00:00:00-03:00"},
			&cli.StringFlag{Name: "until", Usage: "`TIME` to end before"},
			&cli.StringSliceFlag{Name: "connection", Usage: "only the connection of this `NAME`; may be repeated"},
			&cli.StringSliceFlag{Name: "streams", Usage: "only these streams, `A,B`; may be repeated"},
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would be read"},
			acceptShrinkFlag(), ifRunningFlag(),
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show warnings and errors only"},
		},
		Action: e.runBackfill,
	}
}

func (e *env) runBackfill(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	if _, err := rangeOf(c, time.UTC); err != nil { // before anything is asked
		return err
	}
	if _, err := ifRunning(c); err != nil {
		return err
	}
	dry := c.Bool("dry-run")
	bars := newProgress(e, c.Bool("quiet") || dry)
	streams, opts, err := e.prepare(c, bars.log)
	if err != nil {
		return err
	}
	streams, left, err := withWindows(streams, list(c.StringSlice("streams")))
	if err != nil {
		return err
	}
	if len(left) > 0 && !c.Bool("quiet") {
		e.say("not read by time, so left out: " + strings.Join(left, ", "))
	}
	rng, err := rangeOf(c, streams[0].Spec.Location)
	if err != nil {
		return err
	}
	e.sayWidened(streams, rng)
	opts.Backfill, opts.AcceptShrink = &rng, c.Bool("accept-shrink")
	if dry {
		return e.showPlans(c, streams, opts)
	}
	if err := writable(c.Context, opts.Store); err != nil {
		return fmt.Errorf("test the destination: %w", err)
	}
	return e.runHolding(c, streams, opts, bars)
}

// withWindows gives the streams that are read by time, and the names of the
// others, which are refused when somebody named them.
func withWindows(streams []pipeline.Stream, named []string) (out []pipeline.Stream, left []string, err error) {
	for _, s := range streams {
		switch {
		case s.Endpoint.SinceParam != "" && s.Endpoint.Write != extract.AppendSnapshot:
			s.Full = false
			out = append(out, s)
		case slices.Contains(named, s.Name()):
			return nil, nil, usagef("stream %s is not read by time, so there is no range of it to read again: `paylake sync --streams %s` reads it as a whole", s.Name(), s.Name())
		default:
			left = append(left, s.Name())
		}
	}
	if len(out) == 0 {
		return nil, nil, usagef("none of the streams is read by time")
	}
	slices.Sort(left)
	return out, slices.Compact(left), nil
}

// rangeOf reads the flags --since and --until. A date is its first instant in
// the zone; nil is UTC.
func rangeOf(c *cli.Context, zone *time.Location) (window.Window, error) {
	var w window.Window
	var err error
	if w.Since, err = instantOf(c, "since", zone); err != nil {
		return w, err
	}
	if w.Until, err = instantOf(c, "until", zone); err != nil {
		return w, err
	}
	switch {
	case !w.Since.Before(w.Until):
		return w, usagef("--since %s is not before --until %s", c.String("since"), c.String("until"))
	case w.Since.After(time.Now()):
		return w, usagef("--since %s lies in the future", c.String("since"))
	case w.Since.Year() < 1971:
		return w, usagef("--since %s: nothing was created then", c.String("since"))
	}
	return w, nil
}

func instantOf(c *cli.Context, flag string, zone *time.Location) (time.Time, error) {
	text := c.String(flag)
	if text == "" {
		return time.Time{}, usagef("backfill needs --%s", flag)
	}
	days := partitioning.Spec{Column: "date", Location: zone}
	if t, err := days.Start(partitioning.Value(text)); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, usagef("--%s %q is not a date like 2024-01-31 or a time with its offset like 2024-01-31T00:00:00-03:00", flag, text)
	}
	return t.UTC(), nil
}

// sayWidened tells the operator that whole partitions are read.
func (e *env) sayWidened(streams []pipeline.Stream, rng window.Window) {
	var told []window.Window
	for _, s := range streams {
		whole := s.Whole(rng)
		if (whole.Since.Equal(rng.Since) && whole.Until.Equal(rng.Until)) || slices.Contains(told, whole) {
			continue
		}
		told = append(told, whole)
		e.say(fmt.Sprintf("partitions are replaced as a whole: %s is read instead of %s", whole, rng))
	}
}
