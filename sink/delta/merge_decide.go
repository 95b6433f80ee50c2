package delta

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/paylake/paylake/partitioning"
)

// step is what becomes of a row of the change: it is written or not, and rows of
// the table go.
type step struct {
	use  bool    // the change's row is written
	drop []place // rows of the table that go
	mine bool    // the table held the key
}

func (s step) empty() bool { return !s.use && len(s.drop) == 0 }

// stepOf decides on a row by what the table holds of its key. Of rows of the
// table that are newer than the change's the newest stays, and of equal ones the
// first; other rows of the key go, so that there is one in the end.
func stepOf(in *incoming, places []place) step {
	s := step{mine: len(places) > 0}
	keep := -1
	for i, p := range places {
		switch {
		case p.newest > in.extracted && (keep < 0 || p.newest > places[keep].newest || places[keep].newest <= in.extracted):
			keep = i
		case keep < 0 && p.compared && p.sums == in.sums && p.file.values.value == in.partition && !p.deleted:
			keep = i
		}
	}
	s.use = keep < 0
	for i, p := range places {
		if i != keep {
			s.drop = append(s.drop, p)
		}
	}
	return s
}

// clockSkew is how far ahead the clock of another machine may be.
const clockSkew = 15 * time.Minute

// doubtFuture takes their age from rows that were read in the future: the clock
// of that run was wrong, and nothing would be newer until that time comes.
func (m *merge) doubtFuture(places []place) {
	limit := m.table.settings.Now().Add(clockSkew).UnixMicro()
	for i := range places {
		if places[i].newest > limit {
			places[i].newest = math.MinInt64
		}
	}
}

// partitions gives the partitions that a step touches: that of the change's
// row, and those where the table's lie.
func (s step) partitions(in *incoming, each func(partitioning.Value)) {
	each(in.partition)
	for _, p := range s.drop {
		each(p.file.values.value)
	}
}

// decide gives the steps of all rows, and the partitions that are left as they
// are: with each of them those that a row would move from or to.
func (m *merge) decide(ctx context.Context, s *Snapshot, places [][]place) ([]step, map[partitioning.Value]bool, error) {
	steps := make([]step, len(places))
	left, broken := map[partitioning.Value]bool{}, m.brokenIn(s)
	for i := range steps {
		m.doubtFuture(places[i])
		steps[i] = stepOf(&m.in.rows[i], places[i])
		if steps[i].empty() {
			continue
		}
		if err := m.refuse(ctx, s, &m.in.rows[i], steps[i], left, broken); err != nil {
			return nil, nil, err
		}
	}
	for again := true; again; {
		again = false
		for i := range steps {
			if !steps[i].empty() && spread(steps[i], &m.in.rows[i], left) {
				again = true
			}
		}
	}
	for i := range steps {
		if left[m.in.rows[i].partition] {
			steps[i] = step{mine: steps[i].mine}
		}
		for _, p := range steps[i].drop {
			if left[p.file.values.value] {
				steps[i] = step{mine: steps[i].mine}
				break
			}
		}
	}
	return steps, left, nil
}

// spread adds all partitions of a step that touches one that is left, and
// reports whether there were any.
func spread(s step, in *incoming, left map[partitioning.Value]bool) bool {
	touches, before := false, len(left)
	s.partitions(in, func(v partitioning.Value) { touches = touches || left[v] })
	if touches {
		s.partitions(in, func(v partitioning.Value) { left[v] = true })
	}
	return len(left) > before
}

// brokenIn returns the partitions of which not all keys are known.
func (m *merge) brokenIn(s *Snapshot) map[partitioning.Value]bool {
	out := map[partitioning.Value]bool{}
	for path, scan := range m.scans {
		if f := s.files[path]; f != nil && scan.broken != nil {
			out[f.values.value] = true
		}
	}
	return out
}

// refuse adds the partitions of a step that may not be changed.
func (m *merge) refuse(ctx context.Context, s *Snapshot, in *incoming, done step, left, broken map[partitioning.Value]bool) error {
	c := m.x.change
	if c.KnownOnly && !done.mine {
		left[in.partition] = true
	}
	if broken[in.partition] {
		left[in.partition] = true
	}
	for _, p := range done.drop {
		if m.unfit[p.file.path] != nil {
			left[p.file.values.value] = true
		}
	}
	if c.NotBefore.IsZero() {
		return nil
	}
	var err error
	done.partitions(in, func(v partitioning.Value) {
		oldest, rerr := m.oldestOf(ctx, s, v)
		if rerr != nil {
			err = rerr
		} else if oldest < c.NotBefore.UnixMicro() {
			left[v] = true
		}
	})
	return err
}

// oldestOf returns when the oldest row of a partition was extracted, in µs since
// 1970; the far future where it has none. Rows that are kept though they were
// deleted do not count.
func (m *merge) oldestOf(ctx context.Context, s *Snapshot, v partitioning.Value) (int64, error) {
	if known, ok := m.oldest[v]; ok {
		return known, nil
	}
	files := s.partition(v).files
	if err := m.readStats(ctx, s, files); err != nil {
		return 0, err
	}
	if err := m.scanAll(ctx, slices.DeleteFunc(slices.Clone(files), func(f *file) bool { return m.bounds[f.path].dated })); err != nil {
		return 0, err
	}
	oldest := int64(math.MaxInt64)
	for _, f := range files {
		if scan := m.scans[f.path]; scan != nil {
			oldest = min(oldest, scan.oldest)
			continue
		}
		oldest = min(oldest, m.bounds[f.path].oldest)
	}
	m.oldest[v] = oldest
	return oldest, nil
}

// shelf is where rows are written together: a partition, or the rows of it that
// are deleted at the source and kept.
type shelf struct {
	partition partitioning.Value
	deleted   bool
}

// rewrite is what is written anew on one shelf.
type rewrite struct {
	shelf
	files []*file            // that lose rows, by path
	drops map[string][]match // of those, by path; ascending by row
	use   []int32            // rows of the change, ascending
}

// rewrites sorts the steps by where they have to be done.
func (m *merge) rewrites(steps []step) []*rewrite {
	byShelf := map[shelf]*rewrite{}
	on := func(s shelf) *rewrite {
		if byShelf[s] == nil {
			byShelf[s] = &rewrite{shelf: s, drops: map[string][]match{}}
		}
		return byShelf[s]
	}
	for i, s := range steps {
		if s.use {
			r := on(shelf{m.in.rows[i].partition, false})
			r.use = append(r.use, int32(i))
		}
		for _, p := range s.drop {
			r := on(shelf{p.file.values.value, p.file.kept})
			if r.drops[p.file.path] == nil {
				r.files = append(r.files, p.file)
			}
			r.drops[p.file.path] = append(r.drops[p.file.path], *p.match)
		}
	}
	out := slices.SortedFunc(maps.Values(byShelf), func(a, b *rewrite) int {
		if a.deleted != b.deleted && a.partition == b.partition {
			return map[bool]int{false: -1, true: 1}[a.deleted]
		}
		return compare(string(a.partition), string(b.partition))
	})
	for _, r := range out {
		slices.SortFunc(r.files, func(a, b *file) int { return compare(a.path, b.path) })
		for _, d := range r.drops {
			slices.SortFunc(d, func(a, b match) int { return int(a.row - b.row) })
		}
	}
	return out
}

// equal reports whether r writes what o wrote.
func (r *rewrite) equal(o *rewrite) bool {
	if o == nil || !slices.Equal(r.use, o.use) || !slices.EqualFunc(r.files, o.files, func(a, b *file) bool { return a.path == b.path && a.size == b.size }) {
		return false
	}
	return maps.EqualFunc(r.drops, o.drops, func(a, b []match) bool {
		return slices.EqualFunc(a, b, func(x, y match) bool { return x.row == y.row })
	})
}
