package verify

import (
	"context"
	"slices"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// confirmTries is how often something is compared again because the table
// changed meanwhile.
const confirmTries = 4

// lake is a version of a table with its files by partition. It does not change.
type lake struct {
	snap  *delta.Snapshot
	files map[partitioning.Value][]delta.File
}

func newLake(s *delta.Snapshot) *lake {
	l := &lake{snap: s, files: map[partitioning.Value][]delta.File{}}
	for f := range s.Files() {
		l.files[f.Partition] = append(l.files[f.Partition], f)
	}
	return l
}

// load reads the newest version of the table.
func load(ctx context.Context, t *delta.Table) (*lake, error) {
	s, err := t.Load(ctx)
	if err != nil {
		return nil, err
	}
	return newLake(s), nil
}

// sameFiles reports whether a partition has the same files in both versions.
func sameFiles(a, b *lake, v partitioning.Value) bool {
	return slices.EqualFunc(a.files[v], b.files[v], func(x, y delta.File) bool {
		return x.URI == y.URI && x.Size == y.Size && x.Rows == y.Rows && x.Fingerprint == y.Fingerprint
	})
}

// values lists the partitions that hold files, ascending.
func (l *lake) values() []partitioning.Value { return slices.Collect(l.snap.Partitions()) }

// rows is the number of rows of a partition as the log tells it; files of other
// engines may not tell.
func (l *lake) rows(v partitioning.Value) (n int64, known bool) {
	n, _, _, _ = l.snap.Partition(v)
	return max(n, 0), n >= 0
}
