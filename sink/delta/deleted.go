package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// Records that the source no longer has and that stay (sink.Change.KeepDeleted)
// lie in files of their own, beside those of their partition, with the column
// _deleted_at set in every row. The tag tells such a file. It counts neither for
// the rows of a partition nor for what decides whether they changed, and a
// replace leaves it where it is, less the keys that came back. A file without
// the tags, which another engine wrote, may hold rows of both kinds: it is read
// to tell them apart, and the next change of its partition parts them.
const (
	tagDeleted = "paylake.deleted"
	tagTrue    = "true"
)

// tagsOf returns the tags of a finished file. One that holds rows of both kinds
// gets none: its sums would count what is deleted.
func tagsOf(f writer.File) map[string]string {
	if f.Deleted > 0 && f.Deleted < f.Rows {
		return map[string]string{}
	}
	tags := map[string]string{tagFingerprint: hex(f.Fingerprint), tagKeys: hex(f.Keys)}
	switch text := statesText(f.States); {
	case f.Deleted > 0:
		tags[tagDeleted] = tagTrue
	case text != "":
		tags[tagStates] = text
	}
	return tags
}

// KeepsDeleted reports whether the table has the column _deleted_at.
func (s *Snapshot) KeepsDeleted() bool {
	if s.meta == nil {
		return false
	}
	c, err := parseSchema(s.meta.SchemaString)
	return err == nil && slices.ContainsFunc(c.Fields, func(f field) bool { return f.Name == schema.ColumnDeletedAt })
}

// writtenTable is the table as files are rewritten: with the column _deleted_at
// where the table in the lake has it, also when this run keeps no deleted
// records.
func (t *Table) writtenTable() *schema.Table {
	t.mu.Lock()
	s := t.tip
	t.mu.Unlock()
	if s != nil && s.KeepsDeleted() {
		return t.settings.Table.KeepingDeleted()
	}
	return t.settings.Table
}

// deletedRows returns the column that tells which rows of a batch are deleted at
// the source, nil where none is.
func deletedRows(b arrow.RecordBatch) arrow.Array {
	at := b.Schema().FieldIndices(schema.ColumnDeletedAt)
	if len(at) == 0 || b.Column(at[0]).NullN() == b.Column(at[0]).Len() {
		return nil
	}
	return b.Column(at[0])
}

// liveTotal adds up the hashes of the rows that are not deleted.
func liveTotal(hashes []uint64, deleted arrow.Array) uint64 {
	if deleted == nil {
		return total(hashes)
	}
	sum := uint64(0)
	for i, h := range hashes {
		if deleted.IsNull(i) {
			sum += h
		}
	}
	return sum
}

// liveRows returns the number of rows that are not deleted.
func liveRows(b arrow.RecordBatch) int64 {
	if deleted := deletedRows(b); deleted != nil {
		return int64(deleted.NullN())
	}
	return b.NumRows()
}

// parted refuses a local copy of another engine's file that holds rows which are
// marked as deleted: compaction must not mix them with others.
func (m *merger) parted(ctx context.Context, path string) (err error) {
	r, err := openRows(ctx, path, nil, m.batch)
	if err != nil {
		return err
	}
	if r.pq.MetaData().Schema.Root().FieldIndexByName(schema.ColumnDeletedAt) < 0 {
		return r.close()
	}
	if err := r.close(); err != nil {
		return err
	}
	if r, err = openRows(ctx, path, []string{schema.ColumnDeletedAt}, batchRows); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for {
		b, err := r.rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read which rows are deleted: %w", err)
		}
		if deletedRows(b) != nil {
			return fmt.Errorf("%w: it holds rows that are marked as deleted, which the next change of its partition parts from the others", errForeign)
		}
	}
}
