package delta

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/google/uuid"
)

// upkeep is a commit that changes no row: it moves rows to other files, or
// changes properties.
type upkeep struct {
	operation  string
	parameters map[string]string
	metrics    map[string]string
	actions    []action // without commitInfo
}

// newTransaction starts a commit of upkeep.
func (t *Table) newTransaction() (*transaction, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("commit to table %s: %w", t.root, err)
	}
	return &transaction{table: t, id: id.String()}, nil
}

// keepUp commits what build makes of the newest snapshot, which it asks again
// after each lost race; nil of build ends it. It returns the version, -1 where
// nothing was to be committed, and warnings about the checkpoint.
//
// Isolation is that of a compaction ("Snapshot" of ConflictChecker.scala): other
// commits in between do not matter, unless they took what build needs.
func (x *transaction) keepUp(ctx context.Context, build func(*Snapshot) (*upkeep, error)) (int64, []string, error) {
	t := x.table
	for try := range commitTries {
		if try > 0 {
			if err := pause(ctx, try); err != nil {
				return -1, nil, fmt.Errorf("commit to table %s: %w", t.root, err)
			}
		}
		s, err := t.writable(ctx)
		if err != nil || !s.Exists() {
			return -1, nil, err
		}
		u, err := build(s)
		if err != nil || u == nil {
			return -1, nil, err
		}
		won, err := x.putUpkeep(ctx, s, u)
		if err != nil {
			return -1, nil, err
		}
		if won {
			return s.version + 1, t.checkpointIfDue(ctx), nil
		}
	}
	return -1, nil, fmt.Errorf("commit to table %s: other writers were faster %d times: run again when they have finished", t.root, commitTries)
}

// writable loads the newest snapshot of a table that this run may write to.
func (t *Table) writable(ctx context.Context) (*Snapshot, error) {
	s, err := t.refresh(ctx)
	if err != nil || !s.Exists() {
		return s, err
	}
	if err := t.checkSettings(s.state); err != nil {
		return nil, err
	}
	return s, t.checkWritable(s.state)
}

// putUpkeep tries to make u the version after s.
func (x *transaction) putUpkeep(ctx context.Context, s *Snapshot, u *upkeep) (bool, error) {
	t := x.table
	read := s.version
	info, err := json.Marshal(commitInfo{
		Timestamp: t.now(), Operation: u.operation, OperationParameters: notNilMap(u.parameters), ReadVersion: &read,
		IsolationLevel: "SnapshotIsolation", OperationMetrics: notNilMap(u.metrics), EngineInfo: t.settings.Engine, TxnID: x.id,
	})
	if err != nil {
		return false, fmt.Errorf("encode commitInfo: %w", err)
	}
	actions := append([]action{{CommitInfo: info}}, u.actions...)
	body, err := encodeActions(actions)
	if err != nil {
		return false, err
	}
	if err := ctx.Err(); err != nil {
		return false, fmt.Errorf("commit to table %s: %w", t.root, err)
	}
	won, err := x.create(ctx, s.version+1, body)
	if err != nil || !won {
		return false, err
	}
	next := s.clone()
	done := next.commit(s.version+1, actions)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tip, t.size, t.seen[next.version] = s.next(next), int64(len(body)), done
	return true, nil
}

// commitRetention changes the table's retention properties to those of the
// settings, and reports whether they were others.
func (t *Table) commitRetention(ctx context.Context) (bool, []string, error) {
	x, err := t.newTransaction()
	if err != nil {
		return false, nil, err
	}
	version, warnings, err := x.keepUp(ctx, func(s *Snapshot) (*upkeep, error) {
		changes := t.changedRetention(s.meta)
		if len(changes) == 0 {
			return nil, nil
		}
		m := *s.meta
		m.Configuration = maps.Clone(notNilMap(m.Configuration))
		maps.Copy(m.Configuration, changes)
		text, err := json.Marshal(changes)
		if err != nil {
			return nil, fmt.Errorf("encode properties: %w", err)
		}
		return &upkeep{operation: "SET TBLPROPERTIES", parameters: map[string]string{"properties": string(text)},
			actions: []action{{MetaData: &m}}}, nil
	})
	return version >= 0, warnings, err
}
