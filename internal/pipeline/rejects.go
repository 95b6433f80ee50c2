package pipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/quarantine"
)

// rejectLimit bounds the bytes of rejected records that a stream holds until
// its next commit.
const rejectLimit = 8 << 20

// reject takes the rejected records of a window over. They are durable when
// flushRejects returns; where they are many, a part of them is earlier.
func (j *job) reject(ctx context.Context, r *read) error {
	for _, reject := range r.result.Rejects {
		e := quarantine.Entry{
			Stream: j.s.Name(), Connection: j.s.Connection, RunID: j.run.opts.RunID,
			Since: r.result.Window.Since, Until: r.result.Window.Until,
		}.WithReject(reject)
		j.rejects = append(j.rejects, e)
		j.rejectBytes += len(e.Record) + len(e.RecordBase64)
		if j.met == nil {
			j.met = map[uint64]bool{}
		}
		j.met[rejectID(reject)] = true
	}
	r.result.Rejects = nil
	if j.rejectBytes < rejectLimit {
		return nil
	}
	return j.flushRejects(ctx)
}

// flushRejects makes the rejected records durable that are not yet.
func (j *job) flushRejects(ctx context.Context) error {
	key, _, err := quarantine.Write(ctx, j.run.opts.Store, j.s.Path, j.rejects)
	if err != nil {
		return fmt.Errorf("keep rejected records: %w", err)
	}
	if key != "" && !slices.Contains(j.rep.Quarantine, key) {
		j.rep.Quarantine = append(j.rep.Quarantine, key)
	}
	j.rejects, j.rejectBytes = nil, 0
	return nil
}

// rejectID tells rejected records apart: the same one may be read in several ways
// in a run, and is kept once.
func rejectID(r schema.Reject) uint64 { return xxh3.Hash(r.Record) }
