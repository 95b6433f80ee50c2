package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/store"
)

// keptFormat is the version of the JSON form of what a refresh pass keeps.
const keptFormat = 1

// kept are partitions that were read again by runs of which the history may not
// know: a run is in the history when it has ended, and one that is killed is never.
// Without it the passes of runs that are killed every time would begin anew each
// time. It lies in an object beside the tables; losing it costs requests only.
type kept struct {
	key   string
	state keptState
}

// keptState is the object.
type keptState struct {
	Format     int                              `json:"format"`
	Connection string                           `json:"connection"`
	Stream     string                           `json:"stream"`
	Table      string                           `json:"table"`
	TableID    string                           `json:"table_id"`
	RunID      string                           `json:"run_id"`
	Read       map[partitioning.Value]time.Time `json:"read"` // when the partition was read again
}

func keptKey(s Stream) string {
	return "_paylake/refresh/" + s.Connection + "/" + s.Name() + ".json"
}

// loadKept reads the object. One of another table, or one that cannot be
// understood, is none.
func loadKept(ctx context.Context, j *job, tableID string) (*kept, error) {
	k := &kept{key: keptKey(j.s)}
	raw, err := store.ReadAll(ctx, j.run.opts.Store, k.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("look what was read again before: %w", err)
	}
	if err != nil || json.Unmarshal(raw, &k.state) != nil || k.state.Format != keptFormat || k.state.TableID != tableID || k.state.Table != j.s.Path {
		k.state.Read = nil
	}
	if k.state.Read == nil {
		k.state.Read = map[partitioning.Value]time.Time{}
	}
	k.state.Format, k.state.TableID = keptFormat, tableID
	k.state.Connection, k.state.Stream, k.state.Table = j.s.Connection, j.s.Name(), j.s.Path
	return k, nil
}

// reads are the partitions as windows that were read.
func (k *kept) reads(spec partitioning.Spec) []report.WindowRead {
	var list []report.WindowRead
	for v, at := range k.state.Read {
		if since, err := spec.Start(v); err == nil {
			list = append(list, report.WindowRead{Since: since, Until: spec.Next(since), ReadAt: at})
		}
	}
	return list
}

// forget drops what the history knows, from the partitions as it tells of them.
func (k *kept) forget(history []aged) {
	for _, a := range history {
		if at, ok := k.state.Read[a.value]; ok && !at.After(a.last) {
			delete(k.state.Read, a.value)
		}
	}
}

// add remembers partitions that were read at a time and are in the table.
func (k *kept) add(ctx context.Context, j *job, values []partitioning.Value, at time.Time) error {
	for _, v := range values {
		k.state.Read[v] = at
	}
	k.state.RunID = j.run.opts.RunID
	raw, err := json.Marshal(k.state)
	if err != nil {
		return fmt.Errorf("keep what was read again: %w", err)
	}
	if err := j.run.opts.Store.Put(ctx, k.key, bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("keep what was read again: %w", err)
	}
	return nil
}

// dropKept removes the object: a commit of the table vanished, so that what was
// read may not be in it.
func (j *job) dropKept(ctx context.Context) error {
	if len(j.s.Refresh) == 0 {
		return nil
	}
	if err := j.run.opts.Store.Delete(ctx, keptKey(j.s)); err != nil {
		return fmt.Errorf("forget what was read again: %w", err)
	}
	return nil
}
