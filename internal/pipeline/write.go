package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// writeWindows writes windows as they end, oldest first, and commits groups
// of whole partitions. It returns nil when reading ends early: the readers say
// why.
func (j *job) writeWindows(ctx, readCtx context.Context, q *queue) error {
	for {
		it, err := q.pop(readCtx)
		if it == nil || err != nil {
			return nil
		}
		if err := j.writeWindow(ctx, it); err != nil {
			return err
		}
	}
}

// writeEnded writes the windows that had ended when reading stopped, as far as
// none is missing between them.
func (j *job) writeEnded(ctx context.Context, q *queue) error {
	for it := q.popEnded(); it != nil; it = q.popEnded() {
		if err := j.writeWindow(ctx, it); err != nil {
			return err
		}
	}
	return nil
}

// drop gives back what the windows that will never be written hold.
func (j *job) drop(q *queue) {
	for _, it := range q.items {
		it.read.release()
		if it.ended {
			j.run.budget.resize(it.held, 0)
		}
	}
	q.items = nil
}

// writeWindow writes the rows of one window to the stream's files. Before the
// first window of a partition the group may be committed.
func (j *job) writeWindow(ctx context.Context, it *item) error {
	defer func() {
		it.read.release()
		j.run.budget.resize(it.held, 0)
	}()
	w := it.window
	if j.s.Spec.Floor(w.Since).Equal(w.Since) {
		if err := j.commitIfDue(ctx); err != nil {
			return err
		}
	}
	if it.err != nil {
		j.group.spoil(j.s.Spec, w.Since, w.Until)
		j.rep.Failures = append(j.rep.Failures, report.Window{Since: w.Since, Until: w.Until, Error: it.err.Error()})
		j.run.opts.Log.Error("window failed", "stream", j.s.Name(), "window", w.String(), "error", it.err)
		return nil
	}
	j.count(it.read)
	j.noteRead(it.read)
	if err := j.reject(ctx, it.read); err != nil {
		return err
	}
	j.group.add(it.read.files)
	it.read.files = nil
	if err := j.writeRows(ctx, it); err != nil {
		return fmt.Errorf("write %s: %w", w, err)
	}
	j.group.extend(w.Until)
	j.progress(false)
	return nil
}

// writeRows writes the rows of a window that was held in memory.
func (j *job) writeRows(ctx context.Context, it *item) error {
	rows := it.read.result.Rows
	if rows == nil {
		return nil
	}
	parts, err := j.s.Spec.Split(rows)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err == nil && j.same(it, p) {
			j.group.unchanged[p.Value] = true
			j.group.sameRows += p.Rows.NumRows()
			j.rep.Unchanged++
		} else if err == nil {
			err = j.writer.Write(ctx, p)
		}
		p.Rows.Release()
	}
	return err
}

// same reports whether a part is the whole of its partition and the table
// holds exactly these rows already, so that there is no need to write them.
func (j *job) same(it *item, p partitioning.Part) bool {
	start, err := j.s.Spec.Start(p.Value)
	if err != nil || start.Before(it.window.Since) || slices.Contains(j.damaged, p.Value) {
		return false
	}
	if end := j.s.Spec.Next(start); end.After(it.window.Until) && it.window.Until.Before(j.rng.Until) {
		return false
	}
	rows, fingerprint, known, _ := j.base.Partition(p.Value)
	return known && rows == p.Rows.NumRows() && fingerprint == sum(p.Rows)
}

// sum is the order-independent fingerprint of a batch's rows.
func sum(rows arrow.RecordBatch) uint64 {
	var total uint64
	for _, f := range schema.Fingerprint(rows) {
		total += f
	}
	return total
}

// count adds a window to the stream's report.
func (j *job) count(r *read) {
	res := r.result
	j.rep.Count(string(res.Proof))
	j.rep.Records += int64(res.Kept)
	j.rep.Outside += int64(res.Outside)
	j.rep.Duplicates += int64(res.Duplicates)
	j.rep.Rejects += int64(res.Rejected)
	j.rep.Unknown(res.Extra)
}
