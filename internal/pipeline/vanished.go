package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
)

// planTries bounds how often a job is planned because its commits vanish.
const planTries = 3

// workOn does the job of a stream. When commits of the run are no longer
// in the table's log, the job is planned again from what the table says, whose
// watermark went with them or is set back: see setBack.
func (r *run) workOn(ctx, readCtx context.Context, s Stream, j *job) error {
	for try := 1; ; try++ {
		before := j.rep.Commits
		err := j.do(ctx, readCtx)
		if err == nil && (j.rep.Commits > before || !r.stopped.Load()) {
			err = j.settle(ctx) // asks the store nothing where nothing is to be done
		}
		j.facts()
		var gone *sink.VanishedError
		if !errors.As(err, &gone) || try == planTries || readCtx.Err() != nil {
			return err
		}
		j.rep.Warn(fmt.Sprintf("commit %d of this run vanished from the table's log: what it held is read again; let no other engine write to the table at the same time", gone.Version))
		snapshot, err := s.Lake.Load(ctx)
		if err == nil {
			err = errors.Join(j.dropKept(ctx), j.rewindChanges(ctx))
		}
		if err == nil {
			snapshot, err = j.setBack(ctx, snapshot, j.forget(gone.Version))
		}
		if err != nil {
			return errors.Join(gone, err)
		}
		*j = *newJob(r, s, snapshot, j.rep)
	}
}

// forget takes the windows that commits from a version on hold for not committed
// any more, and returns where the oldest of them begins; zero for none.
func (j *job) forget(version int64) time.Time {
	var from time.Time
	for i := range j.rep.Reads {
		read := &j.rep.Reads[i]
		if read.Version < version {
			continue
		}
		read.Version = -1
		if !read.Refresh && !read.Since.IsZero() && (from.IsZero() || read.Since.Before(from)) {
			from = read.Since
		}
	}
	return from
}

// setBack moves the marks of the table back to from. A later commit of this run
// may have survived the one that vanished, and its marks say that everything
// before them was read. It returns the table as it is then.
func (j *job) setBack(ctx context.Context, snapshot *delta.Snapshot, from time.Time) (*delta.Snapshot, error) {
	change := sink.Change{Mode: sink.Replace, Base: snapshot.Version(), MoveMark: true, RunID: j.run.opts.RunID, Operation: "WRITE"}
	change.Mark = &sink.Mark{App: j.s.app(), Version: from.UnixMicro()}
	change.Beside = []sink.Mark{{App: j.s.positionApp()}}
	if j.fill != nil {
		change.Mark, change.Beside = &sink.Mark{App: j.fill.app, Version: j.fill.attempt<<positionBits | from.Unix()}, nil
	}
	if have, ok := snapshot.Mark(change.Mark.App); from.IsZero() || j.s.Full || !ok || have <= change.Mark.Version {
		return snapshot, nil
	}
	if _, err := j.s.Lake.Commit(ctx, change); err != nil {
		return nil, fmt.Errorf("set the watermark back to %s: %w", from.Format(time.RFC3339), err)
	}
	return j.s.Lake.Load(ctx)
}

// settle ends a job: it looks whether its commits are still in the log, and does
// what a table needs after commits, also after those of a run that died before
// it came to that.
func (j *job) settle(ctx context.Context) error {
	vanished, warnings, err := j.s.Lake.Settle(ctx)
	for _, w := range warnings {
		j.rep.Warn(w)
	}
	if err != nil {
		j.rep.Warn("look after the table's log: " + err.Error()) // the data is committed
		return nil
	}
	if len(vanished) > 0 {
		return &sink.VanishedError{Table: j.s.Path, Version: slices.Min(vanished)}
	}
	if !j.run.stopped.Load() {
		j.maintain(ctx)
	}
	return nil
}

// maintain looks after the table as far as the options let it. The data is
// committed whatever comes of it, so trouble is a warning.
func (j *job) maintain(ctx context.Context) {
	o := j.run.opts.Maintenance
	if !o.Optimize && !o.Vacuum && !o.CleanLog && !o.Manifests {
		return
	}
	o.WorkDir = j.dir
	ctx, release := j.run.untilStopped(ctx)
	defer release()
	done, err := j.s.Lake.Maintain(ctx, o)
	for _, w := range done.Warnings {
		j.rep.Warn(w)
	}
	if err != nil && ctx.Err() == nil {
		j.rep.Warn("look after the table: " + err.Error())
	}
}

// readUnread reads the partitions again that another engine's RESTORE touched
// and that this sync would not read: the watermark says that they were read, but
// their rows may be older. The watermark stays where it is.
func (j *job) readUnread(ctx context.Context) error {
	if text := j.base.Doubt(); text != "" {
		j.rep.Warn(text)
	}
	if j.fill != nil || len(j.base.Unread()) == 0 {
		return nil
	}
	change := sink.Change{Mode: sink.Replace, Base: j.base.Version(), AcceptShrink: j.run.opts.AcceptShrink, RunID: j.run.opts.RunID, Operation: "WRITE"}
	for _, v := range j.base.Unread() {
		start, err := j.s.Spec.Start(v)
		switch {
		case err != nil, j.behindHorizon(v), err == nil && start.Before(j.s.Spec.Floor(j.s.Start)):
			j.rep.Warn(fmt.Sprintf("partition %s was restored by another engine and cannot be read again: it stays as it is", v))
			change.Reread = append(change.Reread, v)
		case start.Before(j.group.since) || !start.Before(j.rng.Until):
			change.Partitions = append(change.Partitions, v)
		}
	}
	if len(change.Partitions)+len(change.Reread) == 0 {
		return nil
	}
	j.rep.Warn(fmt.Sprintf("another engine restored %d partitions that lie before this sync: they are read again", len(change.Partitions)))
	if err := j.reread(ctx, &change, slices.Clone(change.Partitions), j.rng.Until); err != nil {
		return err
	}
	_, err := j.commitChange(ctx, &change)
	removeFiles(change.Files)
	return err
}

func (j *job) behindHorizon(v partitioning.Value) bool {
	months := j.s.Endpoint.HorizonMonths
	return months > 0 && v < j.s.Spec.Of(firstWhole(j.s, j.base, j.run.started.AddDate(0, -months, 0)))
}

// rereadUnchanged names the partitions of the group that a RESTORE touched and that hold
// what the source says all the same.
func (j *job) rereadUnchanged() []partitioning.Value {
	return slices.DeleteFunc(j.base.Unread(), func(v partitioning.Value) bool { return !j.group.unchanged[v] })
}
