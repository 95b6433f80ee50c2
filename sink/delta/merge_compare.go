package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/schema"
)

// compare sums up the matches in the files, each row by itself, so that rows
// that are equal can be told. Files whose rows do not fit the table's columns
// are noted as unfit.
func (m *merge) compare(ctx context.Context, places [][]place) error {
	files := map[string]*file{}
	for _, ps := range places {
		for _, p := range ps {
			if !p.compared && m.unfit[p.file.path] == nil {
				files[p.file.path] = p.file
			}
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	todo := slices.Sorted(maps.Keys(files))
	errs := make([]error, len(todo))
	for i, path := range todo {
		g.Go(func() (err error) {
			errs[i], err = m.compareFile(gctx, files[path])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, path := range todo {
		if errs[i] != nil {
			m.unfit[path] = errs[i]
		}
	}
	return nil
}

// compareFile reads the row groups of a file that hold matches: columns that
// tell most differences first. The first error says why the file is unfit.
func (m *merge) compareFile(ctx context.Context, f *file) (unfit, err error) {
	need := m.merger.fixed + 3*min(f.size, wholeObject)
	if err := m.hold(ctx, need); err != nil {
		return nil, err
	}
	defer m.free(need)
	matches := m.scans[f.path].matches
	if len(m.quick) > 0 {
		err = m.readMatches(ctx, f, pending(matches), m.quick, wholeColumns, m.tellQuickly)
	}
	if left := pending(matches); err == nil && len(left) > 0 {
		err = m.readMatches(ctx, f, left, nil, wholeObject, m.sumUp)
	}
	if err == nil {
		return nil, nil
	}
	if errors.Is(err, errForeign) {
		return err, nil
	}
	broken, berr := m.table.broken(ctx, f, err)
	if broken {
		return err, nil
	}
	return nil, errors.Join(err, berr)
}

// pending returns the matches that were not compared yet.
func pending(matches []match) []*match {
	var out []*match
	for i := range matches {
		if !matches[i].compared {
			out = append(out, &matches[i])
		}
	}
	return out
}

// quickColumns are those that nearly always change when a record changes: its
// state and the time of its last change.
func quickColumns(table *schema.Table) []string {
	return slices.DeleteFunc([]string{table.State, table.Updated}, func(name string) bool { return name == "" })
}

// project returns the given columns of a batch, as far as it has them. The
// caller releases the result.
func project(b arrow.RecordBatch, names []string) arrow.RecordBatch {
	var fields []arrow.Field
	var cols []arrow.Array
	for i, f := range b.Schema().Fields() {
		if slices.Contains(names, f.Name) {
			fields, cols = append(fields, f), append(cols, b.Column(i))
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
}

// seeMatches looks at matches in a batch that holds them and starts at row from
// of their file.
type seeMatches func(b arrow.RecordBatch, from int64, matches []*match) error

// tellQuickly notes the matches that differ in the quick columns.
func (m *merge) tellQuickly(b arrow.RecordBatch, from int64, matches []*match) error {
	some := project(b, m.quick)
	defer some.Release()
	prints := schema.Fingerprint(some)
	for _, x := range matches {
		x.compared = prints[x.row-from] != m.in.rows[x.in].quick // its sums stay none: no row has such
	}
	return nil
}

// sumUp sets the sums of matches.
func (m *merge) sumUp(b arrow.RecordBatch, from int64, matches []*match) error {
	fit, err := conform(b, m.merger.schema, m.merger.spec.Column)
	if err != nil {
		return err
	}
	defer fit.Release()
	prints, hashes := schema.Fingerprint(fit), schema.KeyHashes(fit, m.merger.table.Key)
	for _, x := range matches {
		x.sums, x.compared = sums{1, prints[x.row-from], hashes[x.row-from]}, true
	}
	return nil
}

// readMatches reads the row groups of a file that hold matches, which are sorted
// by row. Names limit the columns, nil for all. A file of up to whole bytes is
// read at once.
func (m *merge) readMatches(ctx context.Context, f *file, matches []*match, names []string, whole int64, see seeMatches) (err error) {
	name := m.table.key(f.path)
	defer recovered(&err, name)
	src, err := openObject(ctx, m.table.store, name, f.size, whole)
	if err != nil {
		return fmt.Errorf("read a data file of table %s: %w", m.table.root, err)
	}
	r, err := newParquetSized(src, name, m.merger.batch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.ParquetReader().Close()) }()
	var leaves []int
	if names != nil {
		if leaves = leavesOf(r, names); len(leaves) == 0 {
			return nil // the file is older than these columns
		}
	}
	from := int64(0)
	for g := range r.ParquetReader().NumRowGroups() {
		to := from + r.ParquetReader().MetaData().RowGroup(g).NumRows()
		n := before(matches, to)
		if n > 0 {
			if err := readGroup(ctx, r, g, leaves, from, matches[:n], see); err != nil {
				return fmt.Errorf("read %s: %w", name, err)
			}
		}
		from, matches = to, matches[n:]
	}
	return nil
}

// before returns how many of the matches are before a row.
func before(matches []*match, row int64) int {
	n := 0
	for n < len(matches) && matches[n].row < row {
		n++
	}
	return n
}

// readGroup reads a row group, which starts at row from of its file.
func readGroup(ctx context.Context, r *pqarrow.FileReader, group int, leaves []int, from int64, matches []*match, see seeMatches) error {
	rows, err := r.GetRecordReader(ctx, leaves, []int{group})
	if err != nil {
		return err
	}
	defer rows.Release()
	for len(matches) > 0 {
		b, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("row group %d ends too early", group)
		}
		if err != nil {
			return err
		}
		n := before(matches, from+b.NumRows())
		if n > 0 {
			if err := see(b, from, matches[:n]); err != nil {
				return err
			}
		}
		from, matches = from+b.NumRows(), matches[n:]
	}
	return nil
}
