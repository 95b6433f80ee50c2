package delta

import (
	"context"
	"errors"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
)

const (
	readBack  = 32  // newest commits of a run that Settle reads again
	watchBack = 500 // versions that are listed again to see that our commits are still there
)

// ownCommit is a commit that this Table made.
type ownCommit struct {
	txnID string
	size  int64 // bytes of its object
}

// Settle ends a run. It looks whether the commits of this Table are still in
// the log, and writes a checkpoint if any commit came after the newest one, so
// that the next run reads few objects. Where nothing was committed and nothing
// is behind the checkpoint it costs no request.
//
// The commits that are gone are returned in ascending order, once; see
// [sink.VanishedError] for what to do. Load then tells what the table holds. A
// checkpoint that cannot be written is a warning.
func (t *Table) Settle(ctx context.Context) (vanished []int64, warnings []string, err error) {
	t.mu.Lock()
	made := len(t.own) > 0
	t.mu.Unlock()
	if made {
		if _, err := t.refresh(ctx); err != nil {
			return nil, nil, err
		}
		if err := t.readOwn(ctx); err != nil {
			return nil, nil, err
		}
	}
	t.mu.Lock()
	vanished, t.lost = slices.Sorted(slices.Values(t.lost)), nil
	s, saved, damaged := t.tip, t.saved, t.damaged != ""
	t.damaged = ""
	t.mu.Unlock()
	if s == nil || s.version < 0 || !damaged && (s.version < 1 || saved >= s.version) {
		return vanished, nil, nil
	}
	return vanished, t.checkpoint(ctx, s), nil
}

// readOwn reads the newest of our commits again; refresh has compared the sizes
// of all. What was found is not looked at again.
func (t *Table) readOwn(ctx context.Context) error {
	t.mu.Lock()
	own, saved := maps.Clone(t.own), t.saved
	t.mu.Unlock()
	versions := slices.Sorted(maps.Keys(own))
	versions = versions[max(0, len(versions)-readBack):]
	lost := make([]bool, len(versions))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAtOnce)
	for i, v := range versions {
		g.Go(func() error {
			actions, err := t.readCommit(gctx, v)
			if errors.Is(err, store.ErrNotFound) {
				lost[i] = v >= saved // older ones may have been cleaned up
				return nil
			}
			lost[i] = txnIDOf(actions) != own[v].txnID
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.own)
	for i, v := range versions {
		if lost[i] {
			t.forget(v)
		}
	}
	return nil
}

// txnIDOf returns the txnId in a commit's commitInfo, "" for none.
func txnIDOf(actions []action) string {
	for _, a := range actions {
		if a.CommitInfo != nil {
			return readCommitInfo(a.CommitInfo).TxnID
		}
	}
	return ""
}

// forget drops what was read, because the log is not what it was. Our commits
// in lost are gone.
func (t *Table) forget(lost ...int64) {
	t.tip, t.size, t.saved = nil, -1, -1
	clear(t.seen)
	clear(t.own)
	clear(t.same)
	t.lost = append(t.lost, lost...)
}

// watched returns the version from which on the log is listed again: the tip's
// or that of an older commit of ours.
func (t *Table) watched() int64 {
	v := t.tip.version
	for own := range t.own {
		if own > t.tip.version-watchBack {
			v = min(v, own)
		}
	}
	return v
}

// gone returns our commits that a listing from version first on does not show
// as they were written. What a checkpoint covers may have been cleaned up.
func (t *Table) gone(l listing, first int64) []int64 {
	var out []int64
	for v, c := range t.own {
		size := l.sizeOf(v)
		if v >= first && size != c.size && (size >= 0 || v >= l.checkpoint()) {
			out = append(out, v)
		}
	}
	return out
}

// vanished returns the error for commits that are gone, once.
func (t *Table) vanished() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lost) == 0 {
		return nil
	}
	first := slices.Min(t.lost)
	t.lost = nil
	return &sink.VanishedError{Table: t.root, Version: first}
}
