package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
)

// repair reads the partitions of Stream.Only again and writes them anew, also
// where the log says that they hold these rows already: their files may be lost,
// damaged or hold a row twice. A list that is read as a whole replaces its
// table. What cannot be read again stays as it is, with a warning.
func (j *job) repair(ctx, readCtx context.Context) error {
	j.rep.Sync = "backfill"
	switch {
	case j.s.Endpoint.Write == extract.AppendSnapshot:
		j.rep.Sync = "snapshot"
		j.rep.Warn("snapshots of the past cannot be asked for again: the table stays as it is")
		return nil
	case j.s.Endpoint.SinceParam == "":
		j.rep.Sync, j.s.Full = "full", false
		j.damaged = []partitioning.Value{""} // written anew though its rows are the same
		return j.wholeList(ctx, readCtx)
	}
	if err := j.checkClock(); err != nil {
		return err
	}
	if err := j.clearNowhere(ctx); err != nil {
		return err
	}
	done, err := j.renew(ctx, readCtx, j.repairable(), renewOptions{rewrite: true})
	if err == nil && len(done.left) > 0 && len(j.rep.Failures) == 0 && !j.run.stopped.Load() {
		j.rep.Warn(fmt.Sprintf("%d partitions could not be read again, the first of them %s", len(done.left), done.left[0]))
	}
	return err
}

// nowhere reports whether no record can belong to a partition: it is no time, or
// one that has not come.
func (j *job) nowhere(v partitioning.Value) bool {
	start, err := j.s.Spec.Start(v)
	return err != nil || start.After(j.run.opts.Now().Add(24*time.Hour))
}

// clearNowhere empties those of Stream.Only that no record belongs to. Another engine put the
// rows there: no record of the source belongs there, so that the guard against
// shrinking has nothing to judge, and what is missing elsewhere is read again.
func (j *job) clearNowhere(ctx context.Context) error {
	table, err := j.s.Lake.Load(ctx)
	if err != nil {
		return err
	}
	change := sink.Change{Mode: sink.Replace, Base: table.Version(), AcceptShrink: true, RunID: j.run.opts.RunID, Operation: "WRITE"}
	for _, v := range j.s.Only {
		if !j.nowhere(v) {
			continue
		}
		rows, _, _, _ := table.Partition(v)
		j.rep.Warn(fmt.Sprintf("%d rows of partition %q are removed: they lie at no time, or in the future, where no record belongs", rows, v))
		change.Partitions = append(change.Partitions, v)
	}
	if len(change.Partitions) == 0 {
		return nil
	}
	_, err = j.commitChange(ctx, &change)
	return err
}

// repairable gives the partitions of Stream.Only that can be read again, in
// order.
func (j *job) repairable() []partitioning.Value {
	var out, early []partitioning.Value
	for _, v := range slices.Sorted(slices.Values(j.s.Only)) {
		switch start, err := j.s.Spec.Start(v); {
		case err != nil, j.nowhere(v): // see clearNowhere
		case start.Before(j.s.Spec.Floor(j.s.Start)):
			early = append(early, v)
		default:
			out = append(out, v)
		}
	}
	if n := len(early); n > 0 {
		j.rep.Warn(fmt.Sprintf("%d partitions (%s to %s) hold what was created before start and changed later: they cannot be read as a whole and stay as they are",
			n, early[0], early[n-1]))
	}
	return slices.Compact(out)
}
