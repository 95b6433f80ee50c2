package pipeline

import (
	"time"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/writer"
)

// group is what the next commit of a stream will hold: the partitions between
// since and end, in whole.
type group struct {
	begun     time.Time // when the commit before was made
	since     time.Time // start of a partition
	end       time.Time // end of the newest window that was written
	prefix    time.Time // end of the unbroken prefix of windows
	failed    bool      // a window failed: the prefix ends
	broken    map[partitioning.Value]bool
	unchanged map[partitioning.Value]bool
	sameRows  int64 // rows of the unchanged partitions
	files     []writer.File
	bytes     int64
}

func newGroup(since, now time.Time) *group {
	g := &group{prefix: since, end: since}
	g.reset(since, now)
	return g
}

// reset starts the next group.
func (g *group) reset(since, now time.Time) {
	g.begun, g.since = now, since
	g.broken = map[partitioning.Value]bool{}
	g.unchanged = map[partitioning.Value]bool{}
	g.files, g.bytes, g.sameRows = nil, 0, 0
}

// extend records that all windows up to the given time were written.
func (g *group) extend(until time.Time) {
	g.end = until
	if !g.failed {
		g.prefix = until
	}
}

// spoil marks the partitions of a window that could not be proven complete.
func (g *group) spoil(spec partitioning.Spec, since, until time.Time) {
	g.failed = true
	g.end = until
	for _, v := range partitions(spec, since, until) {
		g.broken[v] = true
	}
}

// replaced lists the partitions that the commit replaces.
func (g *group) replaced(spec partitioning.Spec) []partitioning.Value {
	var list []partitioning.Value
	for _, v := range partitions(spec, g.since, g.end) {
		if !g.broken[v] && !g.unchanged[v] {
			list = append(list, v)
		}
	}
	return list
}

// add takes finished files. Those of a broken partition are removed.
func (g *group) add(files []writer.File) {
	for _, f := range files {
		g.files = append(g.files, f)
		g.bytes += f.Bytes
	}
}

// dropSame leaves out the partitions of which the table holds exactly the rows
// that were read, or none where none were read. Most of them never came to files:
// see same. A full sync has its own record of what it read.
func (j *job) dropSame() {
	if j.record != nil {
		return
	}
	g := j.group
	read := map[partitioning.Value]writer.File{} // sums of the partition's files
	for _, f := range g.files {
		all := read[f.Partition]
		all.Rows, all.Fingerprint = all.Rows+f.Rows, all.Fingerprint+f.Fingerprint
		read[f.Partition] = all
	}
	for _, v := range g.replaced(j.s.Spec) {
		rows, fingerprint, known, _ := j.base.Partition(v)
		if !known || rows != read[v].Rows || rows > 0 && fingerprint != read[v].Fingerprint {
			continue
		}
		g.unchanged[v] = true
		g.sameRows += rows
		if rows > 0 {
			j.rep.Unchanged++
		}
	}
	g.drop(g.unchanged)
}

// dropBroken removes the files of partitions that will not be replaced.
func (g *group) dropBroken() { g.drop(g.broken) }

// drop removes the files of the partitions.
func (g *group) drop(these map[partitioning.Value]bool) {
	kept := g.files[:0]
	for _, f := range g.files {
		if these[f.Partition] {
			removeFiles([]writer.File{f})
			continue
		}
		kept = append(kept, f)
	}
	g.files = kept
}

// partitions lists the partitions that a range of time touches, oldest first.
func partitions(spec partitioning.Spec, since, until time.Time) []partitioning.Value {
	var list []partitioning.Value
	for t := spec.Floor(since); t.Before(until); t = spec.Next(t) {
		list = append(list, spec.Of(t))
	}
	return list
}
