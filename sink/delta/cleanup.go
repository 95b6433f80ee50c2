package delta

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const deleteBatch = 1000 // keys in one call of the store

// CleanLog removes the objects of the log that no version within
// delta.logRetentionDuration needs, and tells how many; with dryRun it only
// counts them. Spark's rule: of the commits that were older than the retention
// at the last midnight UTC take the newest, and of the checkpoints not newer than
// that commit the newest; that checkpoint, the commit of its version and
// everything later stay. Where there is no such checkpoint, or where
// delta.enableExpiredLogCleanup is false, nothing is removed.
//
// Times are those that the store gives its objects. The checkpoint is read first:
// one that is damaged replaces nothing. What _last_checkpoint points at stays, so
// that no reader is led to what is gone.
func (t *Table) CleanLog(ctx context.Context, dryRun bool) (int, error) {
	s, err := t.refresh(ctx)
	if err != nil || !s.Exists() {
		return 0, err
	}
	return t.cleanLog(ctx, s, dryRun)
}

func (t *Table) cleanLog(ctx context.Context, s *Snapshot, dryRun bool) (int, error) {
	if err := t.checkWritable(s.state); err != nil {
		return 0, err
	}
	retention, ok := s.meta.retention(propertyLogRetention)
	if !ok || strings.EqualFold(s.meta.Configuration[propertyLogCleanup], "false") {
		return 0, nil
	}
	objects, err := t.listLog(ctx)
	if err != nil {
		return 0, err
	}
	cutoff := t.settings.Now().UTC().Add(-retention).Truncate(day)
	base := firstNeeded(objects, cutoff)
	if base >= 0 {
		if hint := t.hint(ctx).version; hint >= 0 {
			base = min(base, hint)
		}
		for _, part := range s.base { // the next checkpoint takes statistics from there
			base = min(base, part.name.Version)
		}
	}
	keys := expired(objects, base)
	if len(keys) == 0 || dryRun {
		return len(keys), nil
	}
	if err := t.checkCheckpoint(ctx, objects, base); err != nil {
		return 0, fmt.Errorf("clean the log of table %s: %w", t.root, err)
	}
	return len(keys), t.deleteAll(ctx, keys)
}

// logObject is an object of the log that belongs to a version.
type logObject struct {
	key      string
	name     logName // Kind is otherObject for what only accompanies a version
	version  int64   // of a compacted commit the first one
	compact  bool
	size     int64
	modified time.Time
}

// listLog lists the objects of the log that belong to a version, ascending.
func (t *Table) listLog(ctx context.Context) ([]logObject, error) {
	var out []logObject
	prefix := t.key(logFolder)
	for o, err := range t.store.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list the log of table %s: %w", t.root, err)
		}
		name := o.Key[len(prefix):]
		head, rest, _ := strings.Cut(name, ".")
		version, ok := parseDigits(head, versionDigits)
		if !ok {
			continue
		}
		parsed := parseLogName(name)
		compact := strings.HasSuffix(rest, ".compacted.json")
		if parsed.Kind != otherObject || rest == "crc" || compact {
			out = append(out, logObject{o.Key, parsed, version, compact, o.Size, o.Modified})
		}
	}
	return out, nil
}

// firstNeeded returns the version of the oldest checkpoint that must stay, -1
// where everything must. A commit that is younger than a later one counts as
// late as it: times in the log never go back.
func firstNeeded(objects []logObject, cutoff time.Time) int64 {
	last, open := int64(-1), true
	for _, o := range objects {
		if o.name.Kind == uuidObject {
			return -1 // its sidecars have other rules
		}
		if o.name.Kind == commitObject && open {
			if open = !o.modified.After(cutoff); open {
				last = o.version
			}
		}
	}
	base := int64(-1)
	for v := range wholeCheckpoints(objects) {
		if v <= last {
			base = max(base, v)
		}
	}
	return base
}

// wholeCheckpoints returns the parts of the checkpoints that are whole.
func wholeCheckpoints(objects []logObject) map[int64][]checkpointPart {
	parts := map[int64][]checkpointPart{}
	for _, o := range objects {
		if o.name.Kind == checkpointObject || o.name.Kind == partObject {
			parts[o.version] = append(parts[o.version], checkpointPart{name: o.name, size: o.size})
		}
	}
	for v := range parts {
		if parts[v] = complete(parts[v]); parts[v] == nil {
			delete(parts, v)
		}
	}
	return parts
}

// expired returns the keys of what nobody needs who starts at checkpoint base.
func expired(objects []logObject, base int64) []string {
	var keys []string
	for _, o := range objects {
		if o.version < base || o.compact && o.version <= base {
			keys = append(keys, o.key)
		}
	}
	return keys
}

// checkCheckpoint reads a checkpoint, to be sure of it before what came before
// it goes.
func (t *Table) checkCheckpoint(ctx context.Context, objects []logObject, version int64) error {
	parts := wholeCheckpoints(objects)[version]
	if len(parts) == 0 {
		return fmt.Errorf("_last_checkpoint names version %d, which has no checkpoint", version)
	}
	s := newState()
	for _, part := range parts {
		if err := t.readCheckpoint(ctx, part, s); err != nil {
			return err
		}
	}
	return s.check()
}

// deleteAll removes objects in batches.
func (t *Table) deleteAll(ctx context.Context, keys []string) error {
	for batch := range slices.Chunk(keys, deleteBatch) {
		if err := t.store.Delete(ctx, batch...); err != nil {
			return fmt.Errorf("remove old files of table %s: %w", t.root, err)
		}
	}
	return nil
}
