package delta

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
)

const (
	commitTries  = 15                    // lost races before a commit gives up
	unclearTries = 4                     // puts of one version whose answers were lost
	patientTries = 8                     // the same where the store says that its trouble is temporary: some 10 s
	firstPause   = 20 * time.Millisecond // doubled after each lost race
	longerPause  = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// transaction is one call of Commit.
type transaction struct {
	table   *Table
	change  sink.Change
	id      string // commitInfo.txnId of all tries: proof that a commit is this one
	files   uploaded
	merge   *merge // of a Merge
	unclear bool   // a put of the commit had an unclear answer: the data files stay
}

// Commit makes the change visible as a whole or not at all.
//
// A partition whose rows are in the table already, whatever the files, is left
// alone; when that is all of them the outcome is Unchanged and nothing is
// written, not even the mark. A table that does not exist is made, also for a
// change without rows. Columns that the table lacks are added in the same
// commit.
//
// When Paylake has committed to some of the partitions after Base the outcome is
// Conflict: read those again and call Commit with a new Base. Commits of other
// engines are taken as they are: the change replaces their rows in its
// partitions.
//
// A Merge finds the rows that its keys have in the table: by partition and
// statistics, then by reading the columns of key and age. Files that hold one of
// them and change are written anew below the work folder, a row group at a time,
// and only those. Files of other engines whose rows do not fit the table's
// columns, and files that are lost or damaged, leave their partition unmerged,
// with a warning.
//
// A change that would remove more than 5 % of the rows it replaces and more than
// 10 rows, or all of them, is a *sink.ShrinkError. Settings, features and columns
// are checked as by Load.
//
// When the context ends, or an error is returned, the table is as before, and
// files that were uploaded are removed, with one exception: when the store's
// answer to the commit itself was lost and the log cannot tell, the error says
// so, and the data files stay.
func (t *Table) Commit(ctx context.Context, c sink.Change) (sink.Receipt, error) {
	if err := t.checkChange(c); err != nil {
		return sink.Receipt{}, err
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return sink.Receipt{}, fmt.Errorf("commit to table %s: %w", t.root, err)
	}
	x := &transaction{table: t, change: c, id: id.String(), files: uploaded{tried: map[string]bool{}, done: map[string]*add{}}}
	if c.Mode == sink.Merge {
		if x.merge, err = x.newMerge(ctx); err != nil {
			return sink.Receipt{}, err
		}
	}
	receipt, named, err := x.run(ctx)
	if derr := x.discard(ctx, named); derr != nil {
		if err != nil {
			return sink.Receipt{}, errors.Join(err, derr)
		}
		receipt.Warnings = append(receipt.Warnings, derr.Error())
	}
	if err != nil {
		return sink.Receipt{}, err
	}
	if receipt.Outcome == sink.Committed {
		receipt.Warnings = append(receipt.Warnings, t.checkpointIfDue(ctx)...)
	}
	return receipt, nil
}

// run tries until the change is in the log, or need not or cannot be. It returns
// the adds of the commit that holds the change.
func (x *transaction) run(ctx context.Context) (sink.Receipt, []*add, error) {
	for try := range commitTries {
		if try > 0 {
			if err := pause(ctx, try); err != nil {
				return sink.Receipt{}, nil, fmt.Errorf("commit to table %s: %w", x.table.root, err)
			}
		}
		s, err := x.table.refresh(ctx)
		if err == nil {
			err = x.table.vanished()
		}
		if err != nil {
			return sink.Receipt{}, nil, err
		}
		receipt, named, err := x.try(ctx, s)
		if err != nil || receipt.Outcome != 0 {
			return receipt, named, err
		}
	}
	return sink.Receipt{}, nil, fmt.Errorf("commit to table %s: other writers were faster %d times: run again when they have finished", x.table.root, commitTries)
}

// try makes the change on top of s. The zero outcome means that the race for
// the next version was lost.
func (x *transaction) try(ctx context.Context, s *Snapshot) (sink.Receipt, []*add, error) {
	t, c := x.table, x.change
	meta, err := t.metaFor(s, c)
	if err != nil {
		return sink.Receipt{}, nil, err
	}
	if mark, ok := markOf(s, c); c.Mode == sink.Append && ok && mark >= c.Mark.Version {
		return sink.Receipt{Outcome: sink.AlreadyDone, Version: s.version}, nil, nil
	}
	p, stale, err := x.plan(ctx, s)
	if err != nil {
		return sink.Receipt{}, nil, err
	}
	if len(stale) > 0 {
		return sink.Receipt{Outcome: sink.Conflict, Version: s.version, Stale: stale}, nil, nil
	}
	if p.empty() && s.Exists() && !c.MoveMark && !t.onlyNote(s, c) {
		t.noteSame(c, s.version)
		return sink.Receipt{Outcome: sink.Unchanged, Version: s.version, Skipped: p.skipped, Unmerged: p.unmerged, Warnings: p.notes}, nil, nil
	}
	if err := t.guard(ctx, c, p); err != nil {
		return sink.Receipt{}, nil, err
	}
	clean, err := t.keepDeleted(ctx, s, c, p)
	defer clean()
	if err != nil {
		return sink.Receipt{}, nil, err
	}
	adds, err := x.upload(ctx, p.add)
	if err != nil {
		return sink.Receipt{}, nil, err
	}
	return x.commit(ctx, s, p, meta, adds)
}

// plan says what the change does to s, or which of its partitions are stale.
func (x *transaction) plan(ctx context.Context, s *Snapshot) (*plan, []partitioning.Value, error) {
	stale, err := x.table.stale(ctx, s, x.change)
	if err != nil || len(stale) > 0 {
		return nil, stale, err
	}
	if x.merge != nil {
		return x.merge.plan(ctx, s)
	}
	p, err := x.table.makePlan(ctx, s, x.change)
	return p, nil, err
}

// metaFor checks that the table takes the change and returns the metaData that
// must go with it: that of a new table, or added columns, or nil.
func (t *Table) metaFor(s *Snapshot, c sink.Change) (*metaData, error) {
	if !s.Exists() {
		return t.newMetaData()
	}
	if err := t.checkSettings(s.state); err != nil {
		return nil, err
	}
	if err := t.checkWritable(s.state); err != nil {
		return nil, err
	}
	if err := t.checkMode(s.state, c.Mode); err != nil {
		return nil, err
	}
	return t.evolvedMetaData(s.state)
}

func markOf(s *Snapshot, c sink.Change) (int64, bool) {
	if c.Mark == nil {
		return 0, false
	}
	return s.Mark(c.Mark.App)
}

// commit puts the next version. On success t.tip is that version.
func (x *transaction) commit(ctx context.Context, s *Snapshot, p *plan, meta *metaData, adds []*add) (sink.Receipt, []*add, error) {
	t := x.table
	version := s.version + 1
	actions, err := x.actions(s, p, meta, adds)
	if err != nil {
		return sink.Receipt{}, nil, err
	}
	body, err := encodeActions(actions)
	if err != nil {
		return sink.Receipt{}, nil, err
	}
	if err := ctx.Err(); err != nil {
		return sink.Receipt{}, nil, fmt.Errorf("commit to table %s: %w", t.root, err)
	}
	won, err := x.create(ctx, version, body)
	if err != nil || !won {
		return sink.Receipt{}, nil, err
	}
	next := s.clone()
	done := next.commit(version, actions)
	t.noteSame(x.change, version)
	t.mu.Lock()
	t.tip, t.size, t.seen[version] = s.next(next), int64(len(body)), done
	t.own[version] = ownCommit{x.id, int64(len(body))}
	t.mu.Unlock()
	return p.receipt(version, adds), adds, nil
}

// receipt counts what the plan did.
func (p *plan) receipt(version int64, adds []*add) sink.Receipt {
	r := sink.Receipt{Outcome: sink.Committed, Version: version, FilesAdded: len(adds), FilesRemoved: len(p.remove), Skipped: p.skipped,
		Deleted: p.deleted, Warnings: p.notes, RowsRemoved: p.removedRows, Unmerged: p.unmerged}
	for _, f := range p.add {
		r.BytesAdded += f.Bytes
		r.RowsAdded += f.Rows
	}
	for _, f := range p.remove {
		r.BytesRemoved += f.size
	}
	for _, c := range p.changed {
		r.RowsRemoved += c.have.rows
	}
	return r
}

// create puts the commit object if the version is free and tells whether the
// version is this commit. A version that exists is read back: a put that was
// repeated on the way meets its own first try. After any other answer the log is
// read, too; an object that is absent is put again, with the same bytes. An error
// that says that nothing was sent (a method NotWritten) is final.
func (x *transaction) create(ctx context.Context, version int64, body []byte) (bool, error) {
	t := x.table
	for try := 1; ; try++ {
		cause := t.store.Create(ctx, t.key(commitName(version)), body)
		var refused interface{ NotWritten() bool }
		switch {
		case cause == nil:
			return true, nil
		case errors.As(cause, &refused) && refused.NotWritten():
			return false, fmt.Errorf("commit version %d of table %s: %w", version, t.root, cause)
		}
		x.unclear = x.unclear || !errors.Is(cause, store.ErrExists)
		found, owner, err := t.owner(ctx, version)
		tries, first := patience(cause)
		switch {
		case err == nil && found:
			return owner == x.id, nil
		case err != nil, try >= tries, ctx.Err() != nil, wait(ctx, first<<try) != nil:
			return false, unclearError(t, version, cause, err)
		}
	}
}

// patience says how often a put is repeated after this error, and what its
// pauses grow from. The log is read between the tries, so repeating is safe.
func patience(cause error) (tries int, first time.Duration) {
	var store interface{ Temporary() bool }
	if errors.As(cause, &store) && store.Temporary() {
		return patientTries, longerPause
	}
	return unclearTries, firstPause
}

// unclearError says what is known of a commit that could not be put.
func unclearError(t *Table, version int64, cause, err error) error {
	known := "it is unclear whether it was written"
	if err == nil {
		known += " (the log does not hold it now)"
	}
	return fmt.Errorf("commit version %d of table %s: %s, so its data files were left in place; run again to find out: %w",
		version, t.root, known, errors.Join(cause, err))
}

// owner returns the txnId of a commit in the log. It works though the run was
// interrupted.
func (t *Table) owner(ctx context.Context, version int64) (found bool, txnID string, err error) {
	ctx, cancel := settling(ctx)
	defer cancel()
	actions, err := t.readCommit(ctx, version)
	if errors.Is(err, store.ErrNotFound) {
		return false, "", nil
	}
	if err != nil {
		return false, "", err
	}
	return true, txnIDOf(actions), nil
}

// pause waits before the next try: exponential with full jitter.
func pause(ctx context.Context, try int) error { return wait(ctx, firstPause<<min(try, 16)) }

// wait waits for a random part of the limit.
func wait(ctx context.Context, limit time.Duration) error {
	timer := time.NewTimer(rand.N(min(limit, longestPause)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
