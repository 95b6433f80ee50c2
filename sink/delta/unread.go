package delta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
)

const (
	// appCommits is the appId by which the log remembers our newest commit at
	// which no partition was unread. RESTORE of Spark keeps it, as it keeps all
	// txn actions.
	appCommits = "paylake/commits"

	operationRestore = "RESTORE" // commitInfo.operation of Spark and delta-rs

	lookBack = 1000 // commits read at most to find a RESTORE
)

// Unread returns the partitions that a RESTORE by another engine touched since
// and that Paylake has not written since: their rows may be older than what was
// read before, though the watermark says that they were read. They must be read
// again. Ascending; empty almost always.
//
// A partition is unread no more when a Replace or Overwrite of [Table.Commit]
// had it, whether its rows changed or not, or when [sink.Change.Reread] names
// it. What can be read no more (behind the source's horizon) should be named
// there, too. That is kept in the log by the commit that leaves none unread.
func (s *Snapshot) Unread() []partitioning.Value { return slices.Sorted(maps.Keys(s.unread)) }

// Doubt says why Unread may lack partitions: commits of other engines after
// ours are no longer in the log. "" when it is whole.
func (s *Snapshot) Doubt() string { return s.doubt }

// noteRestore follows in the unread partitions what a commit did.
func (s *state) noteRestore(version int64, t touch) {
	if mark, ok := s.txns[appCommits]; ok && mark.Version == version {
		clear(s.unread)
		s.doubt = ""
		return
	}
	switch {
	case t.ours() && t.newRows && !t.Blind && t.Operation != operationMerge: // a merge does not read a partition as a whole
		for v := range t.partitions {
			delete(s.unread, v)
		}
	case !t.ours() && t.Operation == operationRestore:
		for v := range t.partitions {
			s.unread[v] = version
		}
		if t.everything {
			for _, f := range s.files {
				s.unread[f.values.value] = version
			}
		}
	}
}

// lookForRestore finds the unread partitions of a state that comes from a
// checkpoint: the commits after our newest one that the checkpoint covers.
func (t *Table) lookForRestore(ctx context.Context, s *state, known int64) error {
	mark, ok := s.txns[appCommits]
	if t.settings.Table == nil || !ok || mark.Version > s.version {
		return nil // not a table of ours, or the log is another one
	}
	first := max(mark.Version, known) + 1
	if last := s.version - lookBack; first <= last {
		s.doubt = fmt.Sprintf("commits %d to %d of other engines were not looked at", first, last)
		first = last + 1
	}
	for v := first; v <= s.version; v++ {
		done, err := t.touchOf(ctx, v)
		switch {
		case errors.Is(err, store.ErrNotFound):
			s.doubt = fmt.Sprintf("commit %d of another engine is no longer in the log", v)
		case err != nil:
			return err
		default:
			s.noteRestore(v, done)
		}
	}
	return nil
}

// touchOf reads what commit v did.
func (t *Table) touchOf(ctx context.Context, v int64) (touch, error) {
	actions, err := t.readCommit(ctx, v)
	if err != nil {
		return touch{}, err
	}
	return newState().commit(v, actions), nil
}

// settles returns the txn that says that nothing is unread when the change is
// committed as the given version, nil while something is.
func (t *Table) settles(s *Snapshot, c sink.Change, version int64) *txn {
	t.mu.Lock()
	defer t.mu.Unlock()
	for v, restored := range s.unread {
		same, ok := t.same[v]
		if (!ok || same < restored) && !readAgain(c, v, restored) {
			return nil
		}
	}
	now := t.now()
	return &txn{AppID: appCommits, Version: version, LastUpdated: &now}
}

// readAgain reports whether the change holds what the source says of partition v.
func readAgain(c sink.Change, v partitioning.Value, restored int64) bool {
	return c.Mode != sink.Append && c.Mode != sink.Merge && inChange(c, v) || c.Base >= restored && slices.Contains(c.Reread, v)
}

// onlyNote reports whether a change without new rows must be committed, because
// it leaves nothing unread.
func (t *Table) onlyNote(s *Snapshot, c sink.Change) bool {
	return len(s.unread) > 0 && t.settles(s, c, s.version+1) != nil
}

// noteSame remembers the partitions that a change had read and need not change.
func (t *Table) noteSame(c sink.Change, version int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tip == nil {
		return
	}
	for v, restored := range t.tip.unread {
		if readAgain(c, v, restored) {
			t.same[v] = version
		}
	}
}

// settledTag is the tag of _last_checkpoint that tells up to which version no
// RESTORE was found, so that commits of other engines are read but once.
const settledTag = "paylake.settled"

func settledTags(s *Snapshot) map[string]string {
	if len(s.unread) > 0 || s.doubt != "" {
		return nil
	}
	return map[string]string{settledTag: strconv.FormatInt(s.version, 10)}
}
