package delta

import (
	"context"
	"fmt"

	"github.com/paylake/paylake/sink/store"
)

// withoutCheckpoint reads the log from its first commit where a checkpoint is
// damaged: the store delivers it and it cannot be read. The next [Table.Settle]
// writes one anew. The lock is held.
func (t *Table) withoutCheckpoint(ctx context.Context, part checkpointPart, cause error) (listing, *state, error) {
	if raw, err := store.ReadAll(ctx, t.store, t.key(logFolder+part.name.String())); err != nil || int64(len(raw)) != part.size {
		return listing{}, nil, cause // the store is to blame
	}
	l, err := t.list(ctx, -1)
	if err != nil {
		return l, nil, err
	}
	l.checkpoints = map[int64][]checkpointPart{}
	if _, first := l.commits[0]; !first || l.contiguous(-1) != nil {
		return l, nil, fmt.Errorf("%w: this checkpoint is damaged, and the commits before it are gone: restore it from a backup, or remove it if an older checkpoint is whole", cause)
	}
	t.damaged = part.name.String()
	s := newState()
	return l, s, t.lookForRestore(ctx, s, -1)
}

// DamagedCheckpoint returns the path, below the table's root, of a checkpoint that
// loading could not read, though the store delivers it; "" where there is none, or
// it was written anew since. Paylake reads the commits instead, other engines fail.
func (t *Table) DamagedCheckpoint(ctx context.Context) string {
	t.mu.Lock()
	name := t.damaged
	t.mu.Unlock()
	if name == "" || !t.unreadable(ctx, logFolder+name) {
		return ""
	}
	return logFolder + name
}

// unreadable reports whether an object is no Parquet file. One that is gone, or
// that a newer checkpoint has taken the place of, does no harm.
func (t *Table) unreadable(ctx context.Context, path string) bool {
	if hint := t.hint(ctx); hint.version > parseLogName(path[len(logFolder):]).Version {
		return false
	}
	raw, err := store.ReadAll(ctx, t.store, t.key(path))
	if err != nil {
		return false
	}
	r, err := openParquet(ctx, t.store, t.key(path), int64(len(raw)))
	if err != nil {
		return true
	}
	return r.ParquetReader().Close() != nil
}
