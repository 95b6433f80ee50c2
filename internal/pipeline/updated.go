package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// updatedOverlap is how far before its position the pass by update time begins:
// the clocks of the source and of this machine differ, and a change may be
// listed some time after it was made. What is read again for it costs no commit.
const updatedOverlap = time.Hour

// updated finds the records that changed since the last run, however old they
// are, where the source can be asked for them. They are read with one question,
// and are merged by key: that costs no request more, while the partitions they
// lie in would each cost one or more. Partitions in which the keys cannot be
// trusted are read again and replaced.
//
// Records of the range that this run has read by windows are left to it: it read
// them after its start, and whatever changes after the start is found next time.
func (j *job) updated(ctx, readCtx context.Context) error {
	if j.s.Endpoint.UpdatedSince == "" || !j.mayFollow() {
		return nil
	}
	held := j.run.opts.Chunk
	if err := j.run.budget.acquire(readCtx, held, func() bool { return false }); err != nil {
		return context.Cause(readCtx)
	}
	defer func() { j.run.budget.resize(held, 0) }()
	state := &j.changes.state
	if !state.Early.IsZero() && j.s.IncludeUpdated {
		done, err := j.followUpdates(ctx, readCtx, state.Early, j.s.Spec.Floor(j.s.Start))
		if err != nil || !done {
			return err
		}
		state.Early = time.Time{}
		if err := j.storeChanges(ctx); err != nil {
			return err
		}
	}
	if j.changes.first {
		return nil
	}
	since := j.sinceOf(state.Updated, "changes by their time").Add(-updatedOverlap)
	done, err := j.followUpdates(ctx, readCtx, since, time.Time{})
	if err != nil || !done {
		return err
	}
	state.Updated = state.Updated.move(j.run.started)
	return j.storeChanges(ctx)
}

// followUpdates merges what changed since a time, of records created before
// another one; zero for all that this run has not read by windows. It reports
// whether all of it is in the table then.
func (j *job) followUpdates(ctx, readCtx context.Context, since, createdBefore time.Time) (bool, error) {
	land := j.newLanding(ctx)
	defer land.drop()
	if !createdBefore.IsZero() {
		land.until = earliest(land.until, createdBefore)
	}
	result, err := j.reader.ReadUpdated(readCtx, since, j.run.started, createdBefore, land)
	if errors.Is(err, extract.ErrNoUpdateFilter) {
		j.rep.Warn(err.Error() + ": the refresh finds what changed of older records")
		return false, nil
	}
	if err != nil {
		return false, err
	}
	result.Window = window.Window{Since: since, Until: j.run.started}
	if err := j.landRead(ctx, land, result); err != nil {
		return false, err
	}
	j.rep.Updated += land.rows
	return j.mergeLanded(ctx, readCtx, land)
}

// mayFollow reports whether this run may look for changes of older records. A
// first sync reads everything but the records from before the start. A full sync
// of which a window failed commits nothing: it cannot stand for what it read.
func (j *job) mayFollow() bool {
	if j.changes == nil || j.run.opts.Backfill != nil || j.changes.first && !j.s.IncludeUpdated {
		return false
	}
	return !(j.s.Full && j.group.failed)
}

// landing takes rows that were found by another way than a window. They go to
// files, those outside the range of time that is asked for do not.
type landing struct {
	spill
	since, until time.Time // since zero: no bound
	rows         int64
}

// newLanding leaves out what lies behind the horizon, what lies before the
// stream's start unless it is wanted, and what this run has read by windows.
func (j *job) newLanding(ctx context.Context) *landing {
	l := &landing{spill: spill{job: j, ctx: ctx}, until: j.rng.Since}
	if j.rep.Since != nil {
		l.until = *j.rep.Since
	}
	if months := j.s.Endpoint.HorizonMonths; months > 0 {
		l.since = firstWhole(j.s, j.base, j.run.started.AddDate(0, -months, 0))
	}
	if !j.s.IncludeUpdated {
		l.since = latest(l.since, j.s.Spec.Floor(j.s.Start))
	}
	return l
}

// Chunk writes the rows that belong here.
func (l *landing) Chunk(rows arrow.RecordBatch) error {
	cut, err := l.cut(rows)
	if err != nil {
		return err
	}
	defer cut.Release()
	if cut.NumRows() == 0 {
		return nil
	}
	l.rows += cut.NumRows()
	return l.spill.Chunk(cut)
}

// cut gives the rows of the landing's range out of rows in the order of time.
// The caller releases them.
func (l *landing) cut(rows arrow.RecordBatch) (arrow.RecordBatch, error) {
	at := rows.Schema().FieldIndices(l.job.s.Table.Time)
	if len(at) != 1 {
		return nil, fmt.Errorf("find the time of changed rows: no column %q", l.job.s.Table.Time)
	}
	times, ok := rows.Column(at[0]).(*array.Timestamp)
	if !ok {
		return nil, fmt.Errorf("find the time of changed rows: column %q is no timestamp", l.job.s.Table.Time)
	}
	from := func(t time.Time) int {
		return sort.Search(times.Len(), func(i int) bool { return int64(times.Value(i)) >= t.UnixMicro() })
	}
	first, end := 0, from(l.until)
	if !l.since.IsZero() {
		first = min(from(l.since), end)
	}
	return rows.NewSlice(int64(first), int64(end)), nil
}

// Discard forgets all rows.
func (l *landing) Discard() error {
	l.rows = 0
	return l.spill.Discard()
}

// drop removes the files that are left.
func (l *landing) drop() {
	removeFiles(l.files)
	l.files = nil
}

// landRead takes over what was read: the last rows and the rejects, which are
// durable when it returns.
func (j *job) landRead(ctx context.Context, land *landing, result extract.Result) error {
	if result.Rows != nil {
		err := land.Chunk(result.Rows)
		result.Rows.Release()
		result.Rows = nil
		if err != nil {
			return err
		}
	}
	result.Rejects = slices.DeleteFunc(result.Rejects, j.knows)
	j.rep.Duplicates += int64(result.Duplicates)
	j.rep.Rejects += int64(len(result.Rejects))
	j.rep.Unknown(result.Extra)
	if err := j.reject(ctx, &read{result: result}); err != nil {
		return err
	}
	return j.flushRejects(ctx)
}

// knows reports whether this run has met a rejected record before.
func (j *job) knows(r schema.Reject) bool { return j.met[rejectID(r)] }

// mergeLanded merges the rows into their partitions, and reads those again where
// that cannot be done. It reports whether everything is in the table then, as far
// as the source still answers.
func (j *job) mergeLanded(ctx, readCtx context.Context, land *landing) (bool, error) {
	start := j.s.Spec.Of(j.s.Spec.Floor(j.s.Start))
	var before, known []writer.File
	for _, f := range land.files {
		if f.Partition < start {
			before = append(before, f)
		} else {
			known = append(known, f)
		}
	}
	// Before the start the table holds single records only: others come.
	doubtful, err := j.merge(ctx, before, false)
	if err != nil {
		return false, err
	}
	// From the start on it holds every record: one that it does not know is new
	// there, or goes by another key today.
	strange, err := j.merge(ctx, known, j.s.Endpoint.UpdatedSince != "")
	if err != nil {
		return false, err
	}
	return j.renewAll(ctx, readCtx, append(doubtful, strange...))
}

// merge commits rows by their keys. It returns the partitions that were left as
// they are, because keys cannot be trusted in them.
func (j *job) merge(ctx context.Context, files []writer.File, knownOnly bool) ([]partitioning.Value, error) {
	if len(files) == 0 {
		return nil, nil
	}
	change := sink.Change{
		Mode: sink.Merge, Base: j.rep.TableVersion, Files: files, KnownOnly: knownOnly, WorkDir: j.dir,
		AcceptShrink: j.run.opts.AcceptShrink, RunID: j.run.opts.RunID, Operation: "MERGE",
	}
	change.NotBefore = j.idBreak()
	for range commitTries {
		receipt, err := j.s.Lake.Commit(ctx, change)
		if err != nil {
			return nil, err
		}
		if receipt.Outcome != sink.Conflict {
			j.note(receipt, nil)
			return receipt.Unmerged, nil
		}
		change.Base = receipt.Version // the newer of two rows of a key stays, whoever wrote it
	}
	return nil, fmt.Errorf("merge into %s: other runs keep changing the same partitions (%d tries): run one sync of this table at a time", j.s.Path, commitTries)
}

// renewAll reads partitions again that could not be merged. It reports whether
// the table holds all of them now, as far as the source still answers.
func (j *job) renewAll(ctx, readCtx context.Context, values []partitioning.Value) (bool, error) {
	if len(values) == 0 {
		return true, nil
	}
	slices.Sort(values)
	out, err := j.renew(ctx, readCtx, slices.Compact(values), renewOptions{})
	if err != nil {
		return false, err
	}
	for _, v := range out.left {
		gone, err := j.answeredNoMore(ctx, v)
		if err != nil || !gone {
			return false, err
		}
	}
	return true, nil
}
