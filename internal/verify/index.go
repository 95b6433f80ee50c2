package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
)

// entry is a row of the lake in an index.
type entry struct {
	key       uint64 // schema.KeyHashes
	print     uint64 // schema.Fingerprint; 0 in an index of keys
	at        int64  // time of the record, microseconds
	extracted int64  // _extracted_at, microseconds
}

// index holds the rows of a range of the lake, sorted by key. Rows that are
// marked as deleted are not in it.
type index struct {
	lake    *lake
	covers  window.Window // the zero window: the whole table
	values  []partitioning.Value
	entries []entry
	seen    []bool // the source has it
	told    bool   // doubled and misplaced rows were reported
	whole   bool   // it holds whole partitions

	held      map[partitioning.Value]int64 // records of the partitions' files, whatever the index covers
	misplaced map[partitioning.Value]*draft
	lost      []string // files that could not be read
}

// holds reports whether the index covers a window.
func (x *index) holds(l *lake, w window.Window) bool {
	if x == nil || x.lake != l {
		return false
	}
	return x.covers.IsZero() || !w.IsZero() && !w.Since.Before(x.covers.Since) && !w.Until.After(x.covers.Until)
}

// find gives the entries of a key.
func (x *index) find(key uint64) (from, to int) {
	from = sort.Search(len(x.entries), func(i int) bool { return x.entries[i].key >= key })
	for to = from; to < len(x.entries) && x.entries[to].key == key; to++ {
		continue
	}
	return from, to
}

// partitionsOf lists the partitions that a window touches; those of the whole
// table for the zero window.
func partitionsOf(spec partitioning.Spec, l *lake, w window.Window) []partitioning.Value {
	if w.IsZero() || spec.Column == "" {
		return l.values()
	}
	var out []partitioning.Value
	for t := spec.Floor(w.Since); t.Before(w.Until); t = spec.Next(t) {
		out = append(out, spec.Of(t))
	}
	return out
}

// newIndex reads the rows of the partitions that a window touches. Where these
// are too many to be held, only those of the window are kept.
func (c *comparer) newIndex(ctx context.Context, w window.Window) (*index, error) {
	x := &index{lake: c.lake, covers: w, values: partitionsOf(c.t.Spec, c.lake, w), misplaced: map[partitioning.Value]*draft{}, held: map[partitioning.Value]int64{}}
	all := int64(0)
	for _, v := range x.values {
		n, _ := c.lake.rows(v)
		all += n
	}
	if !w.IsZero() && all <= int64(c.o.IndexRows) {
		x.whole = true
		x.covers.Since = c.t.Spec.Floor(w.Since)
		if end := c.t.Spec.Floor(w.Until); end.Before(w.Until) {
			x.covers.Until = c.t.Spec.Next(w.Until)
		}
	}
	for _, v := range x.values {
		for _, f := range c.lake.files[v] {
			if err := x.read(ctx, c, f); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(x.entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) })
	x.seen = make([]bool, len(x.entries))
	return x, nil
}

// keyColumns are the columns that tell a row's place and key.
func (t Target) keyColumns() []string {
	names := append(slices.Clone(t.Table.Key), schema.ColumnExtractedAt, columnDeletedAt)
	if t.Table.Time != "" && !slices.Contains(names, t.Table.Time) {
		names = append(names, t.Table.Time)
	}
	return names
}

// read adds the rows of a file. One that cannot be read is a finding of its own:
// its records count as absent.
func (x *index) read(ctx context.Context, c *comparer, f delta.File) error {
	before := len(x.entries)
	err := c.t.Lake.ReadFile(ctx, f, nil, func(b arrow.RecordBatch) error {
		x.add(c, f.Partition, b)
		return nil
	})
	if err == nil {
		return nil
	}
	x.entries = x.entries[:before]
	if why := c.v.broken(ctx, c.t, f); why == nil {
		return err
	}
	x.lost = append(x.lost, f.Path)
	return nil
}

func (x *index) add(c *comparer, v partitioning.Value, b arrow.RecordBatch) {
	keys, prints := schema.KeyHashes(b, c.t.Table.Key), schema.Fingerprint(b)
	times, extracted, deleted := columnOf(b, c.t.Table.Time), columnOf(b, schema.ColumnExtractedAt), deletedIn(b)
	for i, key := range keys {
		if deleted(i) {
			continue
		}
		x.held[v]++
		e := entry{key: key}
		if prints != nil {
			e.print = prints[i]
		}
		e.extracted, _ = microsOf(extracted, i)
		var timed bool
		if e.at, timed = microsOf(times, i); c.t.Spec.Column != "" {
			at := time.UnixMicro(e.at).UTC()
			if !timed || c.t.Spec.Of(at) != v {
				x.misplace(c, v, at, timed, keyText(b, c.t.Table.Key, i))
				continue
			}
			if !x.covers.IsZero() && (at.Before(x.covers.Since) || !at.Before(x.covers.Until)) {
				continue
			}
		}
		x.entries = append(x.entries, e)
	}
}

// misplace notes a row that is not where its time says. Where it belongs is to
// be read again, too: it may not be there.
func (x *index) misplace(c *comparer, v partitioning.Value, at time.Time, timed bool, key string) {
	d := x.misplaced[v]
	if d == nil {
		d = &draft{kind: Misplaced}
		d.at(v)
		x.misplaced[v] = d
	}
	d.key(key)
	if timed && len(d.where) < maxKeys {
		d.at(c.t.Spec.Of(at))
	}
}

// doubled finds the keys that stand more than once.
func (x *index) doubled() map[uint64]bool {
	out := map[uint64]bool{}
	for i := 1; i < len(x.entries); i++ {
		if x.entries[i].key == x.entries[i-1].key {
			out[x.entries[i].key] = true
		}
	}
	return out
}

// miscounted reports that the log tells another number of records than the files
// of a partition have, nil if it does not.
func (x *index) miscounted(v partitioning.Value) *draft {
	told, known := x.lake.rows(v)
	if !known || len(x.lost) > 0 || told == x.held[v] {
		return nil
	}
	d := &draft{kind: RowCount, count: 1}
	d.at(v)
	d.find.Detail = fmt.Sprintf("its files have %d records, the log says %d", x.held[v], told)
	return d
}
