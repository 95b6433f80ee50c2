package delta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

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
	return newTable(st, root, Settings{}).refresh(ctx)
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
	t.saved = max(t.saved, l.checkpoint())
	if t.tip != nil && t.tip.version == s.version && l.newest() <= s.version {
		return t.tip, nil
	}
	err = t.readCommits(ctx, l.after(s.version), func(v int64, actions []action) { t.seen[v] = s.commit(v, actions) })
	if err != nil {
		return nil, err
	}
	if s.version >= 0 {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("read table %s: %w", t.root, err)
		}
		if err := t.checkReadable(s); err != nil {
			return nil, err
		}
	}
	if t.tip != nil && t.tip.Exists() {
		t.tip = t.tip.next(s)
	} else {
		t.tip = newSnapshot(s)
	}
	t.size = l.sizeOf(s.version)
	return t.tip, nil
}

// tail lists what came after t.tip and returns a state to go on from; nil if
// the log must be read from its start.
func (t *Table) tail(ctx context.Context) (listing, *state, error) {
	if t.tip == nil || !t.tip.Exists() {
		return listing{}, nil, nil
	}
	v, first := t.tip.version, t.watched()
	l, err := t.list(ctx, first)
	if err != nil {
		return listing{}, nil, err
	}
	size, gone := l.sizeOf(v), t.gone(l, first)
	if size < 0 || t.size >= 0 && size != t.size || l.contiguous(v) != nil || len(gone) > 0 {
		t.forget(gone...)
		return listing{}, nil, nil
	}
	if l.newest() == v {
		return l, t.tip.state, nil
	}
	return l, t.tip.clone(), nil
}

// start finds the newest checkpoint and reads it, if there is one. That takes
// three requests: the hint, one listing from there on, and the checkpoint.
func (t *Table) start(ctx context.Context) (listing, *state, error) {
	hint := t.hint(ctx)
	l, err := t.list(ctx, hint.version)
	if err == nil && hint.version >= 0 && l.checkpoint() < hint.version {
		l, err = t.list(ctx, -1) // the hint is stale or damaged
	}
	if err != nil {
		return l, nil, err
	}
	s := newState()
	v := l.checkpoint()
	if err := t.whole(l); err != nil {
		return l, nil, err
	}
	for _, o := range l.checkpoints[v] {
		if err := t.readCheckpoint(ctx, o, s); err != nil {
			return t.withoutCheckpoint(ctx, o, err)
		}
	}
	s.version, s.base = v, l.checkpoints[v]
	if v != hint.version {
		hint.settled = -1 // it tells of another checkpoint
	}
	return l, s, t.lookForRestore(ctx, s, hint.settled)
}

// whole reports a log that cannot be read from its newest checkpoint on, or from
// its start. One that holds nothing but a checkpoint of an unknown kind is a
// table, too.
func (t *Table) whole(l listing) error {
	err := l.contiguous(l.checkpoint())
	if err == nil && l.newest() < 0 && l.broken {
		err = errors.New("the log is not whole: it holds parts of a checkpoint and no commit")
	}
	switch {
	case l.uuid && (err != nil || l.newest() < 0):
		return &sink.UnsupportedError{Table: t.root, Feature: featureV2Checkpoint}
	case err != nil:
		return fmt.Errorf("read table %s: %w", t.root, err)
	}
	return nil
}

// hint is what _last_checkpoint tells.
type hint struct {
	version int64 // -1 if there is none that can be read
	settled int64 // newest version that was looked at for a RESTORE, -1 for none
}

// hint reads _last_checkpoint. It only saves time: the listing decides
// (PROTOCOL.md, "Last Checkpoint File").
func (t *Table) hint(ctx context.Context) hint {
	none := hint{-1, -1}
	raw, err := store.ReadAll(ctx, t.store, t.key(lastCheckpoint))
	if err != nil {
		return none
	}
	var last struct {
		Version *int64          `json:"version"`
		Tags    json.RawMessage `json:"tags"`
	}
	if json.Unmarshal(raw, &last) != nil || last.Version == nil || *last.Version < 0 {
		return none
	}
	out := hint{*last.Version, -1}
	var tags map[string]string
	if json.Unmarshal(last.Tags, &tags) == nil && tags[settledTag] == strconv.FormatInt(out.version, 10) {
		out.settled = out.version
	}
	return out
}

// listing is what _delta_log holds.
type listing struct {
	commits     map[int64]int64 // version -> bytes
	checkpoints map[int64][]checkpointPart
	uuid        bool // there is a v2 checkpoint
	broken      bool // there is a checkpoint of which a part is missing
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
		if o.Key[len(prefix)] > '9' {
			break // no version comes after: _last_checkpoint, _sidecars and the like
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
			l.broken = true
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
