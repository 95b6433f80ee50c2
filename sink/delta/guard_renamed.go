package delta

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
)

// errRenamed ends a look at the rows of a partition.
var errRenamed = errors.New("a row is older than the change of the keys")

// renamed reports whether a partition holds a row that was extracted before
// Change.NotBefore: its record may be known by another key today, and that its
// key is gone says nothing. Then what is taken away is counted by rows, and
// none of them is kept as deleted: most of them are still there by another key.
func (t *Table) renamed(ctx context.Context, c sink.Change, part changedPartition) (bool, error) {
	have, want := part.have, part.want
	if c.NotBefore.IsZero() || have.rows == 0 || have.rows == want.rows && have.keys == want.keys {
		return false, nil
	}
	if grown, err := t.onlyGrown(ctx, part); err != nil || grown {
		return false, err
	}
	before := c.NotBefore.UnixMicro()
	for _, f := range part.old.files {
		err := t.readFile(ctx, f.path, f.size, []string{schema.ColumnExtractedAt}, func(b arrow.RecordBatch) error {
			extracted := instants(b, schema.ColumnExtractedAt)
			for i := range int(b.NumRows()) {
				if at, _ := extracted.at(i); at < before {
					return errRenamed
				}
			}
			return nil
		})
		if errors.Is(err, errRenamed) {
			return true, nil
		}
		if err != nil && !t.lostFile(ctx, f) {
			return false, err
		}
	}
	return false, nil
}
