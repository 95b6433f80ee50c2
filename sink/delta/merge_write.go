package delta

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/writer"
)

// Bytes of Arrow that are held while files are read and written.
const (
	mergeMemory = 96 << 20 // of all shelves at work
	mergeWriter = 48 << 20 // of one that writes large files
)

// written are the new files of a shelf. They are in the store.
type written struct {
	*rewrite
	files []writer.File
}

// write writes the shelves anew, some at a time, and puts their files into the
// store. What an earlier try wrote is taken again. Files that turn out not to
// fit are noted as unfit; then the answer is false, and another plan is needed.
func (m *merge) write(ctx context.Context, todo []*rewrite) (bool, error) {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	made := make([]*written, len(todo))
	unfit := make([]map[string]error, len(todo))
	for i, r := range todo {
		if old := m.made[r.shelf]; old != nil && r.equal(old.rewrite) {
			continue
		}
		g.Go(func() (err error) {
			made[i], unfit[i], err = m.writeShelf(gctx, r)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	fits := true
	for i := range todo {
		if made[i] != nil {
			m.made[todo[i].shelf] = made[i]
		}
		for path, why := range unfit[i] {
			m.unfit[path], fits = why, false
		}
	}
	return fits, nil
}

// writeShelf writes one shelf in a folder of its own, which is gone when it
// returns. A file whose rows all go need not be read.
func (m *merge) writeShelf(ctx context.Context, r *rewrite) (_ *written, unfit map[string]error, err error) {
	dir, err := os.MkdirTemp(m.x.change.WorkDir, "merge-")
	if err != nil {
		return nil, nil, fmt.Errorf("merge into table %s: %w", m.table.root, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w := &shelfWriter{m: m, r: r, merger: m.table.newMerger(r.partition, dir, targetBytes)}
	if err := w.fetch(ctx); err != nil {
		return nil, nil, fmt.Errorf("merge into table %s: %w", m.table.root, err)
	}
	files, err := w.run(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("merge into table %s partition %q: %w", m.table.root, r.partition, err)
	}
	if len(w.unfit) > 0 {
		return nil, w.unfit, nil
	}
	for _, f := range files {
		if err := m.x.put(ctx, m.table.pathOf(f), f); err != nil {
			return nil, nil, fmt.Errorf("upload to table %s: %w", m.table.root, err)
		}
	}
	for i := range files {
		files[i].Path = "" // it is in the store, and removed here
	}
	return &written{r, files}, nil, nil
}

// shelfWriter writes one shelf.
type shelfWriter struct {
	m      *merge
	r      *rewrite
	merger *merger
	local  []fetched
	unfit  map[string]error // by path
}

// fetched is a local copy of a file that loses rows.
type fetched struct {
	file *file
	path string
}

// fetch copies the files of the shelf that keep rows.
func (w *shelfWriter) fetch(ctx context.Context) error {
	for i, f := range w.r.files {
		if f.sums.rows >= 0 && int64(len(w.r.drops[f.path])) == f.sums.rows {
			continue
		}
		path := localName(w.merger.dir, i)
		err := w.m.table.fetch(ctx, f, path)
		switch {
		case errors.Is(err, store.ErrNotFound):
			w.refuse(f, err)
		case err != nil:
			return err
		default:
			w.local = append(w.local, fetched{f, path})
		}
	}
	return nil
}

func (w *shelfWriter) refuse(f *file, why error) {
	if w.unfit == nil {
		w.unfit = map[string]error{}
	}
	w.unfit[f.path] = why
}

// run writes the rows that stay and those of the change, in order. The result
// must hold exactly those: it is compared with the sums of what went in.
func (w *shelfWriter) run(ctx context.Context) ([]writer.File, error) {
	need := w.memory()
	if err := w.m.hold(ctx, need); err != nil {
		return nil, err
	}
	defer w.m.free(need)
	sources, want, err := w.old(ctx)
	if err != nil || len(w.unfit) > 0 {
		return nil, err
	}
	fresh, more, err := w.fresh(ctx)
	if err != nil {
		return nil, err
	}
	out := filepath.Join(w.merger.dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return nil, err
	}
	files, err := w.merger.run(ctx, append(sources, fresh...), out)
	if err != nil {
		return nil, w.blame(ctx, err)
	}
	for _, s := range sources {
		want = want.minus(s.pick.gone)
	}
	w.check(files, want.plus(more))
	return files, nil
}

// blame looks for the old file that an error comes from. Without one the error
// is returned.
func (w *shelfWriter) blame(ctx context.Context, cause error) error {
	for _, l := range w.local {
		if _, err := w.merger.scan(ctx, l.path, true); err != nil && ctx.Err() == nil {
			w.refuse(l.file, err)
		}
	}
	if len(w.unfit) > 0 {
		return nil
	}
	return cause
}

// check compares the new files with the sums of what went in. Where they differ
// an old file does not hold what the log says of it.
func (w *shelfWriter) check(files []writer.File, want sums) {
	have := sums{}
	for _, f := range files {
		have = have.plus(sums{f.Rows, f.Fingerprint, f.Keys})
		if (f.Deleted > 0) != w.r.deleted {
			for _, l := range w.local {
				w.refuse(l.file, errors.New("it holds rows that are marked as deleted beside others"))
			}
		}
	}
	if have == want {
		return
	}
	for _, l := range w.local {
		w.refuse(l.file, fmt.Errorf("partition %q holds %d rows, the log says %d, or other ones", w.r.partition, have.rows, want.rows))
	}
}

// memory estimates what the shelf takes while it is at work.
func (w *shelfWriter) memory() int64 {
	rows, bytes := int64(len(w.r.use)), int64(0)
	for _, l := range w.local {
		bytes += l.file.size
	}
	return int64(len(w.local)+1)*w.merger.fixed + min(4*bytes+rows<<10, mergeWriter)
}

// old returns the copied files without the rows that go, and the sums that the
// files have. What rows go is known when they were read: see pick.gone.
func (w *shelfWriter) old(ctx context.Context) ([]source, sums, error) {
	var sources []source
	want := sums{}
	for _, l := range w.local {
		s, have, err := w.prepare(ctx, l)
		if ctx.Err() != nil {
			return nil, sums{}, ctx.Err()
		}
		if err != nil {
			w.refuse(l.file, err)
			continue
		}
		s.pick = newPick(w.merger.table.Key, w.r.drops[l.file.path])
		want = want.plus(have)
		sources = append(sources, s)
	}
	return sources, want, nil
}

// prepare finds out how a copied file is sorted and what it holds. Of a file of
// another engine all rows are read first, to see that they fit.
func (w *shelfWriter) prepare(ctx context.Context, l fetched) (source, sums, error) {
	if !l.file.tagged {
		return w.m.table.prepare(ctx, w.merger, l.file, l.path)
	}
	s, err := w.merger.inspect(ctx, l.path)
	if err == nil && s.rows != l.file.sums.rows {
		err = fmt.Errorf("it has %d rows, the log says %d", s.rows, l.file.sums.rows)
	}
	return s, l.file.sums, err
}

// fresh returns the change's files with only the rows that are written, and the
// sums of those.
func (w *shelfWriter) fresh(ctx context.Context) ([]source, sums, error) {
	picks := map[int]*pick{}
	var order []int
	want := sums{}
	for _, i := range w.r.use {
		in := &w.m.in.rows[i]
		if picks[in.file] == nil {
			picks[in.file] = &pick{only: true}
			order = append(order, in.file)
		}
		picks[in.file].rows = append(picks[in.file].rows, in.row)
		want = want.plus(in.sums)
	}
	var sources []source
	for _, at := range order {
		s, err := w.merger.inspect(ctx, w.m.x.change.Files[at].Path)
		if err != nil {
			return nil, sums{}, err
		}
		slices.Sort(picks[at].rows)
		s.pick = picks[at]
		sources = append(sources, s)
	}
	return sources, want, nil
}
