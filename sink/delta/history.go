package delta

import (
	"context"
	"fmt"
	"maps"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
)

// ReadSnapshotAt reads a version of any Delta table, as ReadSnapshot does the
// newest. A version whose commits or checkpoint were cleaned from the log is an
// error. Its data files may be gone, too: they stay for
// delta.deletedFileRetentionDuration after their removal.
func ReadSnapshotAt(ctx context.Context, st store.Store, root string, version int64) (*Snapshot, error) {
	t := newTable(st, root, Settings{})
	l, err := t.list(ctx, -1)
	if err != nil {
		return nil, err
	}
	if version < 0 || version > l.newest() {
		return nil, fmt.Errorf("read table %s: it has no version %d; the newest is %d", root, version, l.newest())
	}
	l.cut(version)
	base := l.checkpoint()
	if err := l.contiguous(base); err != nil || l.newest() != version {
		if l.uuid && base < 0 {
			return nil, &sink.UnsupportedError{Table: root, Feature: featureV2Checkpoint}
		}
		return nil, fmt.Errorf("read table %s: version %d is no longer in the log", root, version)
	}
	s := newState()
	for _, part := range l.checkpoints[base] {
		if err := t.readCheckpoint(ctx, part, s); err != nil {
			return nil, err
		}
	}
	s.version, s.base = base, l.checkpoints[base]
	for _, v := range l.after(base) {
		actions, err := t.readCommit(ctx, v)
		if err != nil {
			return nil, err
		}
		s.commit(v, actions)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("read version %d of table %s: %w", version, root, err)
	}
	if err := t.checkReadable(s); err != nil {
		return nil, err
	}
	return newSnapshot(s), nil
}

// cut forgets what came after version.
func (l listing) cut(version int64) {
	maps.DeleteFunc(l.commits, func(v, _ int64) bool { return v > version })
	maps.DeleteFunc(l.checkpoints, func(v int64, _ []checkpointPart) bool { return v > version })
}
