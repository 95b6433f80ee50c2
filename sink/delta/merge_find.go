package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/store"
)

// wholeColumns is the size up to which a file is read at once though only some
// of its columns are needed.
const wholeColumns = 1 << 20

// scan is what the key column of a file tells.
type scan struct {
	matches []match // rows with a key of the change, ascending
	rows    int64
	oldest  int64 // _extracted_at of its oldest row in µs since 1970
	broken  error // why it cannot be read: it is gone or damaged
}

// match is a row of the table with a key of the change.
type match struct {
	in       int32 // place in the change's rows
	row      int64 // of the file
	newest   int64 // µs since 1970: when it was extracted, or noticed to be deleted
	deleted  bool  // it is kept though the source no longer has it
	compared bool  // it is known whether it equals the change's row
	sums     sums  // of this row, where it may be equal
}

// place is where a match lies.
type place struct {
	file *file
	*match
}

// find returns for each row of the change the rows of the table with its key.
// It looks into the files of the row's own partition whose statistics allow the
// key and the time, and for keys that are not there into all others that allow
// the key. Only columns of the key and of age are read.
func (m *merge) find(ctx context.Context, s *Snapshot) ([][]place, error) {
	own, err := m.ownFiles(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := m.scanAll(ctx, own); err != nil {
		return nil, err
	}
	places := make([][]place, len(m.in.rows))
	m.collect(places, own)
	firsts := m.unmatched(places)
	if len(firsts) == 0 {
		return places, nil
	}
	others, err := m.otherFiles(ctx, s, own, firsts)
	if err != nil {
		return nil, err
	}
	if err := m.scanAll(ctx, others); err != nil {
		return nil, err
	}
	m.collect(places, others)
	return places, nil
}

// ownFiles returns the files that may hold keys of the change in the partitions
// of its rows.
func (m *merge) ownFiles(ctx context.Context, s *Snapshot) ([]*file, error) {
	var all []*file
	for v := range m.byPartition {
		all = append(all, s.partition(v).all()...)
	}
	if len(all) > len(m.byPartition) { // one file of a partition is read in any case
		if err := m.readStats(ctx, s, all); err != nil {
			return nil, err
		}
	}
	columns := len(m.table.settings.Table.Key)
	return slices.DeleteFunc(all, func(f *file) bool {
		b := m.bounds[f.path]
		return !slices.ContainsFunc(m.byPartition[f.values.value], func(i int32) bool { return b.mayHold(&m.in.rows[i], columns) })
	}), nil
}

// unmatched returns the first key values of rows without a match, sorted.
func (m *merge) unmatched(places [][]place) []string {
	columns := len(m.table.settings.Table.Key)
	var out []string
	for i := range m.in.rows {
		if len(places[i]) == 0 {
			out = append(out, firstOf(m.in.rows[i].key, columns))
		}
	}
	slices.Sort(out)
	return out
}

// otherFiles returns the files beside own that may hold one of the keys.
func (m *merge) otherFiles(ctx context.Context, s *Snapshot, own []*file, firsts []string) ([]*file, error) {
	seen := make(map[*file]bool, len(own))
	for _, f := range own {
		seen[f] = true
	}
	var out []*file
	for _, v := range s.order {
		for _, f := range s.partitions[v].all() {
			if !seen[f] {
				out = append(out, f)
			}
		}
	}
	if err := m.readStats(ctx, s, out); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(f *file) bool { return !m.bounds[f.path].mayHoldAny(firsts) }), nil
}

// collect adds the matches in files to the places of their rows.
func (m *merge) collect(places [][]place, files []*file) {
	for _, f := range files {
		matches := m.scans[f.path].matches
		for i := range matches {
			places[matches[i].in] = append(places[matches[i].in], place{f, &matches[i]})
		}
	}
}

// scanAll reads the keys of files that were not read yet, some at a time.
func (m *merge) scanAll(ctx context.Context, files []*file) error {
	var fresh []*file
	for _, f := range files {
		if m.scans[f.path] == nil {
			fresh = append(fresh, f)
		}
	}
	scans := make([]*scan, len(fresh))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for i, f := range fresh {
		g.Go(func() (err error) {
			scans[i], err = m.scan(gctx, f)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, f := range fresh {
		m.scans[f.path] = scans[i]
	}
	return nil
}

// scan reads the keys of a file. One that is gone or damaged has none.
func (m *merge) scan(ctx context.Context, f *file) (*scan, error) {
	out := &scan{oldest: math.MaxInt64}
	err := m.readKeys(ctx, f, out)
	if err == nil {
		return out, nil
	}
	if broken, berr := m.table.broken(ctx, f, err); !broken {
		return nil, errors.Join(err, berr)
	}
	return &scan{oldest: math.MaxInt64, broken: err}, nil
}

// readKeys reads the columns of key and age.
func (m *merge) readKeys(ctx context.Context, f *file, out *scan) (err error) {
	name := m.table.key(f.path)
	defer recovered(&err, name)
	src, err := openObject(ctx, m.table.store, name, f.size, wholeColumns)
	if err != nil {
		return fmt.Errorf("read a data file of table %s: %w", m.table.root, err)
	}
	r, err := newParquet(src, name)
	if err != nil {
		return err
	}
	key, row := m.table.settings.Table.Key, int64(0)
	return readBatches(ctx, r, name, append(slices.Clone(key), schema.ColumnExtractedAt, schema.ColumnDeletedAt), func(b arrow.RecordBatch) error {
		if err := hasColumns(b, key); err != nil {
			return err
		}
		if err := m.fitKeys(b); err != nil {
			return err
		}
		m.look(b, row, out)
		row += b.NumRows()
		out.rows = row
		return nil
	})
}

// fitKeys refuses keys of another type than the table's, which would be found
// nowhere.
func (m *merge) fitKeys(b arrow.RecordBatch) error {
	for _, name := range m.merger.table.Key {
		want := m.merger.schema.Field(m.merger.schema.FieldIndices(name)[0])
		fit, err := conformArray(want.Type, b.Column(b.Schema().FieldIndices(name)[0]), name)
		if err != nil {
			return err
		}
		fit.Release()
	}
	return nil
}

// look notes the rows of a batch that the change has, too. The batch starts at
// the given row of its file.
func (m *merge) look(b arrow.RecordBatch, row int64, out *scan) {
	keys := keysOf(b, m.table.settings.Table.Key)
	extracted, deleted := instants(b, schema.ColumnExtractedAt), instants(b, schema.ColumnDeletedAt)
	var buf []byte
	for i := range int(b.NumRows()) {
		at, _ := extracted.at(i)
		out.oldest = min(out.oldest, at)
		buf = keys.append(buf[:0], i)
		in, ok := m.in.byKey[string(buf)]
		if !ok {
			continue
		}
		gone, marked := deleted.at(i)
		out.matches = append(out.matches, match{in: in, row: row + int64(i), newest: max(at, gone), deleted: marked})
	}
}

// broken reports whether a file that could not be read is at fault, and not the
// store or the run.
func (t *Table) broken(ctx context.Context, f *file, cause error) (_ bool, err error) {
	if ctx.Err() != nil {
		return false, nil
	}
	if errors.Is(cause, store.ErrNotFound) {
		return true, nil
	}
	body, err := t.store.Open(ctx, t.key(f.path), 0, -1)
	if err != nil {
		return errors.Is(err, store.ErrNotFound), err
	}
	_, err = io.Copy(io.Discard, body)
	return err == nil, errors.Join(err, body.Close())
}
