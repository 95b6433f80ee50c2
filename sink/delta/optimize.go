package delta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/writer"
)

// OptimizeOptions say which files are put together. Zero fields mean the
// defaults.
type OptimizeOptions struct {
	WorkDir     string        // existing folder for work in progress, some GiB at most; required
	TargetBytes int64         // size of the new files; default 128 MiB
	SmallBytes  int64         // smaller files are put together; default half of TargetBytes
	MinFiles    int           // a partition with fewer small files is left alone; default and least 2
	MaxBytes    int64         // no further partition is begun when so much was read; 0 = no limit
	Quiet       time.Duration // a partition with a file younger than this is left alone; 0 = none
	Tiered      bool          // leave out a file that is larger than all smaller ones together
	Own         bool          // only files of Paylake: those of other engines may have to be read to find that they must stay
	DryRun      bool          // change nothing, only count what would be read
}

// Optimized is what Optimize did. With DryRun only Partitions, FilesRemoved and
// BytesRemoved are set.
type Optimized struct {
	Partitions               int
	FilesAdded, FilesRemoved int
	BytesAdded, BytesRemoved int64
	Rows                     int64
	Commits                  int
	Conflicts                int // groups of files that another run changed meanwhile; they were left as they are now
	Warnings                 []string
}

// Limits of one group of files that is compacted at a time.
const (
	groupFiles  = 200
	groupBytes  = 1 << 30
	commitBytes = 1 << 30 // what was compacted is committed when it had so many bytes
	targetBytes = 128 << 20
	tagFull     = "paylake.full" // on a file that is as large as it can get, though it is small
)

func (o OptimizeOptions) withDefaults() OptimizeOptions {
	if o.TargetBytes <= 0 {
		o.TargetBytes = targetBytes
	}
	if o.SmallBytes <= 0 {
		o.SmallBytes = o.TargetBytes / 2
	}
	o.MinFiles = max(o.MinFiles, 2)
	return o
}

// group are live files of one partition that are to be put together.
type group struct {
	partition partitioning.Value
	files     []*file
	bytes     int64
}

// Optimize puts the small files of each partition together, in commits whose
// actions say dataChange=false: no row changes (PROTOCOL.md, "Add File and Remove
// File"). The new files hold the rows sorted by time and key, with statistics and
// the sums of their fingerprints, which must be those of the old files.
//
// Other runs may write meanwhile: where one took a file away that was read, the
// group of that file is left alone. A file of another engine is taken if its
// columns fit those of the table without loss, else it stays, with a warning; so
// does one that holds a column this run does not know.
//
// The files are copied to WorkDir, at most 1 GiB of one partition at a time, and
// read there in bounded memory. When the context ends, or a commit fails, the
// table is as before, but for commits that were made. After an unclear answer to
// a commit its new files stay in the store. It counts as a Commit: one at a time
// of a Table.
func (t *Table) Optimize(ctx context.Context, o OptimizeOptions) (Optimized, error) {
	o = o.withDefaults()
	var done Optimized
	s, err := t.writable(ctx)
	if err != nil || !s.Exists() {
		return done, err
	}
	groups := t.smallFiles(s, o)
	if o.DryRun {
		done.plan(groups)
		return done, nil
	}
	if info, err := os.Stat(o.WorkDir); err != nil || !info.IsDir() {
		return done, fmt.Errorf("optimize table %s: %q is not a directory that can be written to", t.root, o.WorkDir)
	}
	b := &bundle{table: t, done: &done}
	for _, g := range groups {
		c, err := t.compact(ctx, g, o, &done)
		if err != nil {
			return done, errors.Join(err, b.commit(ctx)) // the groups before this one are finished
		}
		if c == nil {
			continue
		}
		b.add(c)
		if b.bytes >= commitBytes {
			if err := b.commit(ctx); err != nil {
				return done, err
			}
		}
	}
	return done, b.commit(ctx)
}

func (d *Optimized) plan(groups []group) {
	seen := map[partitioning.Value]bool{}
	for _, g := range groups {
		seen[g.partition] = true
		d.FilesRemoved += len(g.files)
		d.BytesRemoved += g.bytes
	}
	d.Partitions = len(seen)
}

// smallFiles chooses what to put together, partition by partition.
func (t *Table) smallFiles(s *Snapshot, o OptimizeOptions) []group {
	var out []group
	total := int64(0)
	young := t.settings.Now().Add(-o.Quiet).UnixMilli()
	for _, v := range s.order {
		if o.MaxBytes > 0 && total >= o.MaxBytes {
			break
		}
		p := s.partitions[v]
		if o.Quiet > 0 && slices.ContainsFunc(p.all(), func(f *file) bool { return f.modified > young }) {
			continue
		}
		for _, files := range [][]*file{p.files, p.kept} { // never in one file
			for _, g := range o.groups(v, files) {
				out = append(out, g)
				total += g.bytes
			}
		}
	}
	return out
}

// groups chooses among the files of one kind of a partition.
func (o OptimizeOptions) groups(v partitioning.Value, files []*file) []group {
	small := slices.DeleteFunc(slices.Clone(files), func(f *file) bool {
		return f.size >= o.SmallBytes || f.tags[tagFull] != "" || o.Own && !f.tagged
	})
	if o.Tiered {
		small = lowTier(small)
	}
	if len(small) < o.MinFiles {
		return nil
	}
	slices.SortFunc(small, func(a, b *file) int { return cmp.Or(cmp.Compare(a.modified, b.modified), compare(a.path, b.path)) })
	return cut(v, small)
}

// lowTier leaves out files that are larger than all smaller ones together: where
// a table grows by small files, each row is then rewritten a few times, not once
// for each file.
func lowTier(files []*file) []*file {
	slices.SortFunc(files, func(a, b *file) int { return cmp.Or(cmp.Compare(a.size, b.size), compare(a.path, b.path)) })
	total := int64(0)
	for _, f := range files {
		total += f.size
	}
	for n := len(files); n > 0; n-- {
		last := files[n-1].size
		if total -= last; last <= total {
			return files[:n]
		}
	}
	return nil
}

// cut makes groups that are compacted at a time.
func cut(v partitioning.Value, files []*file) []group {
	var out []group
	g := group{partition: v}
	flush := func() {
		if len(g.files) >= 2 {
			out = append(out, g)
		}
		g = group{partition: v}
	}
	for _, f := range files {
		if len(g.files) == groupFiles || g.bytes+f.size > groupBytes {
			flush()
		}
		g.files = append(g.files, f)
		g.bytes += f.size
	}
	flush()
	return out
}

// compacted is a group that was put together and waits for its commit.
type compacted struct {
	partition partitioning.Value
	inputs    []*file
	adds      []*add
	sums      sums
	bytes     int64 // of the inputs
}

// compact writes the new files of a group to the store. Nil where too few of its
// files can be read.
func (t *Table) compact(ctx context.Context, g group, o OptimizeOptions, done *Optimized) (_ *compacted, err error) {
	dir, err := os.MkdirTemp(o.WorkDir, "optimize-")
	if err != nil {
		return nil, fmt.Errorf("optimize table %s: %w", t.root, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := t.newMerger(g.partition, dir, o.TargetBytes)
	c := &compacted{partition: g.partition}
	sources, err := t.inputs(ctx, m, g, c, done)
	if err != nil {
		return nil, fmt.Errorf("optimize table %s: %w", t.root, err)
	}
	if len(sources) < 2 {
		return nil, nil
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return nil, fmt.Errorf("optimize table %s: %w", t.root, err)
	}
	files, err := m.run(ctx, sources, out)
	if err != nil {
		return nil, fmt.Errorf("optimize table %s partition %q: %w", t.root, g.partition, err)
	}
	if got := newSums(files); got != c.sums {
		done.warn("optimize table %s: partition %q was left alone: its files hold %d rows, the log says %d, or other ones: run a full sync",
			t.root, g.partition, got.rows, c.sums.rows)
		return nil, nil
	}
	return c, t.storeCompacted(ctx, c, files, o)
}

// inputs copies the files of a group and notes those that can be taken in c.
func (t *Table) inputs(ctx context.Context, m *merger, g group, c *compacted, done *Optimized) ([]source, error) {
	var sources []source
	for i, f := range g.files {
		path := localName(m.dir, i)
		var s source
		var have sums
		err := t.fetch(ctx, f, path)
		switch {
		case err == nil:
			s, have, err = t.prepare(ctx, m, f, path)
		case !errors.Is(err, store.ErrNotFound):
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			done.warn("optimize table %s: file %s was left alone: %v", t.root, f.path, err)
			continue
		}
		sources = append(sources, s)
		c.inputs, c.bytes, c.sums = append(c.inputs, f), c.bytes+f.size, c.sums.plus(have)
	}
	return sources, nil
}

func (d *Optimized) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

// prepare finds out whether a copied input can be taken, and its sums.
func (t *Table) prepare(ctx context.Context, m *merger, f *file, path string) (source, sums, error) {
	have, err := m.scan(ctx, path, !f.tagged)
	if err != nil {
		return source{}, sums{}, err
	}
	if f.tagged {
		have = f.sums
	} else if err := m.parted(ctx, path); err != nil {
		return source{}, sums{}, err
	}
	s, err := m.inspect(ctx, path)
	switch {
	case err != nil:
		return source{}, sums{}, err
	case s.rows != have.rows || f.sums.rows >= 0 && f.sums.rows != have.rows:
		return source{}, sums{}, fmt.Errorf("%w: it has %d rows, the log says %d", errForeign, s.rows, f.sums.rows)
	}
	return s, have, nil
}

// storeCompacted uploads the new files. All but the last are as large as they
// can be.
func (t *Table) storeCompacted(ctx context.Context, c *compacted, files []writer.File, o OptimizeOptions) error {
	for i, f := range files {
		a := t.newAdd(t.pathOf(f), f)
		a.DataChange = false
		if i < len(files)-1 && f.Bytes < o.SmallBytes {
			a.Tags[tagFull] = "true"
		}
		c.adds = append(c.adds, a)
	}
	if _, err := t.Store(ctx, files); err != nil {
		return errors.Join(err, t.dropAdds(ctx, c.adds))
	}
	return nil
}
