package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// commitTries bounds how often a group is read again because somebody else
// committed to its partitions meanwhile.
const commitTries = 5

// commitIfDue commits the group when it is old or large enough. A full sync is
// committed only once, at its end.
func (j *job) commitIfDue(ctx context.Context) error {
	files, err := j.writer.Finish(ctx)
	if err != nil {
		return fmt.Errorf("finish files: %w", err)
	}
	j.group.add(files)
	if j.s.Full || !j.group.end.After(j.group.since) {
		return nil
	}
	if time.Since(j.group.begun) < j.run.opts.CommitEvery && j.group.bytes < j.run.opts.CommitBytes {
		return nil
	}
	return j.commitGroup(ctx)
}

// finish commits what is left. When reading did not reach the end (whole is
// false), a partition whose windows are not all there is left as it is, and a
// full sync commits nothing at all.
func (j *job) finish(ctx context.Context, whole bool) error {
	if j.s.Full && (!whole || j.group.failed) {
		return nil
	}
	files, err := j.writer.Finish(ctx)
	if err != nil {
		return fmt.Errorf("finish files: %w", err)
	}
	j.group.add(files)
	if end := j.group.end; !whole && end.Before(j.rng.Until) && !j.s.Spec.Floor(end).Equal(end) {
		j.group.broken[j.s.Spec.Of(end)] = true
		j.group.prefix = earliest(j.group.prefix, j.s.Spec.Floor(end))
	}
	if !whole && !j.group.end.After(j.group.since) {
		return nil
	}
	return j.commitGroup(ctx)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// commitGroup commits the group and starts the next one. Partitions that
// another run of Paylake committed to since they were read are read again.
func (j *job) commitGroup(ctx context.Context) error {
	g := j.group
	g.dropBroken()
	if err := j.flushRejects(ctx); err != nil {
		return err
	}
	change := sink.Change{
		Mode:         sink.Replace,
		Base:         j.base.Version(),
		Partitions:   g.replaced(j.s.Spec),
		Files:        g.files,
		Unchanged:    g.sameRows,
		Mark:         j.mark(),
		MoveMark:     j.misplaced,
		AcceptShrink: j.run.opts.AcceptShrink,
		RunID:        j.run.opts.RunID,
		Operation:    "WRITE",
	}
	if len(change.Partitions) > 0 || j.rep.TableVersion < 0 || j.misplaced {
		if err := j.commitChange(ctx, &change); err != nil {
			return err
		}
	}
	removeFiles(change.Files)
	g.reset(g.end, time.Now())
	return nil
}

// mark is the watermark after the commit: the end of the unbroken prefix,
// never earlier than what stands in the table.
func (j *job) mark() *sink.Mark {
	return &sink.Mark{App: j.s.app(), Version: latest(j.group.prefix, j.watermark).UnixMicro()}
}

// commitChange commits, and on a conflict reads the stale partitions again and
// commits on top of what was there when that reading began.
func (j *job) commitChange(ctx context.Context, change *sink.Change) error {
	for range commitTries {
		receipt, err := j.s.Lake.Commit(ctx, *change)
		if err != nil {
			return err
		}
		if receipt.Outcome != sink.Conflict {
			j.note(receipt, change.Mark)
			return nil
		}
		if err := j.refresh(ctx, change, receipt); err != nil {
			return err
		}
	}
	return fmt.Errorf("commit %s: other runs keep changing the same partitions (%d tries): run one sync of this table at a time", j.s.Path, commitTries)
}

// note puts a commit into the report.
func (j *job) note(r sink.Receipt, mark *sink.Mark) {
	j.rep.FilesAdded += r.FilesAdded
	j.rep.FilesRemoved += r.FilesRemoved
	j.rep.BytesAdded += r.BytesAdded
	j.rep.RowsAdded += r.RowsAdded
	j.rep.RowsRemoved += r.RowsRemoved
	j.rep.Unchanged += r.Skipped
	j.rep.TableVersion = max(j.rep.TableVersion, r.Version)
	for _, w := range r.Warnings {
		j.rep.Warn(w)
	}
	if r.Outcome != sink.Committed {
		return
	}
	j.rep.Commits++
	if mark != nil && mark.Version > 0 {
		at := time.UnixMicro(mark.Version).UTC()
		j.watermark = latest(j.watermark, at)
		j.rep.Watermark = &j.watermark
	}
}

// refresh reads stale partitions again from the source, one after the other,
// and puts their new files into the change, whose base is then the version
// that the conflict was found at. It reads as far as the other run did: else
// the newest rows of the other would look deleted.
func (j *job) refresh(ctx context.Context, change *sink.Change, conflict sink.Receipt) error {
	j.warnRival()
	now, err := j.s.Lake.Load(ctx)
	if err != nil {
		return err
	}
	until := j.rng.Until
	if mark, ok := now.Mark(j.s.app()); ok {
		until = latest(until, time.UnixMicro(mark).UTC())
	}
	stale := conflict.Stale
	var keep []writer.File
	for _, f := range change.Files {
		if slices.Contains(stale, f.Partition) {
			removeFiles([]writer.File{f})
			continue
		}
		keep = append(keep, f)
	}
	change.Files, change.Base = keep, conflict.Version
	slices.Sort(stale)
	ctx, release := j.run.untilStopped(ctx)
	defer release()
	for _, v := range stale {
		since, err := j.s.Spec.Start(v)
		if err != nil {
			return err
		}
		w := window.Window{Since: since, Until: earliest(j.s.Spec.Next(since), until)}
		if err := j.rereadPartition(ctx, change, w); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("read %s again after another run changed it: %w", w, err)
		}
	}
	return nil
}

// warnRival tells the operator that two runs fill the table at the same time.
func (j *job) warnRival() {
	j.rep.Warn("another run committed to this table meanwhile: what it changed was read again; run one sync of a table at a time")
}

// rereadPartition reads one partition window by window into the change.
func (j *job) rereadPartition(ctx context.Context, change *sink.Change, w window.Window) error {
	reads, err := j.readAll(ctx, w)
	if err != nil {
		return err
	}
	for _, r := range reads {
		change.Files = append(change.Files, r.files...)
		r.files = nil
		if err := j.reject(ctx, r); err != nil {
			return err
		}
	}
	return j.flushRejects(ctx)
}
