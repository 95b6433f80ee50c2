package delta

import (
	"iter"
	"maps"
	"slices"

	"github.com/paylake/paylake/partitioning"
)

// Snapshot is a version of a table as its log tells it. It never changes and is
// safe for concurrent use. The one of a table that does not exist has version
// -1 and nothing in it.
type Snapshot struct {
	*state
	partitions map[partitioning.Value]*partition
	order      []partitioning.Value // ascending
	rows       int64
	deleted    int64 // rows of files whose records are deleted at the source
	bytes      int64
}

// partition are the live files of one partition.
type partition struct {
	files []*file // of records that the source has, or that another engine wrote
	kept  []*file // of records that are deleted at the source; they count for nothing here
	sums  sums    // rows -1 where a file does not tell them
	known bool    // every file is tagged: the sums are the rows'
}

// all returns the files of both kinds.
func (p *partition) all() []*file { return slices.Concat(p.files, p.kept) }

// newSnapshot makes the snapshot of a state, which must not change any more.
func newSnapshot(s *state) *Snapshot {
	s.fresh, s.dirty = slices.Collect(maps.Values(s.files)), map[partitioning.Value]bool{}
	for _, f := range s.fresh {
		s.dirty[f.values.value] = true
	}
	return (&Snapshot{}).next(s)
}

// next makes the snapshot of a state that comes after that of n. It looks only
// at the partitions that changed. The state must not change any more.
func (n *Snapshot) next(s *state) *Snapshot {
	out := &Snapshot{state: s, partitions: make(map[partitioning.Value]*partition, len(n.partitions)), order: n.order, rows: n.rows, deleted: n.deleted, bytes: n.bytes}
	maps.Copy(out.partitions, n.partitions)
	files := map[partitioning.Value][]*file{}
	for v := range s.dirty {
		if p := n.partitions[v]; p != nil {
			files[v] = p.all()
		}
	}
	for _, f := range s.fresh {
		files[f.values.value] = append(files[f.values.value], f)
	}
	other := false // another set of partitions
	for v := range s.dirty {
		out.set(v, slices.DeleteFunc(files[v], func(f *file) bool { return s.files[f.path] != f }))
		other = other || (n.partitions[v] == nil) != (out.partitions[v] == nil)
	}
	if other {
		out.order = slices.Sorted(maps.Keys(out.partitions))
	}
	s.fresh, s.dirty = nil, nil
	return out
}

// set gives a partition its files.
func (n *Snapshot) set(v partitioning.Value, files []*file) {
	if old := n.partitions[v]; old != nil {
		n.total(old, -1)
		delete(n.partitions, v)
	}
	if len(files) == 0 {
		return
	}
	slices.SortFunc(files, func(a, b *file) int { return compare(a.path, b.path) })
	p := &partition{known: true}
	for _, f := range files {
		if f.kept {
			p.kept = append(p.kept, f)
			continue
		}
		p.files = append(p.files, f)
		p.sums = p.sums.plus(f.sums)
		p.known = p.known && f.tagged
	}
	n.partitions[v] = p
	n.total(p, 1)
}

// total adds the files of a partition to the sums of the snapshot, or takes them
// away.
func (n *Snapshot) total(p *partition, sign int64) {
	for _, f := range p.all() {
		if n.bytes += sign * f.size; f.kept {
			n.deleted += sign * f.sums.rows
			continue
		}
		n.rows += sign * max(f.sums.rows, 0)
	}
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Version returns the version of the newest commit, -1 where there is no table.
func (s *Snapshot) Version() int64 { return s.version }

// Exists reports whether there is a table.
func (s *Snapshot) Exists() bool { return s.version >= 0 }

// Mark returns the number that the table remembers for app.
func (s *Snapshot) Mark(app string) (int64, bool) {
	t, ok := s.txns[app]
	return t.Version, ok
}

// Partition returns what the log tells of partition v: its rows (-1 where a file
// lacks the number), the sum of the fingerprints of its rows and the number of
// its files. known is false where a file of another engine lacks its
// fingerprint; the sum then means nothing. An empty partition is known. Files of
// records that are deleted at the source count nowhere here.
func (s *Snapshot) Partition(v partitioning.Value) (rows int64, fingerprint uint64, known bool, files int) {
	p := s.partition(v)
	return p.sums.rows, p.sums.fingerprint, p.known, len(p.files)
}

func (s *Snapshot) partition(v partitioning.Value) *partition {
	if p := s.partitions[v]; p != nil {
		return p
	}
	return &partition{known: true}
}

// Partitions yields the values of the partitions that hold files, in ascending
// order.
func (s *Snapshot) Partitions() iter.Seq[partitioning.Value] { return slices.Values(s.order) }

// Oldest and Newest return the first and the last partition that holds a file;
// false where there is none. The null partition "" is the oldest.
func (s *Snapshot) Oldest() (partitioning.Value, bool) {
	if len(s.order) == 0 {
		return "", false
	}
	return s.order[0], true
}

// Newest returns the last partition: see Oldest.
func (s *Snapshot) Newest() (partitioning.Value, bool) {
	if len(s.order) == 0 {
		return "", false
	}
	return s.order[len(s.order)-1], true
}

// Files yields the live data files, by partition, then by path.
func (s *Snapshot) Files() iter.Seq[File] {
	return func(yield func(File) bool) {
		for _, v := range s.order {
			for _, f := range s.partitions[v].all() {
				if !yield(f.public()) {
					return
				}
			}
		}
	}
}

// NumFiles returns the number of live data files.
func (s *Snapshot) NumFiles() int { return len(s.files) }

// Rows returns the rows of all live files that tell their number; those of
// Paylake always do. Records that are deleted at the source are not among them.
func (s *Snapshot) Rows() int64 { return s.rows }

// DeletedRows returns the rows of the files that hold only records that are
// deleted at the source.
func (s *Snapshot) DeletedRows() int64 { return s.deleted }

// Bytes returns the size of all live files.
func (s *Snapshot) Bytes() int64 { return s.bytes }

// Schema returns the table's columns as the log holds them: the JSON text of
// PROTOCOL.md, "Schema Serialization Format". "" where there is no table.
func (s *Snapshot) Schema() string {
	if s.meta == nil {
		return ""
	}
	return s.meta.SchemaString
}

// PartitionColumns returns the names of the partition columns, a copy.
func (s *Snapshot) PartitionColumns() []string {
	if s.meta == nil {
		return nil
	}
	return slices.Clone(s.meta.PartitionColumns)
}

// Property returns a table property.
func (s *Snapshot) Property(name string) (string, bool) {
	if s.meta == nil {
		return "", false
	}
	v, ok := s.meta.Configuration[name]
	return v, ok
}

// Description returns the table's comment.
func (s *Snapshot) Description() string {
	if s.meta == nil {
		return ""
	}
	return s.meta.Description
}
