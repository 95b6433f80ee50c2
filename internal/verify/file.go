package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// fileCheck gathers what the rows of a file are, to compare it with what the log
// says of them.
type fileCheck struct {
	t     Target
	f     delta.File
	stats *statistics

	rows         int64
	prints, keys uint64
	states       map[string]int64
	misplaced    *draft
	unsorted     *draft
	last         arrow.RecordBatch // the row before; nil at the start
}

// file checks one data file.
func (c *checker) file(ctx context.Context, f delta.File, stats string) error {
	k := &fileCheck{t: c.t, f: f, states: map[string]int64{}, misplaced: &draft{kind: Misplaced}, unsorted: fileDraft(Order, f, "")}
	k.unsorted.count, k.misplaced.find.File = 0, f.Path
	k.misplaced.at(f.Partition)
	var broken string
	k.stats, broken = parseStatistics(stats)
	defer k.release()
	if err := c.t.Lake.ReadFile(ctx, f, nil, k.add); err != nil {
		why := c.v.broken(ctx, c.t, f)
		if why == nil {
			return err
		}
		c.lost[f.Partition] = true
		if !errors.Is(why, store.ErrNotFound) { // else the listing tells
			c.note(f.Partition, fileDraft(Unreadable, f, why.Error()))
		}
		return nil
	}
	if c.states[f.Partition] == nil {
		c.states[f.Partition] = map[string]int64{}
	}
	for state, n := range k.states {
		c.states[f.Partition][state] += n
	}
	k.report(c, broken)
	return nil
}

// report compares the rows with the log.
func (k *fileCheck) report(c *checker, broken string) {
	v := k.f.Partition
	c.note(v, k.misplaced)
	if k.f.Rows >= 0 && k.f.Rows != k.rows {
		c.note(v, fileDraft(RowCount, k.f, fmt.Sprintf("it has %d rows, the log says %d", k.rows, k.f.Rows)))
	}
	if k.f.Tagged && (k.f.Fingerprint != k.prints || k.f.Keys != k.keys) {
		c.note(v, fileDraft(Tags, k.f, "the log's sums over the rows are not those of the rows"))
	}
	if columns := k.stats.wrong(k.rows); broken != "" || len(columns) > 0 {
		d := fileDraft(Statistics, k.f, broken)
		d.fields = columns
		c.note(v, d)
	}
	switch {
	case k.unsorted.count == 0:
	case k.f.Tagged:
		k.unsorted.find.Detail = "its rows are not sorted by " + strings.Join(k.t.Table.SortColumns(), ", ")
		c.note(v, k.unsorted)
	default: // nobody asks other engines to sort
		c.rep.note("files of other engines are not sorted by " + strings.Join(k.t.Table.SortColumns(), ", ") + ", which makes readers slower and is no error")
	}
}

func (k *fileCheck) release() {
	if k.last != nil {
		k.last.Release()
		k.last = nil
	}
}

// add takes the rows of a batch into account.
func (k *fileCheck) add(b arrow.RecordBatch) error {
	k.rows += b.NumRows()
	for _, h := range schema.Fingerprint(b) {
		k.prints += h
	}
	for _, h := range schema.KeyHashes(b, k.t.Table.Key) {
		k.keys += h
	}
	k.stats.add(b)
	k.addStates(b)
	k.addPlaces(b)
	return k.addOrder(b)
}

func (k *fileCheck) addStates(b arrow.RecordBatch) {
	col, ok := columnOf(b, k.t.Table.State).(*array.String)
	deleted := deletedIn(b)
	for i := range int(b.NumRows()) {
		state := ""
		if deleted(i) {
			continue
		}
		if ok && col.IsValid(i) {
			state = col.Value(i)
		}
		if _, known := k.states[state]; !known {
			state = strings.Clone(state) // the batch is released
		}
		k.states[state]++
	}
}

func (k *fileCheck) addPlaces(b arrow.RecordBatch) {
	if k.t.Spec.Column == "" {
		return
	}
	times := columnOf(b, k.t.Spec.Source)
	var from, to int64 // of the partition, in microseconds
	if start, err := k.t.Spec.Start(k.f.Partition); err == nil {
		from, to = start.UnixMicro(), k.t.Spec.Next(start).UnixMicro()
	}
	for i := range int(b.NumRows()) {
		at, timed := microsOf(times, i)
		if timed && at >= from && at < to {
			continue
		}
		k.misplaced.key(keyText(b, k.t.Table.Key, i))
		if timed && len(k.misplaced.where) < maxKeys {
			k.misplaced.at(k.t.Spec.Of(time.UnixMicro(at)))
		}
	}
}

// addOrder looks for rows that are less than the one before.
func (k *fileCheck) addOrder(b arrow.RecordBatch) error {
	n, names := int(b.NumRows()), k.t.Table.SortColumns()
	if n == 0 {
		return nil
	}
	if k.last != nil && compareRows(k.last, 0, b, 0, names) > 0 {
		k.unsorted.key(keyText(b, k.t.Table.Key, 0))
	}
	for i := 1; i < n; i++ {
		if compareRows(b, i-1, b, i, names) > 0 {
			k.unsorted.key(keyText(b, k.t.Table.Key, i))
		}
	}
	last, err := lastOf(b, names)
	k.release()
	k.last = last
	return err
}

// lastOf copies some columns of the last row.
func lastOf(b arrow.RecordBatch, names []string) (arrow.RecordBatch, error) {
	var fields []arrow.Field
	var cols []arrow.Array
	for _, name := range names {
		if c := columnOf(b, name); c != nil {
			fields, cols = append(fields, arrow.Field{Name: name, Type: c.DataType(), Nullable: true}), append(cols, c)
		}
	}
	some := array.NewRecordBatch(arrow.NewSchema(fields, nil), cols, b.NumRows())
	defer some.Release()
	return copyRow(some, int(b.NumRows())-1)
}

// compareRows orders two rows by columns; null comes first.
func compareRows(a arrow.RecordBatch, i int, b arrow.RecordBatch, j int, names []string) int {
	for _, name := range names {
		x, y := columnOf(a, name), columnOf(b, name)
		if x == nil || y == nil {
			continue
		}
		if order := compareValues(x, i, y, j); order != 0 {
			return order
		}
	}
	return 0
}

func compareValues(x arrow.Array, i int, y arrow.Array, j int) int {
	switch {
	case x.IsNull(i) && y.IsNull(j):
		return 0
	case x.IsNull(i):
		return -1
	case y.IsNull(j):
		return 1
	}
	if a, ok := microsOf(x, i); ok {
		b, _ := microsOf(y, j)
		return order(a, b)
	}
	switch a := x.(type) {
	case *array.Int64:
		if b, ok := y.(*array.Int64); ok {
			return order(a.Value(i), b.Value(j))
		}
	case *array.String:
		if b, ok := y.(*array.String); ok {
			return strings.Compare(a.Value(i), b.Value(j))
		}
	}
	return strings.Compare(x.ValueStr(i), y.ValueStr(j))
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
