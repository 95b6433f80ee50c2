package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// wholeList syncs a stream that has no creation filter: the whole list
// replaces the table when it changed.
func (j *job) wholeList(ctx, readCtx context.Context) error {
	if err := j.findDamage(ctx); err != nil {
		return err
	}
	reads, err := j.readAll(readCtx, window.Window{})
	if err != nil {
		if readCtx.Err() != nil {
			return context.Cause(readCtx)
		}
		return err
	}
	if own := j.keys(); own != nil {
		own.close(nil) // whole, whatever becomes of the commit
	}
	change := j.listChange()
	for range commitTries {
		if change.Files, err = j.filesOf(ctx, reads); err != nil {
			return err
		}
		if len(j.damaged) == 0 && j.inTable(change) {
			removeFiles(change.Files)
			j.tookOver(reads)
			return nil
		}
		receipt, err := j.s.Lake.Commit(ctx, change)
		removeFiles(change.Files)
		if err != nil {
			return err
		}
		if receipt.Outcome != sink.Conflict {
			j.note(receipt, change.Mark)
			j.tookOver(reads)
			return nil
		}
		j.warnRival()
		change.Base = receipt.Version
		if reads, err = j.readAll(readCtx, window.Window{}); err != nil {
			return err
		}
	}
	return fmt.Errorf("commit %s: other runs keep changing the table (%d tries): run one sync of this table at a time", j.s.Path, commitTries)
}

// listChange is the replacement of the whole table, without its files.
func (j *job) listChange() sink.Change {
	return sink.Change{
		Mode:         sink.Overwrite,
		Base:         j.base.Version(),
		Mark:         &sink.Mark{App: j.s.app(), Version: j.run.started.UnixMicro()},
		AcceptShrink: j.run.opts.AcceptShrink,
		Reread:       j.base.Unread(),
		Rewrite:      j.damaged,
		MoveMark:     j.lacksDeleted(),
		KeepDeleted:  j.s.KeepDeleted,
		WorkDir:      j.dir,
		RunID:        j.run.opts.RunID,
		Operation:    "WRITE",
	}
}

// filesOf collects the files of reads and makes their rejects durable.
func (j *job) filesOf(ctx context.Context, reads []*read) ([]writer.File, error) {
	var files []writer.File
	for _, r := range reads {
		files = append(files, r.files...)
		if err := j.reject(ctx, r); err != nil {
			return nil, err
		}
	}
	return files, j.flushRejects(ctx)
}

// tookOver notes that what the table holds now is what was read.
func (j *job) tookOver(reads []*read) {
	for _, r := range reads {
		j.count(r)
		j.noteRead(r)
	}
	j.placeAll()
}

// inTable reports whether the table, as it was loaded, holds exactly the rows of
// a change that replaces all of it. Then there is no need to ask the table again.
func (j *job) inTable(c sink.Change) bool {
	type rows struct {
		n           int64
		fingerprint uint64
	}
	if !j.base.Exists() || c.MoveMark || len(j.base.Unread()) > 0 || c.Base != j.base.Version() {
		return false
	}
	want := map[partitioning.Value]rows{}
	for _, f := range c.Files {
		sum := want[f.Partition]
		want[f.Partition] = rows{sum.n + f.Rows, sum.fingerprint + f.Fingerprint}
	}
	same := 0
	for v := range j.base.Partitions() {
		n, fingerprint, known, _ := j.base.Partition(v)
		if !known || want[v] != (rows{n, fingerprint}) {
			return false
		}
		if n > 0 { // else it holds only deleted records
			same++
		}
	}
	if same != len(want) {
		return false
	}
	j.rep.Unchanged += same
	return true
}

// readAll reads a range one window after the other, writes the rows to files
// and returns what was read, without rows. The caller owns the files.
func (j *job) readAll(ctx context.Context, w window.Window) ([]*read, error) {
	var done []*read
	pending := []window.Window{w}
	if own := j.keys(); own != nil {
		own.forget()
	}
	for len(pending) > 0 {
		next := pending[0]
		pending = pending[1:]
		r, err := j.readWindow(ctx, next)
		var wide *extract.TooWideError
		if errors.As(err, &wide) {
			pending = append(append([]window.Window{}, wide.Parts...), pending...)
			continue
		}
		if err == nil {
			err = j.toFiles(ctx, r)
		}
		if err != nil {
			for _, d := range done {
				d.release()
			}
			return nil, fmt.Errorf("read %s: %w", next, err)
		}
		done = append(done, r)
	}
	return done, nil
}

// toFiles writes the rows of a window to files of its own.
func (j *job) toFiles(ctx context.Context, r *read) error {
	if r.result.Rows == nil {
		return nil
	}
	sp := &spill{job: j, ctx: ctx}
	err := sp.Chunk(r.result.Rows)
	r.files = append(r.files, sp.files...)
	r.result.Rows.Release()
	r.result.Rows = nil
	return err
}

// keys is the list of this stream's keys that streams read per parent wait
// for, or nil.
func (j *job) keys() *keys { return j.run.keys[keysID(j.s.Connection, j.s.Name())] }

// collect adds the keys of rows to the list that other streams wait for.
func (j *job) collect(rows arrow.RecordBatch) {
	if own := j.keys(); own != nil {
		own.add(keyColumn(rows, j.s.Table.Key[0]))
	}
}

// keyColumn copies a text column out of a batch.
func keyColumn(rows arrow.RecordBatch, name string) []string {
	at := rows.Schema().FieldIndices(name)
	if len(at) == 0 {
		return nil
	}
	column, ok := rows.Column(at[0]).(*array.String)
	if !ok {
		return nil
	}
	list := make([]string, 0, column.Len())
	for i := range column.Len() {
		list = append(list, string([]byte(column.Value(i)))) // the batch is released
	}
	return list
}
