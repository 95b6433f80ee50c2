package delta

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/paylake/paylake/partitioning"
)

// Damaged returns the partitions of a snapshot of which a live data file is not
// in the store, or not of its size: somebody removed or cut it. It lists the
// folder of the table. Ascending; files outside the table are not looked for.
func (t *Table) Damaged(ctx context.Context, s *Snapshot) ([]partitioning.Value, error) {
	missing := map[string]*file{}
	for path, f := range s.files {
		if !outside(path) {
			missing[t.key(path)] = f
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	for o, err := range t.store.List(ctx, t.key(""), "") {
		if err != nil {
			return nil, fmt.Errorf("look for the files of table %s: %w", t.root, err)
		}
		if f := missing[o.Key]; f != nil && f.size == o.Size {
			delete(missing, o.Key)
		}
	}
	values := map[partitioning.Value]bool{}
	for _, f := range missing {
		values[f.values.value] = true
	}
	return slices.Sorted(maps.Keys(values)), nil
}
