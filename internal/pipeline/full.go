package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// resumeFull goes on from the newest record of a full sync that this run may go
// on from, and starts a record of its own. What the record holds is not read
// again. The record is copied, not shared: the run that wrote it may still be
// alive.
func (j *job) resumeFull(ctx context.Context) error {
	root := recordPrefix(j.s)
	identity, err := j.identity()
	if err != nil {
		return err
	}
	j.record, err = newRecord(root, segment{
		Identity: identity, TableID: j.base.TableID(), Base: j.base.Version(), RunID: j.run.opts.RunID,
		Started: j.run.started, Since: j.rng.Since, Position: j.rng.Since,
	})
	if err != nil {
		return err
	}
	j.record.reads = len(j.rep.Reads) // those of before the full sync are in the table
	records, err := findRecords(ctx, j.run.opts.Store, root)
	if err != nil {
		return err
	}
	if err := j.findDamage(ctx); err != nil {
		return err
	}
	for _, f := range records {
		if err := f.load(ctx, j.run.opts.Store); err != nil {
			return err
		}
		switch {
		case j.committed(f), time.Since(f.modified) > orphanAge:
			if err := j.run.opts.Store.Delete(ctx, f.keys...); err != nil {
				return fmt.Errorf("remove the record of a full sync: %w", err)
			}
		case len(j.damaged) == 0 && j.usable(f): // a record knows nothing of files that are gone
			j.record.taken = append(j.record.taken, f)
		}
	}
	if len(j.record.taken) == 0 {
		return nil
	}
	return j.adopt(ctx, j.record.taken[0])
}

// findDamage looks for partitions with files that are gone: a full sync writes
// them anew, though their rows did not change.
func (j *job) findDamage(ctx context.Context) (err error) {
	if !j.s.Full {
		return nil
	}
	if j.damaged, err = j.s.Lake.Damaged(ctx, j.base); err != nil {
		return err
	}
	if n := len(j.damaged); n > 0 {
		j.rep.Warn(fmt.Sprintf("data files of %d partitions are gone from the store, the first of %q: they are written anew as far as the source still has them", n, j.damaged[0]))
	}
	return nil
}

// identity is a digest of what the files of a full sync depend on beside the
// source's records.
func (j *job) identity() (string, error) {
	table, err := j.s.Lake.Fingerprint()
	if err != nil {
		return "", err
	}
	text := fmt.Sprint(table, "\n", j.s.Start.UTC().Format(time.RFC3339Nano), "\n", j.s.Account, "\n", j.s.Endpoint.HorizonMonths)
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%x", sum[:16]), nil
}

// committed reports whether a commit names files of the record: its run died
// between its commit and the removal of the record, or is about to remove it.
func (j *job) committed(f *found) bool {
	for _, s := range f.segments {
		if s.TableID != "" && s.TableID != j.base.TableID() {
			continue
		}
		for _, file := range s.Files {
			if j.base.Named(file.Path) {
				return true
			}
		}
	}
	return false
}

// usable reports whether this run may go on from a record. Its beginning may lie
// earlier than this run's where the source's horizon moved on meanwhile.
func (j *job) usable(f *found) bool {
	if len(f.segments) == 0 {
		return false
	}
	head := f.segments[0]
	moved := j.s.Endpoint.HorizonMonths > 0 && head.Since.Before(j.rng.Since)
	sameTable := head.TableID == j.base.TableID() || head.TableID == "" && head.Base < 0
	switch {
	case head.Identity != j.record.head.Identity, !sameTable, head.Base > j.base.Version():
		return false
	case !head.Since.Equal(j.rng.Since) && !moved, f.segments[len(f.segments)-1].Position.After(j.rng.Until):
		return false
	case time.Since(f.begun) > recordAge:
		return false
	}
	return !f.refused() || j.run.opts.AcceptShrink
}

// adopt takes over what a record tells: as if this run had read it. What it does
// not tell for certain is noted to be read again, in the record of this run, too:
// whoever goes on from that must not take it for read and empty.
func (j *job) adopt(ctx context.Context, f *found) error {
	r, g := j.record, j.group
	head, last := f.segments[0], f.segments[len(f.segments)-1]
	var files []writer.File
	for _, s := range f.segments {
		r.again = append(r.again, s.Again...)
		for _, file := range s.Files {
			files = append(files, file.file())
		}
	}
	missing, oldest, err := j.s.Lake.Missing(ctx, files, time.Now().Add(-recordAge))
	if err != nil {
		return err
	}
	// The source's horizon may have overtaken the record: what lies between was
	// never read and is left out when it is to be read again.
	from := latest(last.Position, j.rng.Since)
	r.again = append(append(r.again, partitionsOf(missing)...), partitions(j.s.Spec, last.Position, from)...)
	if j.run.started.Sub(head.Started) > unfinishedFor {
		// What was young then has changed since, and the next incremental sync would
		// not read it again: the watermark will be of now.
		r.again = append(r.again, partitions(j.s.Spec, latest(head.Started.Add(-j.s.Lookback), head.Since), from)...)
	}
	r.head.Base, r.head.TableID, r.head.Since = head.Base, head.TableID, head.Since
	r.oldest, r.position = oldest, head.Since
	j.rng.Since = head.Since
	g.since, g.end, g.prefix = head.Since, from, from
	for _, s := range f.segments {
		j.adoptSegment(s)
	}
	slices.Sort(r.again)
	r.again = slices.Compact(r.again)
	g.files = slices.DeleteFunc(files, func(f writer.File) bool { return slices.Contains(r.again, f.Partition) })
	j.rep.Warn(fmt.Sprintf("goes on from the record of a full sync that began at %s and did not end: everything up to %s was read before (%d windows)",
		head.Started.Format(time.RFC3339), last.Position.Format(time.RFC3339), len(j.rep.Reads)-r.reads))
	return nil
}

// adoptSegment takes over what a segment tells beside its files. A partition
// that was unchanged and is not what it was then is read again.
func (j *job) adoptSegment(s segment) {
	for _, same := range s.Unchanged {
		rows, fingerprint, known, _ := j.base.Partition(same.Partition)
		if !known || rows != same.Rows || fingerprint != same.Fingerprint || slices.Contains(j.record.again, same.Partition) {
			j.record.again = append(j.record.again, same.Partition)
			continue
		}
		j.group.unchanged[same.Partition] = true
		j.group.sameRows += rows
		j.rep.Unchanged++
	}
	for _, read := range s.Reads {
		j.rep.Reads = append(j.rep.Reads, read)
		j.rep.Rejects += read.Rejects
	}
	for _, key := range s.Quarantine {
		if !slices.Contains(j.rep.Quarantine, key) {
			j.rep.Quarantine = append(j.rep.Quarantine, key)
		}
	}
}

func partitionsOf(files []writer.File) []partitioning.Value {
	var list []partitioning.Value
	for _, f := range files {
		list = append(list, f.Partition)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// checkpoint stores the finished files of a full sync and records how far it
// came, in whole partitions that were proven complete. Nothing is recorded where
// nothing was added.
func (j *job) checkpoint(ctx context.Context) error {
	r, g := j.record, j.group
	position := j.s.Spec.Floor(g.prefix)
	if !position.After(r.position) {
		return nil
	}
	if err := j.flushRejects(ctx); err != nil {
		return err
	}
	if err := j.storeBefore(ctx, j.s.Spec.Of(position)); err != nil {
		return err
	}
	s := r.head
	s.Position, s.Again, s.Quarantine = position, r.again, j.rep.Quarantine
	cut := j.s.Spec.Of(position)
	for _, f := range g.files {
		if f.Partition < cut && !r.files[f.Stored] {
			s.Files = append(s.Files, newStoredFile(f))
		}
	}
	for v := range g.unchanged {
		if v < cut && !r.same[v] {
			rows, fingerprint, _, _ := j.base.Partition(v)
			s.Unchanged = append(s.Unchanged, samePartition{v, rows, fingerprint})
		}
	}
	for _, read := range j.rep.Reads[r.reads:] {
		if read.Since.Before(position) {
			read.Until = earliest(read.Until, position)
			s.Reads = append(s.Reads, read)
		}
	}
	if err := r.put(ctx, j.run.opts.Store, s); err != nil {
		return err
	}
	r.note(s)
	g.begun, g.bytes = time.Now(), 0
	return nil
}

// note remembers what a segment holds.
func (r *record) note(s segment) {
	for _, f := range s.Files {
		r.files[f.Path] = true
	}
	for _, p := range s.Unchanged {
		r.same[p.Partition] = true
	}
	r.reads += len(s.Reads)
	r.position = s.Position
}

// storeBefore stores the files of the partitions before cut and removes their
// local copies.
func (j *job) storeBefore(ctx context.Context, cut partitioning.Value) error {
	var at []int
	var local []writer.File
	for i, f := range j.group.files {
		if f.Stored == "" && f.Partition < cut {
			at, local = append(at, i), append(local, f)
		}
	}
	if len(local) == 0 {
		return nil
	}
	if j.record.oldest.IsZero() {
		j.record.oldest = time.Now()
	}
	stored, err := j.s.Lake.Store(ctx, local)
	if err != nil {
		return err
	}
	removeFiles(local)
	for i, f := range stored {
		f.Path = ""
		j.group.files[at[i]] = f
	}
	return nil
}

// ripen reads again what the record promised and the change lacks, before the
// change is committed: partitions whose stored files are gone, or so old that a
// vacuum may take them away, and those that another engine changed.
func (j *job) ripen(ctx context.Context, change *sink.Change) error {
	r := j.record
	if r == nil {
		return nil
	}
	if !r.oldest.IsZero() && time.Since(r.oldest) > recordAge {
		missing, _, err := j.s.Lake.Missing(ctx, change.Files, time.Now().Add(-recordAge))
		if err != nil {
			return err
		}
		r.again = append(r.again, partitionsOf(missing)...)
	}
	slices.Sort(r.again)
	again := slices.Compact(r.again)
	r.again = nil
	return j.reread(ctx, change, again, j.rng.Until)
}

// settleRecord follows the commit of a full sync: the record has served, or it
// is kept for a run that accepts that rows go.
func (j *job) settleRecord(ctx context.Context, commitErr error) error {
	if j.record == nil {
		return nil
	}
	var shrink *sink.ShrinkError
	switch {
	case commitErr == nil:
		if err := j.record.remove(ctx, j.run.opts.Store); err != nil {
			j.rep.Warn(err.Error()) // the next full sync sees that it was committed
		}
	case errors.As(commitErr, &shrink):
		return j.record.refuse(ctx, j.run.opts.Store)
	}
	return nil
}
