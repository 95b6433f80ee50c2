package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/writer"
)

// commitTries bounds how often a group is read again because somebody else
// committed to its partitions meanwhile.
const commitTries = 5

// recordEvery is how much reading a full sync that dies may lose: a record is
// smaller than a commit and nobody reads it but the next run.
const recordEvery = time.Minute

// commitIfDue commits the group when it is old or large enough. A full sync is
// committed only once, at its end: until then it is recorded.
func (j *job) commitIfDue(ctx context.Context) error {
	files, err := j.writer.Finish(ctx)
	if err != nil {
		return fmt.Errorf("finish files: %w", err)
	}
	j.group.add(files)
	if !j.group.end.After(j.group.since) {
		return nil
	}
	every := j.run.opts.CommitEvery
	if j.s.Full {
		every = min(every, recordEvery)
	}
	if time.Since(j.group.begun) < every && j.group.bytes < j.run.opts.CommitBytes {
		return nil
	}
	if j.s.Full {
		return j.checkpoint(ctx)
	}
	return j.commitGroup(ctx, false)
}

// finish commits what is left. When reading did not reach the end (whole is
// false), a partition whose windows are not all there is left as it is, and a
// full sync commits nothing at all but records how far it came.
func (j *job) finish(ctx context.Context, whole bool) error {
	files, err := j.writer.Finish(ctx)
	if err != nil {
		return fmt.Errorf("finish files: %w", err)
	}
	j.group.add(files)
	if j.s.Full && (!whole || j.group.failed) {
		return j.checkpoint(ctx)
	}
	if end := j.group.end; !whole && end.Before(j.rng.Until) && !j.s.Spec.Floor(end).Equal(end) {
		j.group.broken[j.s.Spec.Of(end)] = true
		j.group.prefix = earliest(j.group.prefix, j.s.Spec.Floor(end))
	}
	if !whole && !j.group.end.After(j.group.since) {
		return nil
	}
	return j.commitGroup(ctx, whole)
}

// commitGroup commits the group and starts the next one; last says that reading
// reached its end. Partitions that another run of Paylake committed to since they
// were read are read again.
func (j *job) commitGroup(ctx context.Context, last bool) error {
	g := j.group
	g.dropBroken()
	j.dropSame()
	if err := j.flushRejects(ctx); err != nil {
		return err
	}
	change := j.newChange(last)
	if err := j.ripen(ctx, &change); err != nil {
		return err
	}
	var err error
	outcome := sink.Unchanged
	if len(change.Partitions) > 0 || j.rep.TableVersion < 0 || change.MoveMark || len(change.Reread) > 0 {
		outcome, err = j.commitChange(ctx, &change)
	}
	if err == nil {
		err = j.endFull(ctx, outcome)
	}
	if outcome == sink.Committed && j.fill != nil {
		j.fill.marked = change.Mark.Version
	}
	if err == nil && outcome != sink.Committed {
		err = j.fill.passed(ctx, j, change.Mark)
	}
	if err := errors.Join(err, j.settleRecord(ctx, err)); err != nil {
		return err
	}
	j.placeReads()
	removeFiles(change.Files)
	g.reset(g.end, time.Now())
	return nil
}

// newChange is the group as a change of the table.
func (j *job) newChange(last bool) sink.Change {
	change := sink.Change{
		Mode:         sink.Replace,
		Base:         j.base.Version(),
		Partitions:   j.group.replaced(j.s.Spec),
		Files:        j.group.files,
		Unchanged:    j.group.sameRows,
		Mark:         j.mark(last),
		MoveMark:     j.misplaced || j.lacksDeleted(),
		Reread:       j.rereadUnchanged(),
		Rewrite:      j.damaged,
		AcceptShrink: j.run.opts.AcceptShrink,
		RunID:        j.run.opts.RunID,
		Operation:    "WRITE",
	}
	if position, ok := j.position(last); ok {
		change.Beside = []sink.Mark{{App: j.s.positionApp(), Version: position}}
		change.MoveMark = change.MoveMark || last
	}
	if j.record != nil {
		change.Base = j.record.head.Base
		change.Beside = append(change.Beside, sink.Mark{App: j.s.fullApp(), Version: j.run.started.UnixMicro()})
	}
	if end := j.group.end; j.fill != nil && end.After(j.watermark) && end.After(seen(j.s, j.base, end)) {
		change.Beside = append(change.Beside, sink.Mark{App: j.s.seenApp(), Version: end.UnixMicro()})
	}
	return change
}

// mark is what the table remembers of the commit: the watermark, the end of the
// unbroken prefix, never earlier than what stands in the table; or how far the
// backfill came.
func (j *job) mark(last bool) *sink.Mark {
	if j.fill != nil {
		return j.fill.mark(j.group, last)
	}
	return &sink.Mark{App: j.s.app(), Version: latest(j.group.prefix, j.watermark).UnixMicro()}
}

// commitChange commits, and on a conflict reads the stale partitions again and
// commits on top of what was there when that reading began. The outcome is never
// Conflict.
func (j *job) commitChange(ctx context.Context, change *sink.Change) (sink.Outcome, error) {
	change.KeepDeleted, change.WorkDir, change.NotBefore = j.s.KeepDeleted, j.dir, j.idBreak()
	if j.s.Endpoint.Feed && j.s.KeepDeleted {
		change.AcceptShrink = true // the source forgets entries in time, and what it forgets stays
	}
	for range commitTries {
		receipt, err := j.s.Lake.Commit(ctx, *change)
		if err != nil {
			return 0, err
		}
		if receipt.Outcome != sink.Conflict {
			j.note(receipt, change.Mark)
			if receipt.Outcome == sink.Committed && len(change.Beside) > 0 && change.Beside[0].App == j.s.positionApp() {
				j.unfinished = change.Beside[0].Version != 0
			}
			return receipt.Outcome, nil
		}
		if err := j.rereadStale(ctx, change, receipt); err != nil {
			return 0, err
		}
	}
	return 0, fmt.Errorf("commit %s: other runs keep changing the same partitions (%d tries): run one sync of this table at a time", j.s.Path, commitTries)
}

// idBreak is when the source changed the keys of its records; zero if it did not,
// or not yet.
func (j *job) idBreak() time.Time {
	if at := j.s.Endpoint.IDBreak; !at.After(j.run.started) {
		return at
	}
	return time.Time{}
}

// note puts a commit into the report.
func (j *job) note(r sink.Receipt, mark *sink.Mark) {
	j.rep.FilesAdded += r.FilesAdded
	j.rep.FilesRemoved += r.FilesRemoved
	j.rep.BytesAdded += r.BytesAdded
	j.rep.RowsAdded += r.RowsAdded
	j.rep.RowsRemoved += r.RowsRemoved
	j.rep.Removed += r.Deleted
	j.rep.Unchanged += r.Skipped
	j.rep.TableVersion = max(j.rep.TableVersion, r.Version)
	for _, w := range r.Warnings {
		j.rep.Warn(w)
	}
	if r.Outcome != sink.Committed {
		return
	}
	j.rep.Commits++
	if mark != nil && mark.App == j.s.app() && mark.Version > 0 {
		at := time.UnixMicro(mark.Version).UTC()
		j.watermark = latest(j.watermark, at)
		j.rep.Watermark = &j.watermark
	}
}

// rereadStale reads stale partitions again from the source, one after the other,
// and puts their new files into the change, whose base is then the version
// that the conflict was found at. It reads as far as the other run did: else
// the newest rows of the other would look deleted.
func (j *job) rereadStale(ctx context.Context, change *sink.Change, conflict sink.Receipt) error {
	now, err := j.s.Lake.Load(ctx)
	if err != nil {
		return err
	}
	// A rival may have read up to the settled end of now; a backfill moves no watermark.
	until := latest(j.rng.Until, j.run.opts.Now().Add(-j.run.opts.Settle).UTC().Truncate(time.Second))
	if mark, ok := now.Mark(j.s.app()); ok {
		until = latest(until, time.UnixMicro(mark).UTC())
	}
	change.Base = conflict.Version
	stale := j.notOurs(now, change, conflict.Stale)
	if len(stale) == 0 {
		return nil
	}
	j.warnRival()
	return j.reread(ctx, change, stale, until)
}

// notOurs takes the partitions out of the change that hold exactly its stored
// files already: a run that went on from the same record has committed them, and
// they need not be read again. It returns the others.
func (j *job) notOurs(now *delta.Snapshot, change *sink.Change, stale []partitioning.Value) []partitioning.Value {
	live := map[partitioning.Value]int{}
	for _, f := range change.Files {
		if f.Stored != "" && now.Holds(f.Stored) {
			live[f.Partition]++
		} else {
			live[f.Partition] = -len(change.Files) // a file that is not there
		}
	}
	settled := func(v partitioning.Value) bool {
		_, _, _, files := now.Partition(v)
		return files > 0 && live[v] == files && slices.Contains(stale, v)
	}
	change.Partitions = slices.DeleteFunc(change.Partitions, settled)
	change.Files = slices.DeleteFunc(change.Files, func(f writer.File) bool { return settled(f.Partition) })
	return slices.DeleteFunc(slices.Clone(stale), settled)
}

// reread reads partitions of a change again up to a time and puts their new
// files in the place of the old ones. Those that the source may answer no more
// leave the change: what the table holds of them stays.
func (j *job) reread(ctx context.Context, change *sink.Change, values []partitioning.Value, until time.Time) error {
	if len(values) == 0 {
		return nil
	}
	change.Files = slices.DeleteFunc(change.Files, func(f writer.File) bool {
		again := slices.Contains(values, f.Partition)
		if again {
			removeFiles([]writer.File{f})
		}
		return again
	})
	slices.Sort(values)
	ctx, release := j.run.untilStopped(ctx)
	defer release()
	var left []partitioning.Value
	for _, v := range values {
		gone, err := j.answeredNoMore(ctx, v)
		if err == nil && gone {
			left = append(left, v)
			continue
		}
		if err == nil {
			err = j.rereadPartition(ctx, change, v, until)
		}
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
	}
	j.leaveOut(change, left)
	return nil
}

// answeredNoMore reports whether the source's horizon has reached a partition by
// now, which may be long after the run started: what it would answer is not the
// whole. Of a partition that the table holds nothing of, the part is better than
// nothing; else a day is kept away from the edge, as in firstWhole.
func (j *job) answeredNoMore(ctx context.Context, v partitioning.Value) (bool, error) {
	months := j.s.Endpoint.HorizonMonths
	if months == 0 {
		return false, nil
	}
	horizon := latest(j.run.opts.Now().UTC(), j.run.started).AddDate(0, -months, 0)
	switch {
	case v < j.s.Spec.Of(horizon):
		return true, nil
	case v >= j.s.Spec.Of(j.s.Spec.Next(horizon.AddDate(0, 0, 1))):
		return false, nil
	}
	table, err := j.s.Lake.Load(ctx)
	if err != nil {
		return false, err
	}
	_, _, _, files := table.Partition(v)
	return files > 0, nil
}

// leaveOut takes partitions out of a change that cannot be read again.
func (j *job) leaveOut(change *sink.Change, values []partitioning.Value) {
	if len(values) == 0 {
		return
	}
	change.Partitions = slices.DeleteFunc(change.Partitions, func(v partitioning.Value) bool { return slices.Contains(values, v) })
	for _, v := range values {
		j.group.broken[v] = true // their windows are not committed
	}
	j.rep.Warn(fmt.Sprintf("%d partitions (%s to %s) would have to be read again, but lie behind the %d months that the source answers: what the table holds of them stays as it is",
		len(values), values[0], values[len(values)-1], j.s.Endpoint.HorizonMonths))
}

// warnRival tells the operator that two runs fill the table at the same time.
func (j *job) warnRival() {
	j.rep.Warn("another run committed to this table meanwhile: what it changed was read again, which is safe but costs requests (--if-running=skip or wait avoids it)")
}

// rereadPartition reads one partition window by window into the change.
func (j *job) rereadPartition(ctx context.Context, change *sink.Change, v partitioning.Value, until time.Time) error {
	since, err := j.s.Spec.Start(v)
	if err != nil {
		return err
	}
	w := window.Window{Since: since, Until: earliest(j.s.Spec.Next(since), until)}
	reads, err := j.readAll(ctx, w)
	if err != nil {
		return fmt.Errorf("read %s again: %w", w, err)
	}
	for _, r := range reads {
		j.noteRead(r)
		change.Files = append(change.Files, r.files...)
		r.files = nil
		if err := j.reject(ctx, r); err != nil {
			return err
		}
	}
	return j.flushRejects(ctx)
}
