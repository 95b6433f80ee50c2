package delta

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/paylake/paylake/sink/store"
)

// leastRetention is the shortest retention without force: a writer may have
// uploaded files that long before its commit names them.
const leastRetention = 7 * day

// VacuumOptions say what a vacuum removes.
type VacuumOptions struct {
	// Retention is the age below which every file stays, and the time for which
	// the file of a removed row stays. 0 takes delta.deletedFileRetentionDuration,
	// at least 7 days.
	Retention time.Duration

	Force  bool                          // allow less than 7 days or than the table's property
	DryRun bool                          // remove nothing, only tell
	Each   func(path string, size int64) // told of each file that goes, before it goes; nil for none
}

// Vacuumed is what a vacuum removed, or would remove.
type Vacuumed struct {
	Files     int
	Bytes     int64
	Retention time.Duration // that was used
}

// RetentionError refuses a vacuum whose retention is too short.
type RetentionError struct {
	Table       string
	Have, Least time.Duration // Have 0: the table's own property cannot be read
}

// Error says which retention is allowed.
func (e *RetentionError) Error() string {
	if e.Have == 0 {
		return fmt.Sprintf("vacuum table %s: its %s cannot be read: give a retention and --force", e.Table, propertyFileRetention)
	}
	return fmt.Sprintf("vacuum table %s: a retention of %s is less than %s: readers of older versions and running writers could lose files; "+
		"use a longer one, or --force when nobody else uses the table", e.Table, e.Have, e.Least)
}

// Vacuum removes the data files that no version within the retention needs:
// those of rows that were removed longer ago, and files older than the retention
// that no commit names, as a run leaves behind that died before its commit.
//
// It looks at files in the table's folder and its partition folders whose names
// end in .parquet, and at removed files wherever the log says they lie below the
// table's root. Names that start with "_" or "." are never touched, nor is a
// file younger than the retention, by the store's clock: a running writer may be
// about to commit it. The table may be written to meanwhile: see judge.
func (t *Table) Vacuum(ctx context.Context, o VacuumOptions) (Vacuumed, error) {
	s, err := t.writable(ctx)
	if err != nil {
		return Vacuumed{}, err
	}
	if !s.Exists() {
		return Vacuumed{}, fmt.Errorf("vacuum table %s: there is no table", t.root)
	}
	v := &vacuum{table: t, options: o}
	if v.done.Retention, err = t.vacuumRetention(s, o); err != nil {
		return Vacuumed{}, err
	}
	v.cutoff = t.settings.Now().Add(-v.done.Retention)
	if !o.DryRun {
		if err := t.checkClock(ctx); err != nil {
			return v.done, fmt.Errorf("vacuum table %s: %w", t.root, err)
		}
	}
	prefix := t.key("")
	for object, err := range t.store.List(ctx, prefix, "") {
		if err != nil {
			return v.done, fmt.Errorf("vacuum table %s: %w", t.root, err)
		}
		if object.Modified.After(v.cutoff) || hidden(object.Key[len(prefix):], s.meta.PartitionColumns) {
			continue
		}
		if v.batch = append(v.batch, object); len(v.batch) == deleteBatch {
			if err := v.judge(ctx); err != nil {
				return v.done, err
			}
		}
	}
	return v.done, v.judge(ctx)
}

// vacuumRetention decides how old a file must be.
func (t *Table) vacuumRetention(s *Snapshot, o VacuumOptions) (time.Duration, error) {
	own, ok := s.meta.retention(propertyFileRetention)
	least := max(own, leastRetention)
	switch {
	case o.Retention < 0 || !ok && (o.Retention == 0 || !o.Force):
		return 0, &RetentionError{Table: t.root, Have: max(o.Retention, 0), Least: least}
	case o.Retention == 0 && o.Force:
		return own, nil
	case o.Retention == 0:
		return least, nil
	case o.Retention < least && !o.Force:
		return 0, &RetentionError{Table: t.root, Have: o.Retention, Least: least}
	}
	return o.Retention, nil
}

// vacuum is one call of Vacuum.
type vacuum struct {
	table   *Table
	options VacuumOptions
	cutoff  time.Time
	batch   []store.Object // old enough, not judged yet
	done    Vacuumed
}

// judge removes the files of the batch that the newest snapshot does not need.
// The snapshot is loaded after the files were listed and right before they go,
// not the other way round: a file that is committed after the load was uploaded
// after the cutoff, or it was removed so short a time ago that its tombstone
// protects it from a RESTORE. A file that was committed before the load is live.
func (v *vacuum) judge(ctx context.Context) error {
	batch := v.batch
	v.batch = nil
	if len(batch) == 0 {
		return nil
	}
	t := v.table
	s, err := t.writable(ctx)
	if err != nil {
		return err
	}
	if !s.Exists() {
		return fmt.Errorf("vacuum table %s: its log is gone", t.root)
	}
	var keys []string
	for _, o := range batch {
		if path := o.Key[len(t.key("")):]; s.expendable(path, v.cutoff) {
			keys = append(keys, o.Key)
			v.done.Files++
			v.done.Bytes += o.Size
			if v.options.Each != nil {
				v.options.Each(path, o.Size)
			}
		}
	}
	if v.options.DryRun {
		return nil
	}
	return t.deleteAll(ctx, keys)
}

// expendable reports whether no version since cutoff needs the file at path.
func (s *Snapshot) expendable(path string, cutoff time.Time) bool {
	if s.files[path] != nil {
		return false
	}
	if r, ok := s.tombstones[path]; ok {
		return removedBefore(r, cutoff.UnixMilli())
	}
	return orphan(path, s.meta.PartitionColumns)
}

// removedBefore reports whether a file was removed before cutoff (ms since
// 1970). A tombstone without a time is as old as can be (PROTOCOL.md, "Add File
// and Remove File").
func removedBefore(r remove, cutoff int64) bool {
	at := int64(math.MinInt64)
	if r.DeletionTimestamp != nil {
		at = *r.DeletionTimestamp
	}
	return at < cutoff
}

// hidden reports whether a path below the table's root is none of the vacuum's
// business: one of its names starts with "_" or "." and is not the folder of a
// partition (DeltaTable.scala, isHiddenDirectory).
func hidden(path string, columns []string) bool {
	for name := range strings.SplitSeq(path, "/") {
		if (strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".")) && !partitionFolder(name, columns) {
			return true
		}
	}
	return false
}

// orphan reports whether a file that the log does not name looks as if a writer
// of this table had left it: it lies in the table's folder or in those of its
// partitions. What lies in other folders may be another table's.
func orphan(path string, columns []string) bool {
	names := strings.Split(path, "/")
	for _, name := range names[:len(names)-1] {
		if !partitionFolder(name, columns) {
			return false
		}
	}
	return strings.HasSuffix(path, ".parquet")
}

func partitionFolder(name string, columns []string) bool {
	for _, column := range columns {
		if strings.HasPrefix(name, column+"=") {
			return true
		}
	}
	return false
}
