package pipeline

import (
	"context"
	"fmt"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/sink"
)

// parentsAtOnce is how many parents are read before their rows are written.
const parentsAtOnce = 1000

// snapshotParents reads one record per parent and appends them to the table as
// the snapshot of this run. The time of the snapshot is the version of the
// table's mark: the same snapshot is never appended twice.
func (j *job) snapshotParents(ctx, readCtx context.Context) error {
	mark := &sink.Mark{App: j.s.app(), Version: j.run.started.UnixMicro()}
	if have, ok := j.base.Mark(mark.App); ok && have >= mark.Version {
		j.rep.Warn("a snapshot of this time or later is in the table already")
		return nil
	}
	parents, err := j.parents(readCtx)
	if err != nil {
		return fmt.Errorf("read the keys of %s: %w", j.s.Endpoint.Parent, err)
	}
	change := sink.Change{Mode: sink.Append, Base: j.base.Version(), Mark: mark, RunID: j.run.opts.RunID, Operation: "WRITE"}
	defer func() { removeFiles(change.Files) }()
	for len(parents) > 0 {
		n := min(len(parents), parentsAtOnce)
		result, err := j.reader.ReadParents(readCtx, parents[:n], j.run.started)
		if err != nil {
			if readCtx.Err() != nil {
				return context.Cause(readCtx)
			}
			return err
		}
		parents = parents[n:]
		r := &read{result: result, ended: j.run.opts.Now().UTC()}
		if err := j.toFiles(ctx, r); err != nil {
			return err
		}
		change.Files = append(change.Files, r.files...)
		if err := j.reject(ctx, r); err != nil {
			return err
		}
		j.count(r)
		j.noteRead(r)
		if len(result.Missing) > 0 {
			j.rep.Warn(fmt.Sprintf("%d of %s answered not found", len(result.Missing), j.s.Endpoint.Parent))
		}
		j.progress(false)
	}
	if err := j.flushRejects(ctx); err != nil {
		return err
	}
	receipt, err := j.s.Lake.Commit(ctx, change)
	if err != nil {
		return err
	}
	j.note(receipt, nil)
	j.placeAll()
	return nil
}

// parents gives the keys of the parent stream: from the run when the parent is
// part of it, else from the source.
func (j *job) parents(ctx context.Context) ([]string, error) {
	if list := j.run.keys[keysID(j.s.Connection, j.s.Endpoint.Parent)]; list != nil {
		return list.wait(ctx)
	}
	p := j.s.Parent
	reader := extract.NewReader(j.s.Client, p.Endpoint, extract.ReaderOptions{
		ChunkBytes: int(j.run.opts.Chunk), Connection: j.s.Connection, Table: p.Table, Now: j.run.opts.Now,
	})
	result, err := reader.Read(ctx, window.Window{}, nil)
	if err != nil {
		return nil, err
	}
	if result.Rows == nil {
		return nil, nil
	}
	defer result.Rows.Release()
	return keyColumn(result.Rows, p.Table.Key[0]), nil
}
