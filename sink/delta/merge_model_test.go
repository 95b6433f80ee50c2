package delta

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
)

func TestMergeBringsADeletedRecordBack(t *testing.T) {
	l := newLake(t, mem.New(), keeping)
	all := slices.Concat(rowsOf(0, 100), rowsOf(1, 100))
	l.put(all)
	l.commit(l.keep(all[3:]))

	early := with(all, refund, 1)[1] // read before it was deleted
	early.seen = 10
	l.merge(sink.Unchanged, early)
	l.requireRows(all[3:], deleted(all[:3]))

	back := all[1]
	back.seen = 40
	r := l.merge(sink.Committed, back, with(all, refund, 50)[50])
	require.Equal(t, []int{2, 2}, []int{r.FilesAdded, r.FilesRemoved})
	l.requireRows(with(all[3:], refund, 47), all[1:2], deleted(all[:1]), deleted(all[2:3]))
	require.Len(t, l.keptFiles(), 1, "live and deleted records do not mix")
	require.Equal(t, []int64{198, 2}, []int64{l.load().Rows(), l.load().DeletedRows()})

	moved := []row{all[0], all[2]}
	for i := range moved {
		moved[i].day, moved[i].seen = 5, 50
	}
	l.merge(sink.Committed, moved...)
	l.requireRows(with(all[3:], refund, 47), all[1:2], moved)
	require.Empty(t, l.keptFiles())
}

// mergeWorld is a table and what must be in it, by key.
type mergeWorld struct {
	*lake
	rng  *rand.Rand
	rows map[string]row
	day  int // the clock, in days since firstDay
	next int
	log  []string
}

// extracted is when a row was read, in minutes since firstDay.
func extracted(r row) int { return (r.day+r.seen)*1440 + r.minute }

// lateClock puts the clock after everything that is read.
func lateClock(s *Settings) {
	s.Now = func() time.Time { return time.Date(2027, 2, 1, 12, 0, 0, 0, time.UTC) }
}

func plain(r row) row { r.seen = 0; return r }

// TestMergeAgainstAModel lets merges, replaces, compactions and other engines
// change a table, and compares it with a map after each step.
func TestMergeAgainstAModel(t *testing.T) {
	for _, seed := range []uint64{1, 2602338619192726441, rand.Uint64()} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := &mergeWorld{lake: newLake(t, mem.New(), stated, lateClock), rng: rand.New(rand.NewPCG(seed, 5)), rows: map[string]row{}, day: 100}
			for range 18 {
				w.day++
				w.step()
				w.check()
			}
		})
	}
}

func (w *mergeWorld) step() {
	switch n := w.rng.IntN(10); {
	case n < 6:
		w.mergeSome()
	case n < 8:
		w.replaceDay(w.rng.IntN(5))
	case n < 9:
		w.log = append(w.log, "optimize")
		w.optimize(OptimizeOptions{})
	default:
		w.append(w.rng.IntN(5))
	}
}

// fresh makes a row that the table does not have.
func (w *mergeWorld) fresh(day int) row {
	w.next++
	r := row{id: fmt.Sprintf("k%04d", w.rng.IntN(10_000)), day: day, minute: w.rng.IntN(1440), status: "paid", amount: int64(w.next), buyer: "Ana"}
	r.seen = w.day - r.day
	return r
}

// version is what a merge may bring for a row: the same, another state, another
// place, read now or long ago.
func (w *mergeWorld) version(r row) row {
	switch w.rng.IntN(4) {
	case 0:
		r.status = []string{"paid", "refunded", "lost"}[w.rng.IntN(3)]
	case 1:
		r.day = w.rng.IntN(7)
	case 2:
		r.minute = w.rng.IntN(1440)
	}
	r.seen = w.day - r.day - max(0, w.rng.IntN(40)-20)
	return r
}

func (w *mergeWorld) mergeSome() {
	var change []row
	keys := slices.Sorted(maps.Keys(w.rows))
	for range 1 + w.rng.IntN(30) {
		if len(keys) == 0 || w.rng.IntN(4) == 0 {
			change = append(change, w.fresh(w.rng.IntN(6)))
			continue
		}
		change = append(change, w.version(w.rows[keys[w.rng.IntN(len(keys))]]))
	}
	newest := map[string]row{}
	for _, r := range change {
		if old, ok := newest[r.id]; !ok || extracted(r) > extracted(old) {
			newest[r.id] = r
		}
	}
	changed := false
	for id, r := range newest {
		old, ok := w.rows[id]
		if ok && (extracted(old) > extracted(r) || plain(old) == plain(r)) {
			continue
		}
		w.rows[id], changed = r, true
	}
	w.log = append(w.log, fmt.Sprintf("merge %v", change))
	w.merge(map[bool]sink.Outcome{true: sink.Committed, false: sink.Unchanged}[changed], slices.Collect(maps.Values(newest))...)
}

func (w *mergeWorld) ofDay(day int) []row {
	var out []row
	for _, id := range slices.Sorted(maps.Keys(w.rows)) {
		if w.rows[id].day == day {
			out = append(out, w.rows[id])
		}
	}
	return out
}

func (w *mergeWorld) replaceDay(day int) {
	rows := w.ofDay(day)
	changed := false
	for i := range rows {
		if w.rng.IntN(5) == 0 {
			rows[i].status, changed = rows[i].status+"+", true
		}
	}
	for range w.rng.IntN(4) {
		if r := w.fresh(day); w.rows[r.id].id == "" {
			rows, changed = append(rows, r), true
			w.rows[r.id] = r
		}
	}
	if !changed {
		return
	}
	for i := range rows {
		rows[i].seen = w.day - day
		w.rows[rows[i].id] = rows[i]
	}
	sortRows(rows) // of equal times the batch keeps the order
	w.log = append(w.log, fmt.Sprintf("replace day %d with %v", day, rows))
	c := w.replace(w.load().Version(), rows, day)
	c.AcceptShrink = true
	require.Equal(w.t, sink.Committed, w.commit(c).Outcome)
}

// append lets another engine write rows.
func (w *mergeWorld) append(day int) {
	if !w.load().Exists() {
		return
	}
	var rows []row
	for range 1 + w.rng.IntN(5) {
		r := w.fresh(day)
		if r.seen = 0; w.rows[r.id].id != "" {
			continue
		}
		rows = append(rows, r)
		w.rows[r.id] = r
	}
	sortRows(rows)
	w.log = append(w.log, fmt.Sprintf("foreign %v", rows))
	f := w.foreign()
	if len(rows) > 0 {
		f.commit(sink.Change{Mode: sink.Append, Files: f.files(rows...)})
	}
}

// check reads the whole table.
func (w *mergeWorld) check() {
	w.t.Helper()
	want := slices.Collect(maps.Values(w.rows))
	for i := range want {
		want[i] = plain(want[i])
	}
	sortRows(want)
	have := w.lake.rows()
	if !slices.Equal(want, have) {
		for _, line := range w.log {
			w.t.Log(line)
		}
		w.requireRows(want)
	}
	w.requireSorted()
	s := w.load()
	for day := range 7 {
		b := w.batch(w.ofDay(day))
		require.Equal(w.t, sumsOfRows(b, []string{"id"}, ""), s.partition(dayValue(day)).sums, "day %d", day)
		b.Release()
	}
}

func TestMergeDoesNotCountAsReadingAPartition(t *testing.T) {
	l := newMemLake(t)
	now := restored(t, l)
	changed := with(rowsOf(1, 20), refund, 3)
	l.merge(sink.Committed, changed[3])
	l.requireUnread(dayValues(1, 2)...)
	require.NotEqual(t, now, l.rows())
}

// A row that was read in the future, by a clock that was wrong, is no newer than
// what is read now.
func TestMergeDoubtsRowsFromTheFuture(t *testing.T) {
	l := newLake(t, mem.New(), stated) // its clock stands at noon of day 31 of the rows
	ahead := rowsOf(0, 3)
	for i := range ahead {
		ahead[i].seen = 400
	}
	l.merge(sink.Committed, ahead...)
	changed := with(rowsOf(0, 3), refund, 1)
	l.merge(sink.Committed, changed[1])
	require.Equal(t, "refunded", l.rows()[1].status)
}
