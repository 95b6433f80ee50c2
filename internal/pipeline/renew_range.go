package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/writer"
)

// renewRange is one range of time that is read again: one or more whole
// partitions.
type renewRange struct {
	n      *renewer
	window window.Window
	values []partitioning.Value // that are wanted, all of them inside the window
	writer *writer.Writer       // of the rows that were held; nil before the first
	files  []writer.File
	same   map[partitioning.Value]bool // rows found in the table as they are
	broken map[partitioning.Value]bool // with a window that could not be proven
}

// next takes the partitions that are read as one range: the first, and those
// that follow it in time and in the order as long as they are few rows. A list
// whose filter has no effect is read once for all of them.
func (n *renewer) next(ctx context.Context, values []partitioning.Value) (*renewRange, []partitioning.Value, error) {
	rg := &renewRange{n: n, same: map[partitioning.Value]bool{}, broken: map[partitioning.Value]bool{}}
	most := n.job.reader.WindowRows()
	if n.o.most != nil {
		most = min(most, n.o.most())
	}
	whole := n.job.reader.Facts().Filter == "none"
	rows := int64(0)
	for i, v := range values {
		start, err := n.job.s.Spec.Start(v)
		if err != nil {
			return nil, nil, err
		}
		held, _, _, _ := n.base.Partition(v)
		fits := start.Equal(rg.window.Until) && held >= 0 && rows+held <= most
		if len(rg.values) > 0 && !fits && !whole {
			return rg, values[i:], nil
		}
		gone, err := n.job.answeredNoMore(ctx, v)
		if err != nil {
			return nil, nil, err
		}
		if gone {
			n.out.left = append(n.out.left, v)
			n.horizons++
			continue
		}
		rows += max(held, 0)
		rg.extend(start, n.job.s.Spec.Next(start))
		rg.values = append(rg.values, v)
	}
	return rg, nil, nil
}

// wanted gives the partitions of the range and those after it; all values where
// there is no range.
func (rg *renewRange) wanted(values, rest []partitioning.Value) []partitioning.Value {
	if rg == nil {
		return values
	}
	return slices.Concat(rg.values, rest)
}

func (rg *renewRange) extend(since, until time.Time) {
	if rg.window.IsZero() {
		rg.window = window.Window{Since: since, Until: until}
		return
	}
	rg.window.Since, rg.window.Until = earliest(rg.window.Since, since), latest(rg.window.Until, until)
}

// read reads the range and puts its partitions into the group. After an error
// nothing of the range is left.
func (rg *renewRange) read(ctx, readCtx context.Context) error {
	j := rg.n.job
	noted := len(j.rep.Reads)
	until := latest(j.rng.Until, j.run.opts.Now().Add(-j.run.opts.Settle).UTC().Truncate(time.Second))
	if mark, ok := rg.n.base.Mark(j.s.app()); ok {
		until = latest(until, time.UnixMicro(mark).UTC())
	}
	w := window.Window{Since: rg.window.Since, Until: earliest(rg.window.Until, until)}
	if w.Empty() { // it has not begun yet
		rg.n.out.left = append(rg.n.out.left, rg.values...)
		return nil
	}
	err := rg.windows(ctx, readCtx, w)
	if err == nil {
		err = rg.finish(ctx)
	}
	rg.n.ownReads()
	if err != nil {
		if rg.writer != nil {
			err = errors.Join(err, rg.writer.Abort())
		}
		removeFiles(rg.files)
		j.rep.Reads = j.rep.Reads[:noted]
		return err
	}
	rg.n.take(rg)
	return nil
}

// windows reads a range window by window, one after the other, so that the rows
// of one are held at a time.
func (rg *renewRange) windows(ctx, readCtx context.Context, w window.Window) error {
	j := rg.n.job
	pending := []window.Window{w}
	for len(pending) > 0 {
		next := pending[0]
		pending = pending[1:]
		err := rg.one(ctx, readCtx, next)
		var wide *extract.TooWideError
		var moved *extract.IncompleteError
		var failed *extract.RequestError
		switch {
		case err == nil:
			j.failing.Store(0)
		case errors.As(err, &wide):
			pending = append(slices.Clone(wide.Parts), pending...)
		case errors.As(err, &moved), errors.As(err, &failed) && j.failing.Add(1) < failingWindows:
			j.failed(next, err)
			for _, v := range partitions(j.s.Spec, next.Since, next.Until) {
				rg.broken[v] = true
			}
		default:
			return err
		}
	}
	return nil
}

// one reads one window and writes those of its rows that the table may not hold.
func (rg *renewRange) one(ctx, readCtx context.Context, w window.Window) error {
	j := rg.n.job
	held := j.expected.Load()
	if err := j.run.budget.acquire(readCtx, held, func() bool { return false }); err != nil {
		return context.Cause(readCtx)
	}
	defer func() { j.run.budget.resize(held, 0) }()
	r, err := j.readWindow(readCtx, w)
	if err != nil {
		if readCtx.Err() != nil {
			return context.Cause(readCtx)
		}
		return fmt.Errorf("read %s again: %w", w, err)
	}
	defer r.release()
	size := r.size()
	j.expect(size)
	j.run.budget.resize(held, size)
	held = size
	j.count(r)
	j.noteRead(r)
	if err := j.reject(ctx, r); err != nil {
		return err
	}
	rg.files = append(rg.files, r.files...)
	r.files = nil
	return rg.write(ctx, r, w)
}

// write writes the rows of a window that was held. A partition of which they are
// all rows, and which are in the table already, needs no file.
func (rg *renewRange) write(ctx context.Context, r *read, w window.Window) error {
	j := rg.n.job
	if r.result.Rows == nil {
		return nil
	}
	parts, err := j.s.Spec.Split(r.result.Rows)
	if err != nil {
		return fmt.Errorf("split rows: %w", err)
	}
	for _, p := range parts {
		if err == nil && rg.holds(p, w) {
			rg.same[p.Value] = true
		} else if err == nil && slices.Contains(rg.values, p.Value) {
			if rg.writer == nil {
				rg.writer, err = j.newWriter(j.dir)
			}
			if err == nil {
				err = rg.writer.Write(ctx, p)
			}
		}
		p.Rows.Release()
	}
	return err
}

// holds reports whether a part is the whole of its partition and the table holds
// exactly these rows.
func (rg *renewRange) holds(p partitioning.Part, w window.Window) bool {
	start, err := rg.n.job.s.Spec.Start(p.Value)
	if err != nil || rg.n.o.rewrite || start.Before(w.Since) {
		return false
	}
	if end := rg.n.job.s.Spec.Next(start); end.After(w.Until) && w.Until.Before(rg.window.Until) {
		return false // its other rows are in the windows that follow
	}
	rows, fingerprint, known, _ := rg.n.base.Partition(p.Value)
	return known && rows == p.Rows.NumRows() && fingerprint == sum(p.Rows)
}

// finish ends the files of the range and removes those of partitions that are
// not wanted or not whole.
func (rg *renewRange) finish(ctx context.Context) error {
	if rg.writer != nil {
		files, err := rg.writer.Finish(ctx)
		rg.files = append(rg.files, files...)
		if err != nil {
			return fmt.Errorf("finish files: %w", err)
		}
	}
	rg.files = slices.DeleteFunc(rg.files, func(f writer.File) bool {
		unwanted := rg.broken[f.Partition] || !slices.Contains(rg.values, f.Partition)
		if unwanted {
			removeFiles([]writer.File{f})
		}
		return unwanted
	})
	return nil
}
