package delta

import (
	"cmp"
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// movedLimit is how many keys that left their partitions are looked for in the
// others. More are no moves.
const movedLimit = 100_000

// countRemoved counts the keys that the plan takes away, by partition and in
// all. Only where the sums of the keys differ in a way that new records do not
// explain are files read. A key that goes to another partition of the plan is
// not taken away.
func (t *Table) countRemoved(ctx context.Context, c sink.Change, p *plan) error {
	left := map[uint64]int{} // keys that left a partition, by its place in the plan
	for i := range p.changed {
		part := &p.changed[i]
		if other, err := t.renamed(ctx, c, *part); err != nil {
			return err
		} else if other {
			p.deleted += max(part.have.rows-part.want.rows, 0)
			continue
		}
		err := t.eachRemoved(ctx, c, part, func(h uint64) {
			if part.removed++; len(left) < movedLimit {
				left[h] = i
			}
		})
		if err != nil {
			return err
		}
		p.deleted += part.removed
	}
	return t.findMoved(ctx, p, left)
}

// findMoved takes the keys that are in another partition now off the counts.
func (t *Table) findMoved(ctx context.Context, p *plan, left map[uint64]int) error {
	for i, part := range p.changed {
		if len(left) == 0 {
			return nil
		}
		if part.want.rows == part.have.rows && part.want.keys == part.have.keys {
			continue
		}
		for _, f := range part.newFiles {
			err := t.readNew(ctx, f, t.settings.Table.Key, func(b arrow.RecordBatch) error {
				return eachKey(b, t.settings.Table.Key, func(_ int64, h uint64) {
					from, ok := left[h]
					if !ok || from == i {
						return
					}
					delete(left, h)
					p.changed[from].moved = append(p.changed[from].moved, h)
					p.changed[from].removed--
					p.deleted--
				})
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// eachRemoved gives the hash of each key of a partition that its new files do not
// hold. It reads only the key columns and holds the hashes of one partition's
// keys.
func (t *Table) eachRemoved(ctx context.Context, c sink.Change, part *changedPartition, each func(h uint64)) (err error) {
	have, want := part.have, part.want
	if have.rows == 0 || have.rows == want.rows && have.keys == want.keys { // the same keys with other contents
		return nil
	}
	if grown, err := t.onlyGrown(ctx, *part); err != nil || grown {
		return err
	}
	if part.renamed, err = t.renamed(ctx, c, *part); err != nil || part.renamed {
		part.removed = max(have.rows-want.rows, 0) // nobody can tell which
		return err
	}
	keys, err := t.keysOf(ctx, part.newFiles)
	if err != nil {
		return err
	}
	for _, f := range part.old.files {
		err := t.eachLiveKey(ctx, f, func(_ int64, h uint64) {
			if keys.add(h) {
				each(h)
			}
		})
		if err != nil && !t.lostFile(ctx, f) {
			return err
		}
	}
	return nil
}

// lostFile reports whether an old file that could not be read is gone from the
// store, or is not as it was put there: nobody can tell any more what it held.
func (t *Table) lostFile(ctx context.Context, f *file) bool {
	key := t.key(f.path)
	for o, err := range t.store.List(ctx, key, "") {
		if err != nil {
			return false // nothing is known
		}
		if o.Key == key {
			return o.Size != f.size
		}
	}
	return ctx.Err() == nil
}

// onlyGrown reports whether the new files hold all old keys and newer ones, as
// those of a day that has not ended do: then the oldest of the new rows, as many
// as the old ones, have the keys of these. It reads new files that are still
// here, and needs no old one.
func (t *Table) onlyGrown(ctx context.Context, part changedPartition) (bool, error) {
	stored := slices.ContainsFunc(part.newFiles, func(f writer.File) bool { return f.Stored != "" })
	if order := t.settings.Table.Time; part.want.rows <= part.have.rows || order == "" || stored {
		return false, nil
	}
	rows := make([]timedKey, 0, part.want.rows)
	for _, f := range part.newFiles {
		names := append([]string{t.settings.Table.Time}, t.settings.Table.Key...)
		err := readLocal(ctx, f.Path, names, func(b arrow.RecordBatch) error {
			more, err := t.timedKeys(b)
			rows = append(rows, more...)
			return err
		})
		if err != nil {
			return false, err
		}
	}
	slices.SortStableFunc(rows, func(a, b timedKey) int { return cmp.Compare(a.at, b.at) })
	sum := uint64(0)
	for _, r := range rows[:min(part.have.rows, int64(len(rows)))] {
		sum += r.hash
	}
	return sum == part.have.keys, nil
}

// timedKey is the time and the hash of the key of a row.
type timedKey struct {
	at   int64
	hash uint64
}

// timedKeys gives those of a batch. Without a time a row comes first.
func (t *Table) timedKeys(b arrow.RecordBatch) ([]timedKey, error) {
	if err := hasColumns(b, append([]string{t.settings.Table.Time}, t.settings.Table.Key...)); err != nil {
		return nil, err
	}
	times, _ := b.Column(b.Schema().FieldIndices(t.settings.Table.Time)[0]).(*array.Timestamp)
	out := make([]timedKey, b.NumRows())
	for i, h := range schema.KeyHashes(b, t.settings.Table.Key) {
		if out[i].hash = h; times != nil && times.IsValid(i) {
			out[i].at = int64(times.Value(i))
		}
	}
	return out, nil
}

// keySet holds hashes of keys: of files, sorted, and others that came later.
type keySet struct {
	sorted []uint64
	more   map[uint64]struct{}
}

func (s *keySet) has(h uint64) bool {
	if _, ok := slices.BinarySearch(s.sorted, h); ok {
		return true
	}
	_, ok := s.more[h]
	return ok
}

// add adds a hash and reports whether it is new.
func (s *keySet) add(h uint64) bool {
	if s.has(h) {
		return false
	}
	if s.more == nil {
		s.more = map[uint64]struct{}{}
	}
	s.more[h] = struct{}{}
	return true
}

// keysOf gives the hashes of the keys of new files.
func (t *Table) keysOf(ctx context.Context, files []writer.File) (*keySet, error) {
	key := t.settings.Table.Key
	keys := &keySet{}
	for _, f := range files {
		err := t.readNew(ctx, f, key, func(b arrow.RecordBatch) error {
			return eachKey(b, key, func(_ int64, h uint64) { keys.sorted = append(keys.sorted, h) })
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(keys.sorted)
	return keys, nil
}

// readNew reads a file of a change, from the store if it lies there already.
func (t *Table) readNew(ctx context.Context, f writer.File, names []string, each func(arrow.RecordBatch) error) error {
	if f.Stored != "" {
		return t.readFile(ctx, f.Stored, f.Bytes, names, each)
	}
	return readLocal(ctx, f.Path, names, each)
}

// eachLiveKey gives the hash of the key of each row of a live file that is not
// marked as deleted. A file of deleted records has none of them.
func (t *Table) eachLiveKey(ctx context.Context, f *file, each func(row int64, h uint64)) error {
	return t.eachKeyOf(ctx, f, func(row int64, h uint64, deleted bool) {
		if !deleted {
			each(row, h)
		}
	})
}

// eachKeyOf gives the hash of the key of each row of a live file, and whether the
// row is marked as deleted.
func (t *Table) eachKeyOf(ctx context.Context, f *file, each func(row int64, h uint64, deleted bool)) error {
	key, names := t.settings.Table.Key, t.settings.Table.Key
	if !f.tagged { // of another engine: it may hold rows of both kinds
		names = append(slices.Clone(names), schema.ColumnDeletedAt)
	}
	first := int64(0)
	return t.readFile(ctx, f.path, f.size, names, func(b arrow.RecordBatch) error {
		deleted := deletedRows(b)
		err := eachKey(b, key, func(row int64, h uint64) {
			each(first+row, h, f.kept || deleted != nil && deleted.IsValid(int(row)))
		})
		first += b.NumRows()
		return err
	})
}

func eachKey(b arrow.RecordBatch, key []string, f func(row int64, h uint64)) error {
	if err := hasColumns(b, key); err != nil {
		return err
	}
	for i, h := range schema.KeyHashes(b, key) {
		f(int64(i), h)
	}
	return nil
}
