package delta

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/paylake/paylake/sink/store"
)

// What Maintain compacts: partitions that a reader would feel, and not much of
// them in one run.
const (
	maintainFiles = 4         // small files in a partition
	maintainSmall = 32 << 20  // bytes of a file that counts as small
	maintainBytes = 256 << 20 // read in one run: some ten seconds of one core
	maintainQuiet = day       // a partition that was written to since will be written to again
)

// Maintenance says what Maintain may do.
type Maintenance struct {
	Optimize  bool
	Vacuum    bool
	CleanLog  bool
	Manifests bool // needs Settings.BaseURL

	WorkDir string // existing folder for work in progress; needed with Optimize
}

// Maintained is what Maintain did.
type Maintained struct {
	Properties  bool // retention properties were changed
	Optimized   Optimized
	VacuumFiles int      // data files removed, those that were gone already included
	LogFiles    int      // objects removed from the log
	Manifests   int      // manifests written or removed
	Warnings    []string // of steps that failed or could not be done; the table is whole
}

// Maintain looks after a table at the end of a run, as far as it is cheap:
//
//   - retention properties that differ from the settings are changed;
//   - partitions with 4 or more files under 32 MiB that nobody wrote to for a day
//     are compacted, up to 256 MiB in one run; in tiers, so that each row is
//     rewritten only a few times. A table without partitions is never quiet and
//     is compacted all the same. Files of other engines are left to Optimize, and
//     so is a table with columns that this run does not write;
//   - when this Table wrote a checkpoint, which forgets what was removed longer
//     ago than delta.deletedFileRetentionDuration, just those files are removed;
//     orphans need a listing of the table and are left to Vacuum;
//   - when this Table wrote a checkpoint the log is cleaned: see CleanLog;
//   - manifests are brought to the newest version.
//
// Where there is nothing to do it asks the store nothing, but for manifests one
// small object and the log. A step that fails is a warning; an error means that
// the context ended or the table cannot be read. It counts as a Commit: one at a
// time of a Table. Call it after Settle, whose checkpoint it must see; its own
// commits get a checkpoint, too.
func (t *Table) Maintain(ctx context.Context, o Maintenance) (Maintained, error) {
	var done Maintained
	s, err := t.newest(ctx)
	if err != nil || !s.Exists() {
		return done, err
	}
	steps := []func() error{func() error { return t.maintainProperties(ctx, s, &done) }}
	if o.Optimize {
		steps = append(steps, func() error { return t.maintainSmallFiles(ctx, o, &done) })
	}
	steps = append(steps, func() error { return t.maintainLog(ctx, o, &done) })
	if o.Manifests {
		steps = append(steps, func() (err error) { done.Manifests, err = t.writeManifests(ctx); return err })
	}
	for _, step := range steps {
		err := step()
		if ctx.Err() != nil {
			return done, fmt.Errorf("maintain table %s: %w", t.root, ctx.Err())
		}
		if err != nil {
			done.Warnings = append(done.Warnings, err.Error())
		}
	}
	return done, nil
}

// newest returns the newest snapshot that this Table knows.
func (t *Table) newest(ctx context.Context) (*Snapshot, error) {
	t.mu.Lock()
	s := t.tip
	t.mu.Unlock()
	if s != nil {
		return s, nil
	}
	return t.refresh(ctx)
}

// maintainLog does what comes with a new checkpoint. Commits of Maintain get one,
// so that the next run need not read them.
func (t *Table) maintainLog(ctx context.Context, o Maintenance, done *Maintained) error {
	t.mu.Lock()
	s, saved := t.tip, t.saved
	t.mu.Unlock()
	if s != nil && saved < s.version && (done.Properties || done.Optimized.Commits > 0) {
		done.Warnings = append(done.Warnings, t.checkpoint(ctx, s)...)
	}
	t.mu.Lock()
	fresh := t.fresh
	t.fresh = false
	t.mu.Unlock()
	if !fresh {
		return nil
	}
	var err1, err2 error
	if o.Vacuum {
		done.VacuumFiles, err1 = t.removeExpired(ctx)
	}
	if o.CleanLog {
		done.LogFiles, err2 = t.CleanLog(ctx, false)
	}
	return errors.Join(err1, err2)
}

func (t *Table) maintainProperties(ctx context.Context, s *Snapshot, done *Maintained) error {
	if len(t.changedRetention(s.meta)) == 0 {
		return nil
	}
	changed, warnings, err := t.commitRetention(ctx)
	done.Properties = changed
	done.Warnings = append(done.Warnings, warnings...)
	return err
}

func (t *Table) maintainSmallFiles(ctx context.Context, o Maintenance, done *Maintained) error {
	t.mu.Lock()
	s := t.tip
	t.mu.Unlock()
	policy := OptimizeOptions{WorkDir: o.WorkDir, SmallBytes: maintainSmall, MinFiles: maintainFiles, MaxBytes: maintainBytes,
		Tiered: true, Own: true}
	if t.settings.Spec.Column != "" {
		policy.Quiet = maintainQuiet
	}
	if s == nil || len(t.smallFiles(s, policy.withDefaults())) == 0 {
		return nil
	}
	have, err := parseSchema(s.meta.SchemaString)
	if err != nil || surplus(have.Fields, tableColumns(t.writtenTable(), t.settings.Spec).Fields) {
		return err // files may hold columns that this run does not know: they would be read in vain each time
	}
	done.Optimized, err = t.Optimize(ctx, policy)
	done.Warnings = append(done.Warnings, done.Optimized.Warnings...)
	return err
}

// surplus reports whether a column of have, at any depth, is not in want.
func surplus(have, want []field) bool {
	for _, h := range have {
		i := slices.IndexFunc(want, func(w field) bool { return w.Name == h.Name })
		if i < 0 || surplus(h.Type.members(), want[i].Type.members()) {
			return true
		}
	}
	return false
}

// removeExpired removes the files that the log says were removed longer ago than
// delta.deletedFileRetentionDuration, and than 7 days in any case, without
// looking whether they are still there, and tells how many.
func (t *Table) removeExpired(ctx context.Context) (int, error) {
	s, err := t.writable(ctx)
	if err != nil || !s.Exists() {
		return 0, err
	}
	cutoff := min(t.tombstoneCutoff(s.meta), t.settings.Now().Add(-leastRetention).UnixMilli())
	var keys []string
	for path, r := range s.tombstones {
		key := t.key(path)
		if removedBefore(r, cutoff) && s.files[path] == nil && !outside(path) && !hidden(path, s.meta.PartitionColumns) && store.CheckKey(key) == nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return 0, nil
	}
	if err := t.checkClock(ctx); err != nil {
		return 0, fmt.Errorf("remove files of table %s that were replaced long ago: %w", t.root, err)
	}
	slices.Sort(keys)
	return len(keys), t.deleteAll(ctx, keys)
}
