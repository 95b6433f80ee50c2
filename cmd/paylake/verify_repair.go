package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/verify"
	"github.com/paylake/paylake/partitioning"
)

// repair reads the partitions with differences again and replaces them, then
// verifies them once more.
func (v *verification) repair(rep *verify.Report, targets []verify.Target) (interrupted, err error) {
	damaged := v.damaged(rep)
	if len(damaged) == 0 {
		rep.Settle()
		return nil, nil
	}
	if err := writable(v.c.Context, v.run.Store); err != nil {
		return nil, fmt.Errorf("test the destination: %w", err)
	}
	run, err := v.renew(damaged)
	if err != nil {
		return nil, err
	}
	var again []verify.Target
	for _, t := range targets {
		if s := verified(rep, t.Connection, t.Name()); slices.ContainsFunc(damaged, func(d pipeline.Stream) bool { return sameStream(d, s) }) {
			t.Only, t.Named = append([]partitioning.Value{}, s.Damaged()...), true
			again = append(again, t)
		}
	}
	if run == nil || run.Status == report.Interrupted {
		again = nil
	}
	after := &verify.Report{}
	if len(again) > 0 {
		after, err = v.verify(again, newProgress(v.e, true))
		if err != nil && v.c.Context.Err() == nil {
			return nil, err
		}
		if err != nil {
			rep.Settle()
			return &exitError{code: exitInterrupted, err: errors.New("interrupted: what was repaired was not verified again")}, nil
		}
	}
	for _, d := range damaged {
		s := verified(rep, d.Connection, d.Name())
		s.Repaired(repairOf(s, run), verified(after, d.Connection, d.Name()))
	}
	rep.Settle()
	if run != nil && run.Status == report.Interrupted {
		return &exitError{code: exitInterrupted, err: errors.New("interrupted: what was not repaired is left as it was")}, nil
	}
	return nil, nil
}

// damaged gives the streams that can be repaired, each with the partitions to
// read again.
func (v *verification) damaged(rep *verify.Report) []pipeline.Stream {
	var out []pipeline.Stream
	for _, s := range v.streams {
		found := verified(rep, s.Connection, s.Name())
		if found == nil || len(found.Damaged()) == 0 && !found.LogDamaged() {
			continue
		}
		if s.Endpoint.Write == extract.AppendSnapshot {
			r := repairOf(found, nil)
			r.Error = "snapshots of the past cannot be asked for again: the table stays as it is"
			found.Repaired(r, nil)
			continue
		}
		s.Only, s.Full = append([]partitioning.Value{}, found.Damaged()...), false // not nil: these and no others
		out = append(out, s)
	}
	return out
}

// renew runs the repair under the leases of the connections, and records it in
// the history. It returns nil where every connection is busy.
func (v *verification) renew(streams []pipeline.Stream) (*report.Run, error) {
	e, ctx, opts := v.e, v.c.Context, v.run
	mode, err := ifRunning(v.c)
	if err != nil {
		return nil, err
	}
	opts.RunID, opts.AcceptShrink = uuid.NewString(), v.c.Bool("accept-shrink")
	held, err := e.takeLeases(ctx, streams, opts, mode)
	defer held.release()
	if err != nil || len(held.streams) == 0 {
		return nil, err
	}
	run, err := runPipeline(ctx, held.streams, opts, newProgress(e, v.c.Bool("quiet")))
	if err != nil {
		return nil, err
	}
	e.record(ctx, opts, run)
	return run, nil
}

// repairOf tells what a run did for a stream.
func repairOf(s *verify.Stream, run *report.Run) *verify.Repair {
	r := &verify.Repair{Partitions: []string{}}
	for _, v := range s.Damaged() {
		r.Partitions = append(r.Partitions, string(v))
	}
	if run == nil {
		r.Error = "another run of the connection is going on"
		return r
	}
	r.RunID, r.Error = run.ID, "another run of the connection is going on"
	for _, done := range run.Streams {
		if done.Connection != s.Connection || done.Stream != s.Stream {
			continue
		}
		r.Error, r.RowsAdded, r.RowsRemoved, r.Requests, r.Warnings = done.Error, done.RowsAdded, done.RowsRemoved, done.Requests, done.Warnings
		for _, w := range done.Failures {
			r.Warnings = append(r.Warnings, fmt.Sprintf("window [%s, %s): %s", moment(&w.Since), moment(&w.Until), w.Error))
		}
		if done.Status == report.Interrupted && r.Error == "" {
			r.Error = "interrupted"
		}
	}
	return r
}

func verified(rep *verify.Report, connection, stream string) *verify.Stream {
	for _, s := range rep.Streams {
		if s.Connection == connection && s.Stream == stream {
			return s
		}
	}
	return nil
}

func sameStream(p pipeline.Stream, s *verify.Stream) bool {
	return p.Connection == s.Connection && p.Name() == s.Stream
}
