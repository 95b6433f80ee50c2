package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/paylake/paylake/sink/store"
)

// changesFormat is the version of the JSON form of a stream's positions.
const changesFormat = 1

// changes is how far the passes of a stream came that look for records that
// changed, whatever their age. It lies in an object beside the tables, because
// such a pass may find nothing, and then nothing is committed.
//
// What is not in the object cannot be lost: a position only moves when its pass
// did all of its work, and without the object the passes begin where the table
// says that it was read.
type changes struct {
	key   string
	state changesState
	begun changesState // as it was before the passes of this run
	first bool         // there was no table when the run began: it is read in whole, after the positions
}

// changesState is the object.
type changesState struct {
	Format     int       `json:"format"`
	Connection string    `json:"connection"`
	Stream     string    `json:"stream"`
	Table      string    `json:"table"`
	TableID    string    `json:"table_id"` // "" before the table's first commit
	RunID      string    `json:"run_id"`
	Updated    positions `json:"updated"`
	Feed       positions `json:"feed"`
	Early      time.Time `json:"early,omitzero"` // changes since then of records from before the start were not looked for yet
	FeedSeen   time.Time `json:"feed_seen"`      // entries of the feed that were extracted before have been followed
	FeedRead   covered   `json:"feed_read"`      // by the windows of the run that left entries for later
}

// covered says that the records created since a time were all read after another
// time: what happened to them before that needs no other reading.
type covered struct {
	Since time.Time `json:"since"`
	At    time.Time `json:"at"`
}

// holds reports whether a record was read after an entry about it.
func (c covered) holds(created, entry time.Time) bool {
	return !created.Before(c.Since) && entry.Before(c.At)
}

// positions are where a pass stood, oldest first. The last one counts. Those
// before it, one a day, are for the case that a clock was wrong: a position in
// the future is worth nothing.
type positions []time.Time

const (
	positionsKept  = 32
	positionsApart = 24 * time.Hour
)

// at is the newest position that is not in the future; where all are, it is the
// present or the oldest of them, whichever is earlier. ok is false for the
// second.
func (p positions) at(now time.Time) (at time.Time, ok bool) {
	for i := len(p) - 1; i >= 0; i-- {
		if !p[i].After(now) {
			return p[i], i == len(p)-1
		}
	}
	if len(p) == 0 {
		return now, false
	}
	return earliest(p[0], now), false
}

// move adds a position. Later ones are forgotten: the clock was wrong then, or
// is now, and the earlier one is the safe one.
func (p positions) move(to time.Time) positions {
	var out positions
	for _, at := range p {
		if at.Before(to) {
			out = append(out, at)
		}
	}
	if n := len(out); n > 1 && out[n-1].Sub(out[n-2]) < positionsApart {
		out = out[:n-1]
	}
	out = append(out, to)
	return out[max(0, len(out)-positionsKept):]
}

// follows reports whether the stream has a pass that looks for changes.
func (s Stream) follows() bool {
	if s.Endpoint.SinceParam == "" || s.Only != nil {
		return false
	}
	return s.Endpoint.UpdatedSince != "" || s.Endpoint.ItemPath != "" && len(s.Endpoint.Objects) > 0
}

// openChanges finds out how far the passes came before. It is called before the
// run commits anything. Where there is no table yet, the positions are the start
// of this run, and are stored at once: whatever becomes of the run, what changes
// from now on is found. A table that an older version made gets positions that
// are safe for what it can tell.
func (j *job) openChanges(ctx context.Context) error {
	if !j.s.follows() {
		return nil
	}
	before := j.changes // of a part of this run
	c := &changes{key: "_paylake/changes/" + j.s.Connection + "/" + j.s.Name() + ".json", first: !j.base.Exists()}
	j.changes = c
	if c.first {
		return j.beginFirst(ctx)
	}
	raw, err := store.ReadAll(ctx, j.run.opts.Store, c.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("look how far changes were followed: %w", err)
	}
	id := j.base.TableID()
	if err == nil && json.Unmarshal(raw, &c.state) == nil && c.state.Format == changesFormat && (c.state.TableID == "" || c.state.TableID == id) {
		if c.begun = c.state; before != nil {
			c.begun = before.begun
		}
		return nil
	}
	at := j.run.started
	if !j.watermark.IsZero() {
		at = earliest(at, j.watermark)
	}
	if marked := j.base.MarkedAt(j.s.app()); !marked.IsZero() {
		at = earliest(at, marked)
	}
	j.rep.Warn(fmt.Sprintf("nobody has followed the changes of older records yet: those since %s are found now, and what changed before is found by the refresh",
		at.Format(time.RFC3339)))
	return j.beginChanges(ctx, changesState{Updated: positions{at}, Feed: positions{at}, FeedSeen: at})
}

// beginFirst stores the positions of a table that does not exist yet. Of records
// from before the stream's start, where they are wanted, the changes since its
// start count; what lies after it is read by the first sync.
func (j *job) beginFirst(ctx context.Context) error {
	at := j.run.started
	state := changesState{Updated: positions{at}, Feed: positions{at}, FeedSeen: at}
	if since := earliest(j.s.Start, at); j.s.IncludeUpdated {
		state.Feed, state.FeedSeen, state.FeedRead = positions{since}, since, covered{Since: j.s.Spec.Floor(since), At: at}
	}
	return j.beginChanges(ctx, state)
}

// beginChanges stores the first positions.
func (j *job) beginChanges(ctx context.Context, state changesState) error {
	if j.s.IncludeUpdated {
		state.Early = earliest(j.s.Start, j.run.started)
	}
	j.changes.state, j.changes.begun = state, state
	return j.storeChanges(ctx)
}

// rewindChanges puts the positions back to where they stood before this run: a
// commit vanished, which may be the one that they moved for.
func (j *job) rewindChanges(ctx context.Context) error {
	if j.changes == nil {
		return nil
	}
	j.changes.state = j.changes.begun
	return j.storeChanges(ctx)
}

// storeChanges stores the positions. Of two runs at the same time the one that
// stores last wins: its position is true, be it the earlier one.
func (j *job) storeChanges(ctx context.Context) error {
	c := j.changes
	s := &c.state
	s.Format, s.Connection, s.Stream, s.Table, s.RunID = changesFormat, j.s.Connection, j.s.Name(), j.s.Path, j.run.opts.RunID
	s.TableID = ""
	if !c.first {
		s.TableID = j.base.TableID()
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("record how far changes were followed: %w", err)
	}
	if err := j.run.opts.Store.Put(ctx, c.key, bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("record how far changes were followed: %w", err)
	}
	return nil
}

// sinceOf is where a pass begins.
func (j *job) sinceOf(p positions, what string) time.Time {
	at, ok := p.at(j.run.started)
	if !ok {
		j.rep.Warn(fmt.Sprintf("a run whose clock was wrong left a position in the future: %s are followed since %s", what, at.Format(time.RFC3339)))
	}
	return at
}
