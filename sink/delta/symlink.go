package delta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/store"
)

// Symlink manifests are lists of the live files of a partition, one URI a line,
// in a file that Hive's SymlinkTextInputFormat reads: Athena and Presto read a
// Delta table by them without knowing Delta (Delta Lake, "Presto, Trino and
// Athena to Delta Lake integration using manifests").
const (
	manifestFolder = "_symlink_format_manifest/"
	manifestName   = "manifest"
	manifestState  = manifestFolder + "_paylake.json" // a hidden name: those readers skip it
	manifestTries  = 5                                // commits of others that are followed, in one go
)

// manifestsAt is the content of manifestState: the manifests hold this version.
type manifestsAt struct {
	Version int64  `json:"version"`
	Table   string `json:"table"` // metaData.id: a table that was made anew has other files
	Base    string `json:"base"`  // Settings.BaseURL
}

// writeManifests brings the manifests to the newest version and returns how many
// it wrote or removed. Between its commit and its manifests a table reads as
// before by them. Two runs that do it at once may write an older list over a
// newer one; so the log is looked at again after the last write, and who finds a
// newer version goes on.
func (t *Table) writeManifests(ctx context.Context) (int, error) {
	if t.settings.BaseURL == "" {
		return 0, fmt.Errorf("write manifests of table %s: the destination has no URL", t.root)
	}
	at, err := t.readManifestState(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for range manifestTries {
		s, err := t.refresh(ctx)
		if err != nil || !s.Exists() {
			return total, err
		}
		want := manifestsAt{Version: s.version, Table: s.meta.ID, Base: t.settings.BaseURL}
		if at == want {
			return total, nil
		}
		n, err := t.moveManifests(ctx, s, at, want)
		total += n
		if err != nil {
			return total, fmt.Errorf("write manifests of table %s: %w", t.root, err)
		}
		at = want
	}
	return total, nil // the others that commit so fast write them, too
}

// readManifestState returns the zero value where there is none that can be read.
func (t *Table) readManifestState(ctx context.Context) (manifestsAt, error) {
	raw, err := store.ReadAll(ctx, t.store, t.key(manifestState))
	if errors.Is(err, store.ErrNotFound) {
		return manifestsAt{}, nil
	}
	if err != nil {
		return manifestsAt{}, fmt.Errorf("write manifests of table %s: %w", t.root, err)
	}
	var at manifestsAt
	if json.Unmarshal(raw, &at) != nil {
		return manifestsAt{}, nil
	}
	return at, nil
}

// moveManifests writes what differs between two versions, and then the state.
func (t *Table) moveManifests(ctx context.Context, s *Snapshot, have, want manifestsAt) (int, error) {
	changed, known, err := t.touchedSince(ctx, s, have, want)
	if err != nil {
		return 0, err
	}
	n := 0
	if !known {
		if n, err = t.removeManifests(ctx, s); err != nil {
			return n, err
		}
		changed = slices.Collect(s.Partitions())
		if t.settings.Spec.Column == "" {
			changed = []partitioning.Value{""} // also when it is empty
		}
	}
	for _, v := range changed {
		if err := t.writeManifest(ctx, s, v); err != nil {
			return n, err
		}
		n++
	}
	raw, err := json.Marshal(want)
	if err != nil {
		return n, err
	}
	return n, t.store.Put(ctx, t.key(manifestState), bytes.NewReader(raw))
}

// touchedSince returns the partitions of the commits after a state; known is
// false where they cannot be told: for another table, base or a log that went
// back or lost commits.
func (t *Table) touchedSince(ctx context.Context, s *Snapshot, have, want manifestsAt) (_ []partitioning.Value, known bool, err error) {
	if have.Table != want.Table || have.Base != want.Base || have.Version > s.version {
		return nil, false, nil
	}
	out := map[partitioning.Value]bool{}
	for v := have.Version + 1; v <= s.version; v++ {
		done, err := t.touch(ctx, v)
		if err != nil {
			return nil, false, err
		}
		if done.everything {
			return nil, false, nil
		}
		maps.Copy(out, done.partitions)
	}
	return slices.Sorted(maps.Keys(out)), true, nil
}

// manifestKey is where the manifest of a partition lies.
func (t *Table) manifestKey(v partitioning.Value) string {
	if dir := t.settings.Spec.Dir(v); dir != "" {
		return t.key(manifestFolder + dir + "/" + manifestName)
	}
	return t.key(manifestFolder + manifestName)
}

// writeManifest writes the list of a partition's files. That of a partition
// without files is removed; an unpartitioned table keeps an empty one, which its
// readers need.
func (t *Table) writeManifest(ctx context.Context, s *Snapshot, v partitioning.Value) error {
	files := s.partition(v).all()
	if len(files) == 0 && t.settings.Spec.Column != "" {
		return t.store.Delete(ctx, t.manifestKey(v))
	}
	var text strings.Builder
	for _, f := range files {
		if outside(f.path) {
			return fmt.Errorf("file %s lies outside the table", f.path)
		}
		text.WriteString(t.settings.BaseURL + "/" + t.key(f.path) + "\n")
	}
	return t.store.Put(ctx, t.manifestKey(v), strings.NewReader(text.String()))
}

// removeManifests removes the manifests of partitions that have no files, found
// by a listing.
func (t *Table) removeManifests(ctx context.Context, s *Snapshot) (int, error) {
	live := map[string]bool{t.key(manifestState): true, t.manifestKey(""): t.settings.Spec.Column == ""}
	for v := range s.Partitions() {
		live[t.manifestKey(v)] = true
	}
	var keys []string
	for o, err := range t.store.List(ctx, t.key(manifestFolder), "") {
		if err != nil {
			return 0, err
		}
		if !live[o.Key] && strings.HasSuffix(o.Key, "/"+manifestName) {
			keys = append(keys, o.Key)
		}
	}
	return len(keys), t.deleteAll(ctx, keys)
}
