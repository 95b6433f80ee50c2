package delta

import (
	"context"
	"fmt"
)

// EachStats gives each live file of a snapshot with its statistics, the JSON
// text of add.stats, "" for none; the text is good during the call. Those that
// came from a checkpoint are read from there again, so that nothing is held in
// memory. A checkpoint that was removed meanwhile is an error: load the table
// again then.
func (t *Table) EachStats(ctx context.Context, s *Snapshot, each func(f File, stats string) error) error {
	told := map[string]bool{}
	for _, part := range s.base {
		err := t.eachAction(ctx, part, func(kinds map[string]column, i int) error {
			path := canonical(kinds["add"].child("path").view(i))
			f := s.files[path]
			if f == nil || !f.stored || told[f.path] {
				return nil
			}
			told[f.path] = true
			return each(f.public(), kinds["add"].child("stats").view(i))
		})
		if err != nil {
			return err
		}
	}
	for _, v := range s.order {
		for _, f := range s.partitions[v].all() {
			switch {
			case !f.stored:
				if err := each(f.public(), f.stats); err != nil {
					return err
				}
			case !told[f.path]:
				return fmt.Errorf("file %s is no longer in the checkpoint that it was read from", f.path)
			}
		}
	}
	return nil
}
