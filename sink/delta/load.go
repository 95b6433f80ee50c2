package delta

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
)

// Load reads the log and returns the newest snapshot. Settings that differ from
// the table's give a *sink.SettingsError, columns that do not fit a
// *sink.SchemaError, features that Paylake does not know a
// *sink.UnsupportedError. The table need not exist.
func (t *Table) Load(ctx context.Context) (*Snapshot, error) {
	s, err := t.refresh(ctx)
	if err != nil || !s.Exists() {
		return s, err
	}
	if err := t.checkSettings(s.state); err != nil {
		return nil, err
	}
	if err := t.checkWritable(s.state); err != nil {
		return nil, err
	}
	_, err = t.evolvedMetaData(s.state)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// ReadSnapshot reads any Delta table whose rows Paylake can tell, whoever made
// it and whatever it asks of writers.
func ReadSnapshot(ctx context.Context, st store.Store, root string) (*Snapshot, error) {
	t := &Table{store: st, root: root, size: -1, seen: map[int64]touch{}}
	return t.refresh(ctx)
}

// refresh brings t.tip up to the newest commit. What was read before is used
// again only if its commit object is still there and has the same size: a
// folder that was emptied, or a commit that another engine overwrote, is read
// anew.
func (t *Table) refresh(ctx context.Context) (*Snapshot, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, s, err := t.tail(ctx)
	if err != nil {
		return nil, err
	}
	if s == nil {
		if l, s, err = t.start(ctx); err != nil {
			return nil, err
		}
	}
	if t.tip != nil && t.tip.version == s.version && l.newest() <= s.version {
		return t.tip, nil
	}
	for _, v := range l.after(s.version) {
		actions, err := t.readCommit(ctx, v)
		if err != nil {
			return nil, err
		}
		t.seen[v] = s.commit(v, actions)
	}
	if s.version >= 0 {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("read table %s: %w", t.root, err)
		}
		if err := t.checkReadable(s); err != nil {
			return nil, err
		}
	}
	t.tip, t.size = newSnapshot(s), l.sizeOf(s.version)
	return t.tip, nil
}

// tail lists what came after t.tip and returns a state to go on from; nil if
// the log must be read from its start.
func (t *Table) tail(ctx context.Context) (listing, *state, error) {
	if t.tip == nil || !t.tip.Exists() {
		return listing{}, nil, nil
	}
	v := t.tip.version
	l, err := t.list(ctx, v)
	if err != nil {
		return listing{}, nil, err
	}
	size := l.sizeOf(v)
	if size < 0 || t.size >= 0 && size != t.size || l.contiguous(v) != nil {
		t.tip, t.seen = nil, map[int64]touch{}
		return listing{}, nil, nil
	}
	if l.newest() == v {
		return l, t.tip.state, nil
	}
	return l, t.tip.clone(), nil
}

// start lists the log and reads its newest checkpoint, if there is one.
func (t *Table) start(ctx context.Context) (listing, *state, error) {
	hint := t.hint(ctx)
	l, err := t.list(ctx, hint)
	if err == nil && hint >= 0 && l.checkpoint() < hint {
		l, err = t.list(ctx, -1) // the hint is stale or damaged
	}
	if err != nil {
		return l, nil, err
	}
	s := newState()
	v := l.checkpoint()
	if err := l.contiguous(v); err != nil {
		if l.uuid && v < 0 {
			return l, nil, &sink.UnsupportedError{Table: t.root, Feature: featureV2Checkpoint}
		}
		return l, nil, fmt.Errorf("read table %s: %w", t.root, err)
	}
	for _, o := range l.checkpoints[v] {
		if err := t.readCheckpoint(ctx, o, s); err != nil {
			return l, nil, err
		}
	}
	s.version, s.base = v, l.checkpoints[v]
	return l, s, nil
}

// hint returns the version in _last_checkpoint, -1 if there is none that can be
// read. It only saves time: the listing decides (PROTOCOL.md, "Last Checkpoint
// File").
func (t *Table) hint(ctx context.Context) int64 {
	raw, err := store.ReadAll(ctx, t.store, t.key(lastCheckpoint))
	if err != nil {
		return -1
	}
	var last struct {
		Version *int64 `json:"version"`
	}
	if json.Unmarshal(raw, &last) != nil || last.Version == nil || *last.Version < 0 {
		return -1
	}
	return *last.Version
}

// listing is what _delta_log holds.
type listing struct {
	commits     map[int64]int64 // version -> bytes
	checkpoints map[int64][]checkpointPart
	uuid        bool // there is a v2 checkpoint
}

type checkpointPart struct {
	name logName
	size int64
}

// list lists the log from version from on; -1 for all of it.
func (t *Table) list(ctx context.Context, from int64) (listing, error) {
	l := listing{commits: map[int64]int64{}, checkpoints: map[int64][]checkpointPart{}}
	prefix := t.key(logFolder)
	after := ""
	if from >= 0 {
		after = prefix + fmt.Sprintf("%0*d", versionDigits, from)
	}
	for o, err := range t.store.List(ctx, prefix, after) {
		if err != nil {
			return l, fmt.Errorf("list the log of table %s: %w", t.root, err)
		}
		name := parseLogName(o.Key[len(prefix):])
		switch name.Kind {
		case commitObject:
			l.commits[name.Version] = o.Size
		case checkpointObject, partObject:
			l.checkpoints[name.Version] = append(l.checkpoints[name.Version], checkpointPart{name, o.Size})
		case uuidObject:
			l.uuid = true
		}
	}
	for v, parts := range l.checkpoints {
		if l.checkpoints[v] = complete(parts); l.checkpoints[v] == nil {
			delete(l.checkpoints, v)
		}
	}
	return l, nil
}

// complete picks the files of one whole checkpoint of a version: the single
// file, or all parts of one division; nil if there is none.
func complete(parts []checkpointPart) []checkpointPart {
	byParts := map[int][]checkpointPart{}
	for _, p := range parts {
		if p.name.Kind == checkpointObject {
			return []checkpointPart{p}
		}
		byParts[p.name.Parts] = append(byParts[p.name.Parts], p)
	}
	for _, n := range slices.Sorted(maps.Keys(byParts)) {
		if len(byParts[n]) == n {
			return byParts[n]
		}
	}
	return nil
}

// checkpoint returns the version of the newest whole checkpoint, -1 for none.
func (l listing) checkpoint() int64 {
	v := int64(-1)
	for c := range l.checkpoints {
		v = max(v, c)
	}
	return v
}

// newest returns the newest version of the table, -1 for none.
func (l listing) newest() int64 {
	v := l.checkpoint()
	for c := range l.commits {
		v = max(v, c)
	}
	return v
}

// after returns the versions of the commits after version, ascending.
func (l listing) after(version int64) []int64 {
	var out []int64
	for v := range l.commits {
		if v > version {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// contiguous reports a commit that is missing after version.
func (l listing) contiguous(version int64) error {
	for _, v := range l.after(version) {
		if v != version+1 {
			return fmt.Errorf("the log is not whole: commit %d is missing before commit %d", version+1, v)
		}
		version = v
	}
	return nil
}

// sizeOf returns the bytes of a commit object, -1 if it is not there.
func (l listing) sizeOf(version int64) int64 {
	if size, ok := l.commits[version]; ok {
		return size
	}
	return -1
}
