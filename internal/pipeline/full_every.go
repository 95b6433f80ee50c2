package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// fullApp is the application id under which the table remembers when its last
// full sync began, in microseconds.
func (s Stream) fullApp() string { return s.app() + "/full" }

// lastFullKey is the object that tells of a full sync that found nothing to
// commit. It lies beside the records of full syncs, which are folders.
func lastFullKey(s Stream) string { return recordPrefix(s) + "last.json" }

// lastFullFormat is the version of the JSON form of lastFull.
const lastFullFormat = 1

// lastFull is the object under lastFullKey.
type lastFull struct {
	Format  int       `json:"format"`
	TableID string    `json:"table_id"`
	RunID   string    `json:"run_id"`
	Began   time.Time `json:"began"`
}

// LastFull tells when the last full sync of the stream began that came to its
// end: its mark in the table, or an object where it had nothing to commit. Before
// the first one it is when the table was made, since the first sync reads
// everything. What lies more than a day in the future was written by a clock that
// was wrong, and counts for nothing. The zero time where nothing is known.
func (s Stream) LastFull(ctx context.Context, st store.Store, table *delta.Snapshot, now time.Time) (time.Time, error) {
	var last time.Time
	note := func(at time.Time) {
		if !at.After(now.Add(24 * time.Hour)) {
			last = latest(last, at)
		}
	}
	note(table.Created())
	if mark, ok := table.Mark(s.fullApp()); ok {
		note(time.UnixMicro(mark).UTC())
	}
	raw, err := store.ReadAll(ctx, st, lastFullKey(s))
	if errors.Is(err, store.ErrNotFound) {
		return last, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("look for the last full sync: %w", err)
	}
	var object lastFull
	if json.Unmarshal(raw, &object) == nil && object.Format == lastFullFormat && object.TableID == table.TableID() {
		note(object.Began)
	}
	return last, nil
}

// FullIsDue reports whether the next sync of the stream is a full one by itself:
// the last is as old as FullEvery says.
func (s Stream) FullIsDue(ctx context.Context, st store.Store, table *delta.Snapshot, now time.Time) (bool, error) {
	if _, synced := table.Mark(s.app()); s.FullEvery <= 0 || s.Full || s.Only != nil || !synced || s.Endpoint.SinceParam == "" {
		return false, nil
	}
	last, err := s.LastFull(ctx, st, table, now)
	return err == nil && !now.Before(last.Add(s.FullEvery)), err
}

// fullIfDue ends the job with a full sync if one is due by itself. It may take
// days, and may not come to its end for nights while the source has trouble:
// everything else that a sync does comes before it. After windows that failed it
// is due next time, too.
func (j *job) fullIfDue(ctx, readCtx context.Context, due bool) (err error) {
	if !due || readCtx.Err() != nil || len(j.rep.Failures) > 0 {
		return nil
	}
	if j.base, err = j.s.Lake.Load(ctx); err != nil {
		return err
	}
	j.s.Full = true
	return j.windows(ctx, readCtx)
}

// endFull notes that a full sync came to its end. The mark was written with its
// commit; without one an object tells, so that the full sync is not repeated
// every night.
func (j *job) endFull(ctx context.Context, outcome sink.Outcome) error {
	if !j.s.Full || j.record == nil {
		return nil
	}
	j.fullEnded = true
	j.reportKept()
	if outcome == sink.Committed || j.s.FullEvery <= 0 {
		return nil
	}
	raw, err := json.Marshal(lastFull{Format: lastFullFormat, TableID: j.base.TableID(), RunID: j.run.opts.RunID, Began: j.run.started})
	if err == nil {
		err = j.run.opts.Store.Put(ctx, lastFullKey(j.s), bytes.NewReader(raw))
	}
	if err != nil {
		return fmt.Errorf("record the end of a full sync: %w", err)
	}
	return nil
}

// reportKept tells what a full sync leaves as it is: partitions before the first
// that it reads. They lie behind the source's horizon, or before the stream's
// start and came because their records changed.
func (j *job) reportKept() {
	first := j.s.Spec.Of(j.rng.Since)
	kept := &report.Kept{}
	for v := range j.base.Partitions() {
		if v >= first {
			break
		}
		rows, _, _, _ := j.base.Partition(v)
		kept.Partitions, kept.Rows = kept.Partitions+1, kept.Rows+max(rows, 0)
	}
	if kept.Partitions == 0 {
		return
	}
	kept.Before = j.rng.Since
	j.rep.Kept = kept
	if j.s.Endpoint.HorizonMonths > 0 && j.s.Spec.Of(j.s.Start) < first { // else it is the stream's start that it begins at
		j.rep.Warn(fmt.Sprintf("%d partitions with %d rows from before %s stay as they are: the source answers %d months back",
			kept.Partitions, kept.Rows, kept.Before.Format(time.DateOnly), j.s.Endpoint.HorizonMonths))
	}
}
