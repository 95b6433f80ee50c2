package delta

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/paylake/paylake/sink/store"
)

// recordsKnown is the version of how records become rows. It is raised when the
// same record would give another row under the same settings and schema
// version, so that files of before are not mixed with files of after.
const recordsKnown = 1

// Fingerprint identifies what the table's rows depend on beside the source's
// records: the table's place, its columns as this run declares them (less what
// is excluded), its partitions and its properties. Files that were written for
// another fingerprint do not fit the table.
func (t *Table) Fingerprint() (string, error) {
	text, err := tableColumns(t.settings.Table, t.settings.Spec).text()
	if err != nil {
		return "", err
	}
	properties := t.settings.Properties
	parts := []string{fmt.Sprint(recordsKnown), t.root, text, fmt.Sprint(t.settings.Table.Key), t.settings.Spec.Column, t.settings.Spec.Source,
		fmt.Sprint(t.settings.Spec.Granularity), t.settings.Spec.Location.String()}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		parts = append(parts, name, properties[name])
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("identify table %s: %w", t.root, err)
	}
	sum := sha256.Sum256(raw)
	return fmt.Sprintf("%x", sum[:16]), nil
}

// TableID returns the id that the table got when it was made, "" where there is
// no table. A table that was removed and made again has another one.
func (s *Snapshot) TableID() string {
	if s.meta == nil {
		return ""
	}
	return s.meta.ID
}

// Created returns when the table was made, UTC; the zero time where there is
// none or its log does not say.
func (s *Snapshot) Created() time.Time {
	if s.meta == nil || s.meta.CreatedTime == nil {
		return time.Time{}
	}
	return time.UnixMilli(*s.meta.CreatedTime).UTC()
}

// MarkedAt returns when the mark of app was written, by the clock of the run
// that wrote it, UTC; the zero time where the log does not say.
func (s *Snapshot) MarkedAt(app string) time.Time {
	t, ok := s.txns[app]
	if !ok || t.LastUpdated == nil {
		return time.Time{}
	}
	return time.UnixMilli(*t.LastUpdated).UTC()
}

// Holds reports whether a live file lies under a path below the table's root.
func (s *Snapshot) Holds(path string) bool {
	_, live := s.files[path]
	return live
}

// Named reports whether the table holds a file under a path below its root, or
// held it before it was removed; of those removed longer ago than the retention
// nothing may be known.
func (s *Snapshot) Named(path string) bool {
	_, removed := s.tombstones[path]
	return removed || s.Holds(path)
}

// Calls returns how many calls to the store were made through the table's store,
// 0 where that is no *store.Counting.
func (t *Table) Calls() int64 {
	if counting, ok := t.store.(*store.Counting); ok {
		return counting.Calls()
	}
	return 0
}
