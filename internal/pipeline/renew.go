package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/writer"
)

// renewOptions say how partitions are read again. The zero value reads all of
// them and replaces those whose rows changed.
type renewOptions struct {
	proceed func() bool  // asked before each range: false leaves the rest; nil = always
	most    func() int64 // rows that the next range should hold at most; nil = about one window
	rewrite bool         // write the partitions anew though their rows are the same: files are gone
	beside  []sink.Mark  // written with each commit

	// committed is told of partitions that the table holds now as they were read,
	// at that time or later; may be nil.
	committed func(ctx context.Context, values []partitioning.Value, at time.Time)
}

// renewal is what became of the partitions that were to be read again.
type renewal struct {
	read    []partitioning.Value // read, and the table holds what was read
	changed []partitioning.Value // of those, the ones whose rows were others before
	left    []partitioning.Value // not read, or not proven complete: the table holds what it held
}

// renewer reads partitions of a table again, range by range, and commits those
// that changed.
type renewer struct {
	job      *job
	o        renewOptions
	out      renewal
	base     *delta.Snapshot // loaded before the first request of the group
	change   sink.Change     // what changed since the last commit
	group    []partitioning.Value
	since    int       // the group's first read in the report
	begun    time.Time // when the commit before was made
	bytes    int64
	horizons int // partitions that the source answers no more
}

// renew reads partitions again from the source, in the given order, and replaces
// those whose rows changed. Neighbours that follow each other in the order are
// read as one range where they are small. A partition with a window that could not be
// proven complete, and one behind the horizon, stays as it is and is named in
// left; so are the rest when proceed says no, when the run is stopped, and after
// an error. What was read whole before is committed all the same. The caller
// leaves out partitions before the stream's start.
func (j *job) renew(ctx, readCtx context.Context, values []partitioning.Value, o renewOptions) (renewal, error) {
	n := &renewer{job: j, o: o}
	if len(values) == 0 {
		return n.out, nil
	}
	if j.group == nil {
		j.group = newGroup(j.rng.Since, time.Now())
	}
	base, err := j.s.Lake.Load(ctx)
	if err != nil {
		n.out.left = values
		return n.out, err
	}
	n.reset(base)
	j.failing.Store(0)
	err = n.ranges(ctx, readCtx, values)
	if errors.Is(err, errStopped) {
		err = nil // not a fault of the stream
	}
	if ctx.Err() == nil {
		err = errors.Join(err, n.commit(ctx))
	}
	if n.horizons > 0 {
		j.rep.Warn(fmt.Sprintf("%d partitions should be read again, but lie behind the %d months that the source answers: what the table holds of them stays as it is",
			n.horizons, j.s.Endpoint.HorizonMonths))
	}
	return n.out, err
}

// reset starts the next group on top of a table.
func (n *renewer) reset(base *delta.Snapshot) {
	n.base, n.group, n.since, n.begun, n.bytes = base, nil, len(n.job.rep.Reads), time.Now(), 0
	n.change = sink.Change{
		Mode: sink.Replace, Base: base.Version(), Beside: n.o.beside, KeepDeleted: n.job.s.KeepDeleted,
		AcceptShrink: n.job.run.opts.AcceptShrink, RunID: n.job.run.opts.RunID, Operation: "WRITE",
	}
}

// ranges reads one range after the other. What is not read is left.
func (n *renewer) ranges(ctx, readCtx context.Context, values []partitioning.Value) error {
	if err := n.calibrate(readCtx, values); err != nil {
		n.out.left = append(n.out.left, values...)
		return err
	}
	for len(values) > 0 {
		if n.o.proceed != nil && !n.o.proceed() || n.tooMany(values[0]) {
			break
		}
		if time.Since(n.begun) >= n.job.run.opts.CommitEvery || n.bytes >= n.job.run.opts.CommitBytes {
			if err := n.commit(ctx); err != nil {
				n.out.left = append(n.out.left, values...)
				return err
			}
		}
		rg, rest, err := n.next(ctx, values)
		if err == nil && len(rg.values) > 0 {
			err = rg.read(ctx, readCtx)
		}
		if err != nil {
			n.out.left = append(n.out.left, rg.wanted(values, rest)...)
			if readCtx.Err() != nil {
				return context.Cause(readCtx)
			}
			return err
		}
		values = rest
		n.job.progress(false)
	}
	n.out.left = append(n.out.left, values...)
	return nil
}

// tooMany reports whether a partition holds more rows than the next range should,
// unless it would be the first that is read.
func (n *renewer) tooMany(v partitioning.Value) bool {
	rows, _, _, _ := n.base.Partition(v)
	return n.o.most != nil && len(n.group)+len(n.out.read) > 0 && rows > n.o.most()
}

// calibrate finds out how exact the creation filter is, where that is not known
// and pays: each range would be asked with wide margins.
func (n *renewer) calibrate(ctx context.Context, values []partitioning.Value) error {
	j := n.job
	if len(values) < 3 {
		return nil
	}
	since, err := j.s.Spec.Start(slices.Min(values))
	if err != nil {
		return err
	}
	last, err := j.s.Spec.Start(slices.Max(values))
	if err != nil {
		return err
	}
	if err := j.reader.Calibrate(ctx, window.Window{Since: since, Until: j.s.Spec.Next(last)}); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("look at the partitions that are read again: %w", err)
	}
	return nil
}

// commit commits what changed, and tells what became of the group's partitions.
func (n *renewer) commit(ctx context.Context) error {
	j := n.job
	err := j.flushRejects(ctx)
	if err == nil && len(n.group) == 0 {
		return nil
	}
	if err == nil && len(n.change.Partitions)+len(n.change.Reread) > 0 {
		wanted := slices.Clone(n.change.Partitions)
		err = n.commitWithoutDoubtful(ctx)
		removeFiles(n.change.Files)
		n.ownReads()
		n.drop(slices.DeleteFunc(wanted, func(v partitioning.Value) bool { return slices.Contains(n.change.Partitions, v) }))
	}
	var after *delta.Snapshot
	if err == nil {
		after, err = j.s.Lake.Load(ctx)
	}
	if err != nil {
		n.out.left, n.group = append(n.out.left, n.group...), nil
		return err
	}
	n.out.read = append(n.out.read, n.group...)
	for _, v := range n.group {
		if n.o.rewrite || !sameRows(n.base, after, v) {
			n.out.changed = append(n.out.changed, v)
		}
	}
	n.placeReads()
	if n.o.committed != nil {
		n.o.committed(ctx, n.group, n.oldestRead())
	}
	n.reset(after)
	return nil
}

// doubtfulShare is how much of a group may be doubtful: one partition in so many.
const doubtfulShare = 4

// commitWithoutDoubtful commits the change. A partition that would lose too many
// records is left out, and named as a failure, so that one doubtful day does not
// keep the others from being read again for ever. Where much of the group is
// doubtful, all of it is: the key may be wrong.
func (n *renewer) commitWithoutDoubtful(ctx context.Context) error {
	all, left := len(n.group), 0
	for {
		_, err := n.job.commitChange(ctx, &n.change)
		var shrink *sink.ShrinkError
		if !errors.As(err, &shrink) {
			return err
		}
		v := cmp.Or(shrink.Partition, shrink.Worst)
		start, bad := n.job.s.Spec.Start(v)
		if left++; bad != nil || left*doubtfulShare > all || !slices.Contains(n.change.Partitions, v) {
			return err
		}
		n.job.failed(window.Window{Since: start, Until: n.job.s.Spec.Next(start)}, err)
		n.leaveOut(v)
	}
}

// leaveOut takes a partition out of the change: the table keeps what it has.
func (n *renewer) leaveOut(v partitioning.Value) {
	is := func(other partitioning.Value) bool { return other == v }
	n.change.Partitions = slices.DeleteFunc(slices.Clone(n.change.Partitions), is)
	n.change.Rewrite = slices.DeleteFunc(slices.Clone(n.change.Rewrite), is)
	n.change.Files = slices.DeleteFunc(n.change.Files, func(f writer.File) bool {
		if f.Partition == v {
			removeFiles([]writer.File{f})
		}
		return f.Partition == v
	})
}

// drop takes partitions out of the group that could not be read again after a
// conflict.
func (n *renewer) drop(values []partitioning.Value) {
	n.group = slices.DeleteFunc(n.group, func(v partitioning.Value) bool { return slices.Contains(values, v) })
	n.out.left = append(n.out.left, values...)
}

// placeReads notes the version of the table that holds what was read. A window of
// which a partition was left is not committed.
func (n *renewer) placeReads() {
	for i := n.since; i < len(n.job.rep.Reads); i++ {
		read := &n.job.rep.Reads[i]
		whole := !slices.ContainsFunc(partitions(n.job.s.Spec, read.Since, read.Until), func(v partitioning.Value) bool { return !slices.Contains(n.group, v) })
		if whole && read.Version < 0 {
			read.Version = n.job.rep.TableVersion
		}
	}
}

// ownReads tells the group's reads from those that the watermark stands for.
func (n *renewer) ownReads() {
	for i := n.since; i < len(n.job.rep.Reads); i++ {
		n.job.rep.Reads[i].Refresh = true
	}
}

// oldestRead is when the first of the group's windows was read.
func (n *renewer) oldestRead() time.Time {
	at := n.job.run.opts.Now().UTC()
	for _, read := range n.job.rep.Reads[n.since:] {
		at = earliest(at, read.ReadAt)
	}
	return at
}

func sameRows(a, b *delta.Snapshot, v partitioning.Value) bool {
	rows, fingerprint, known, _ := a.Partition(v)
	n, now, sure, _ := b.Partition(v)
	return known && sure && rows == n && fingerprint == now
}

// take puts the partitions of a range into the group. Those whose rows are in
// the table already, by their number and fingerprint, are not in the change.
func (n *renewer) take(rg *renewRange) {
	read := map[partitioning.Value]writer.File{} // sums of the partition's files
	for _, f := range rg.files {
		all := read[f.Partition]
		all.Rows, all.Fingerprint = all.Rows+f.Rows, all.Fingerprint+f.Fingerprint
		read[f.Partition] = all
	}
	for _, v := range rg.values {
		if rg.broken[v] {
			n.out.left = append(n.out.left, v)
			continue
		}
		n.group = append(n.group, v)
		rows, fingerprint, known, _ := n.base.Partition(v)
		same := rg.same[v] || known && rows == read[v].Rows && (rows == 0 || fingerprint == read[v].Fingerprint)
		switch {
		case !same || n.o.rewrite:
			n.change.Partitions = append(n.change.Partitions, v)
		case slices.Contains(n.base.Unread(), v):
			n.change.Reread = append(n.change.Reread, v)
			fallthrough
		default:
			n.change.Unchanged += rows
			n.job.rep.Unchanged++
		}
	}
	if n.o.rewrite {
		n.change.Rewrite = n.change.Partitions
	}
	for _, f := range rg.files {
		if !slices.Contains(n.change.Partitions, f.Partition) {
			removeFiles([]writer.File{f})
			continue
		}
		n.change.Files = append(n.change.Files, f)
		n.bytes += f.Bytes
	}
}

// failed notes a window that could not be proven complete.
func (j *job) failed(w window.Window, err error) {
	j.rep.Failures = append(j.rep.Failures, report.Window{Since: w.Since, Until: w.Until, Error: err.Error()})
	j.run.opts.Log.Error("window failed", "stream", j.s.Name(), "window", w.String(), "error", err)
}
