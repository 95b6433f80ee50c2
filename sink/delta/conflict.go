package delta

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/writer"
)

// stale returns the partitions of the change that Paylake committed to after the
// change's base: the rows in hand may be older than those, so the partitions
// must be read from the source again. Commits of other engines need no new
// reading: the plan takes what they left as the old rows.
func (t *Table) stale(ctx context.Context, s *Snapshot, c sink.Change) ([]partitioning.Value, error) {
	if c.Mode == sink.Append {
		return nil, nil
	}
	return t.staleAmong(ctx, s, c.Base, ownPartitions(c), func(v partitioning.Value) bool { return inChange(c, v) })
}

// staleAmong is stale for the partitions of which in is true; named are those
// that are known by name.
func (t *Table) staleAmong(ctx context.Context, s *Snapshot, base int64, named []partitioning.Value, in func(partitioning.Value) bool) ([]partitioning.Value, error) {
	if base > s.version {
		return named, nil // the log went back: nothing is known of what was there
	}
	out := map[partitioning.Value]bool{}
	for v := base + 1; v <= s.version; v++ {
		done, err := t.touch(ctx, v)
		if err != nil {
			return nil, err
		}
		if !done.ours() || !done.newRows {
			continue // rows that only moved to other files are as old as they were
		}
		for p := range done.partitions {
			if in(p) {
				out[p] = true
			}
		}
		if done.everything {
			for _, p := range named {
				out[p] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(out)), nil
}

// ours reports whether Paylake made the commit.
func (t touch) ours() bool { return strings.HasPrefix(t.EngineInfo, ownEngine) && t.TxnID != "" }

func inChange(c sink.Change, v partitioning.Value) bool {
	switch c.Mode {
	case sink.Overwrite:
		return v >= c.Keep
	case sink.Merge:
		return slices.ContainsFunc(c.Files, func(f writer.File) bool { return f.Partition == v })
	}
	return slices.Contains(c.Partitions, v)
}

// ownPartitions returns the partitions that a change names.
func ownPartitions(c sink.Change) []partitioning.Value {
	out := slices.Clone(c.Partitions)
	for _, f := range c.Files {
		out = append(out, f.Partition)
	}
	if len(out) == 0 {
		out = append(out, "") // an overwrite with nothing
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// touch tells what commit v did. A commit that the log no longer holds may have
// done anything.
func (t *Table) touch(ctx context.Context, v int64) (touch, error) {
	t.mu.Lock()
	done, ok := t.seen[v]
	t.mu.Unlock()
	if ok {
		return done, nil
	}
	actions, err := t.readCommit(ctx, v)
	switch {
	case errors.Is(err, store.ErrNotFound):
		done = touch{provenance: provenance{EngineInfo: ownEngine, TxnID: "expired"}, everything: true, newRows: true}
	case err != nil:
		return touch{}, err
	default:
		done = newState().commit(v, actions)
	}
	t.mu.Lock()
	t.seen[v] = done
	t.mu.Unlock()
	return done, nil
}
