package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
)

// backfillFormat is the version of the JSON form of a backfill's object.
const backfillFormat = 1

// positionBits is the part of a backfill's mark that holds the position, in
// seconds since 1970; the attempt is above it.
const positionBits = 40

// fill is the backfill of one table: how often it was begun and how far it
// came. Both stand in the mark of its commits; where the rows of a stretch did
// not change there is no commit, and an object beside the table tells.
type fill struct {
	app     string
	key     string
	tableID string
	end     time.Time // as asked for: the position of one that has ended
	attempt int64
	reached time.Time // by the mark or the object
	marked  int64     // the mark in the table's log; 0 for none
}

// fillState is the object of a backfill.
type fillState struct {
	Format     int       `json:"format"`
	Connection string    `json:"connection"`
	Stream     string    `json:"stream"`
	Table      string    `json:"table"`
	TableID    string    `json:"table_id"`
	RunID      string    `json:"run_id"`
	Until      time.Time `json:"until"`
	Attempt    int64     `json:"attempt"`
	Position   time.Time `json:"position"`
	Mark       int64     `json:"mark"` // in the table's log; one that went back with vanished commits takes the position with it
}

// Whole is a range in whole partitions of the stream: what a backfill of it is
// about.
func (s Stream) Whole(rng window.Window) window.Window {
	until := s.Spec.Floor(rng.Until)
	if until.Before(rng.Until) {
		until = s.Spec.Next(rng.Until)
	}
	return window.Window{Since: s.Spec.Floor(rng.Since), Until: until.UTC()}
}

// fillID names the backfill of a table and a range.
func fillID(s Stream, whole window.Window) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d", s.Path, whole.Since.Unix(), whole.Until.Unix()))
	return fmt.Sprintf("%x", sum[:8])
}

// newFill tells how far the backfill came before. One that has ended begins
// again.
func newFill(ctx context.Context, st store.Store, s Stream, l lake, rng window.Window) (*fill, error) {
	whole := s.Whole(rng)
	id := fillID(s, whole)
	f := &fill{app: s.app() + "/backfill/" + id, key: "_paylake/backfill/" + id + ".json", end: whole.Until, attempt: 1, reached: whole.Since, tableID: l.TableID()}
	if mark, ok := l.Mark(f.app); ok {
		f.marked, f.attempt, f.reached = mark, mark>>positionBits, time.Unix(mark&(1<<positionBits-1), 0).UTC()
	}
	raw, err := store.ReadAll(ctx, st, f.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("look how far the backfill came: %w", err)
	}
	var state fillState
	if err == nil && json.Unmarshal(raw, &state) == nil && state.Format == backfillFormat && state.TableID == f.tableID && state.Mark <= f.marked {
		switch {
		case state.Attempt > f.attempt:
			f.attempt, f.reached = state.Attempt, state.Position
		case state.Attempt == f.attempt:
			f.reached = latest(f.reached, state.Position)
		}
	}
	if !f.reached.Before(f.end) {
		f.attempt, f.reached = f.attempt+1, whole.Since
	}
	return f, nil
}

// resumeBackfill goes on where the backfill of this range came to.
func (j *job) resumeBackfill(ctx context.Context) error {
	f, err := newFill(ctx, j.run.opts.Store, j.s, j.base, *j.run.opts.Backfill)
	if err != nil {
		return err
	}
	j.fill = f
	if from := j.s.Spec.Floor(f.reached); from.After(j.rng.Since) {
		j.group = newGroup(from, time.Now())
		j.rep.Warn(fmt.Sprintf("goes on with a backfill that did not end: everything up to %s was read before", from.Format(time.RFC3339)))
	}
	return nil
}

// mark is the mark of a commit of the group.
func (f *fill) mark(g *group, last bool) *sink.Mark {
	return &sink.Mark{App: f.app, Version: f.attempt<<positionBits | f.position(g, last).Unix()}
}

// position is how far the backfill comes with the group. One that has ended
// came to its end, though the newest records of the range do not exist yet.
func (f *fill) position(g *group, last bool) time.Time {
	if last && !g.failed {
		return f.end
	}
	return g.prefix
}

// passed records the position of a group that had nothing to commit.
func (f *fill) passed(ctx context.Context, j *job, mark *sink.Mark) error {
	if f == nil {
		return nil
	}
	raw, err := json.Marshal(fillState{Format: backfillFormat, Connection: j.s.Connection, Stream: j.s.Name(), Table: j.s.Path, TableID: f.tableID,
		RunID: j.run.opts.RunID, Until: f.end, Attempt: f.attempt, Mark: f.marked, Position: time.Unix(mark.Version&(1<<positionBits-1), 0).UTC()})
	if err != nil {
		return fmt.Errorf("record the backfill: %w", err)
	}
	if err := j.run.opts.Store.Put(ctx, f.key, bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("record the backfill: %w", err)
	}
	return nil
}
