package delta

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/writer"
)

// The conflict rules against a model: several runs, and engines of others, take
// their steps in a random order, also between a run's last look at the log and
// its put, with lost answers and failures. The source changes all the time; what
// it says of a day has a version. Day 0 is only appended to; days 1 to 3 are
// replaced.
//
// After every step: each day holds exactly the rows of the version that the last
// commit to it had read, no older than any committed before, with what engines
// of others did to it since; each batch is appended once.

const modelDays = 3

// content is what the model says of a day.
type content struct {
	version int // of the source, 0 = no rows
	extra   int // rows that others appended
	batches int // of day 0
}

// job is one attempt of a run to commit.
type job struct {
	reads map[int]int // day -> version of the source
	all   bool        // an overwrite
	batch int
}

type world struct {
	t      *testing.T
	rng    *rand.Rand
	st     *mem.Store
	look   *lake // follows the log
	seen   int64
	made   *made
	source [modelDays + 1]int
	model  map[int]content
	newest [modelDays + 1]int // newest version that a commit brought
	runs   []*runner
	jobs   map[string]job // by run id
	next   int
	busy   bool // a runner is inside a put
	log    []string
}

// made are the data files that all histories share.
type made struct {
	*lake
	mu    sync.Mutex
	files map[string]writer.File
}

func (m *made) file(day, version int) writer.File {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := fmt.Sprint(day, ".", version)
	f, ok := m.files[key]
	if !ok {
		rows := rowsOf(day, 4)
		for i := range rows {
			rows[i].amount = int64(version)
		}
		f = m.lake.files(rows...)[0]
		m.files[key] = f
	}
	return f
}

// runner is one run: it loads a base, reads the source, and commits.
type runner struct {
	*lake
	w      *world
	kind   string
	step   int
	base   int64
	job    job
	batch  int
	racing bool
}

func TestRandomHistories(t *testing.T) {
	made := &made{lake: newMemLake(t), files: map[string]writer.File{}}
	seeds := []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, rand.Uint64(), rand.Uint64()}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel() // they wait most of the time
			w := newWorld(t, seed, made)
			for range 60 {
				w.anyStep()
				w.follow()
			}
			w.finish()
		})
	}
}

func newWorld(t *testing.T, seed uint64, made *made) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 0)), st: mem.New(), made: made, seen: -1,
		source: [modelDays + 1]int{0, 1, 1, 1}, model: map[int]content{}, jobs: map[string]job{}}
	w.look = newLake(t, w.st)
	for _, kind := range []string{"replace", "replace", "replace", "overwrite", "append"} {
		r := &runner{w: w, kind: kind}
		r.lake = newLake(t, &racing{Store: w.st, r: r})
		w.runs = append(w.runs, r)
	}
	return w
}

// racing lets others take steps just before a commit is put.
type racing struct {
	store.Store
	r *runner
}

func (s *racing) Create(ctx context.Context, key string, body []byte) error {
	if w := s.r.w; !w.busy {
		w.busy = true
		for range w.rng.IntN(3) {
			w.anyStep()
		}
		w.busy = false
	}
	return s.Store.Create(ctx, key, body)
}

func (w *world) note(format string, args ...any) { w.log = append(w.log, fmt.Sprintf(format, args...)) }

// anyStep lets somebody do something.
func (w *world) anyStep() {
	switch n := w.rng.IntN(20); {
	case n < 4:
		w.source[1+w.rng.IntN(modelDays)]++
	case n < 6:
		w.stranger([]string{"delete", "optimize", "insert", "compact"}[w.rng.IntN(4)], 1+w.rng.IntN(modelDays))
	default:
		r := w.runs[w.rng.IntN(len(w.runs))]
		if !r.racing {
			r.advance()
		}
	}
}

// trouble makes a call to the store fail soon, before or after its effect.
func (w *world) trouble() {
	op := []mem.Op{mem.Create, mem.Create, mem.Open, mem.List, mem.Put}[w.rng.IntN(5)]
	w.st.Inject(mem.Fault{Op: op, N: 1 + w.rng.IntN(3), Err: errLost, Late: w.rng.IntN(2) == 0})
}

// advance takes the run's next step.
func (r *runner) advance() {
	switch r.step++; r.step {
	case 1:
		s, err := r.Load(context.Background())
		if err != nil {
			r.step = 0
			return
		}
		r.base, r.job = s.Version(), job{reads: map[int]int{}, all: r.kind == "overwrite"}
	case 2:
		for day := 1; day <= modelDays; day++ {
			if r.kind == "overwrite" || r.kind == "replace" && r.w.rng.IntN(2) == 0 {
				r.job.reads[day] = r.w.source[day]
			}
		}
	default:
		for range max(0, r.w.rng.IntN(5)-2) {
			r.w.trouble()
		}
		r.racing = true
		r.tryCommit()
		r.racing = false
	}
}

func (r *runner) tryCommit() {
	w := r.w
	w.next++
	id := fmt.Sprintf("%s-%d", r.kind, w.next)
	c := sink.Change{Mode: sink.Replace, Base: r.base, AcceptShrink: true, RunID: id}
	for day, version := range r.job.reads {
		c.Partitions = append(c.Partitions, dayValue(day))
		c.Files = append(c.Files, w.file(day, version)...)
	}
	switch r.kind {
	case "overwrite":
		c.Mode, c.Partitions, c.Keep = sink.Overwrite, nil, dayValue(1)
	case "append":
		r.job.batch = r.batch + 1
		c.Mode, c.Files, c.Mark = sink.Append, w.file(0, r.job.batch), &sink.Mark{App: "batches", Version: int64(r.job.batch)}
	}
	w.jobs[id] = job{reads: maps.Clone(r.job.reads), all: r.job.all, batch: r.job.batch}
	receipt, err := r.Commit(context.Background(), c)
	w.note("%s base %d reads %v: %s version %d stale %v: %v", id, c.Base, r.job.reads, receipt.Outcome, receipt.Version, receipt.Stale, err)
	switch {
	case err != nil:
		require.ErrorIs(w.t, err, errLost)
		r.step = 0
	case receipt.Outcome == sink.Conflict:
		r.base = receipt.Version
		for _, v := range receipt.Stale {
			for day := 1; day <= modelDays; day++ {
				if dayValue(day) == v {
					r.job.reads[day] = w.source[day]
				}
			}
		}
	default:
		r.batch, r.step = r.job.batch, 0
	}
}

// file returns a data file of what the source says of a day, under a new name.
func (w *world) file(day, version int) []writer.File {
	if version == 5 && day > 0 {
		return nil // a day without rows
	}
	f := w.made.file(day, version)
	w.next++
	f.Name = fmt.Sprintf("part-%08d.parquet", w.next)
	return []writer.File{f}
}

// follow takes the new commits of the log over into the model and compares.
func (w *world) follow() {
	w.t.Helper()
	w.calm()
	s := w.look.load()
	for v := w.seen + 1; v <= s.version; v++ {
		w.learn(v)
	}
	w.seen = s.version
	fresh := newSnapshot(s.clone())
	require.Equal(w.t, stats(fresh), stats(s), "what was brought up to date step by step is what is read at once")
	require.Equal(w.t, []int64{fresh.rows, fresh.bytes}, []int64{s.rows, s.bytes})
	require.Equal(w.t, fresh.order, s.order)
	for day := range modelDays + 1 {
		want := w.wanted(day)
		have, err := w.look.partitionSums(context.Background(), s.partition(dayValue(day)))
		require.NoError(w.t, err)
		require.Equal(w.t, want, have, "day %d of version %d\n%s", day, s.version, strings.Join(w.log, "\n"))
	}
}

// learn applies one commit to the model.
func (w *world) learn(v int64) {
	w.t.Helper()
	actions, err := w.look.readCommit(context.Background(), v)
	require.NoError(w.t, err)
	id := runIDOf(actions)
	if job, ok := w.jobs[id]; ok {
		w.learnJob(id, job, newState().commit(v, actions))
		return
	}
	what, text, _ := strings.Cut(id, "-")
	var day int
	_, err = fmt.Sscan(text, &day)
	require.NoError(w.t, err, id)
	c := w.model[day]
	switch what {
	case "delete":
		c.version, c.extra = 0, 0
	case "insert":
		c.extra++
	}
	w.model[day] = c
}

// learnJob applies a commit of a run. A day that it did not touch held the rows
// already, and says nothing of how new they are: what the source says may come
// back, as "no rows" does.
func (w *world) learnJob(id string, j job, did touch) {
	w.t.Helper()
	for day, version := range j.reads {
		if !did.partitions[dayValue(day)] {
			require.Equal(w.t, newSums(w.file(day, version)), w.wanted(day), "%s left day %d", id, day)
			continue
		}
		require.GreaterOrEqual(w.t, version, w.newest[day], "%s brought back day %d\n%s", id, day, strings.Join(w.log, "\n"))
		w.newest[day] = max(w.newest[day], version)
		w.model[day] = content{version: version}
	}
	if j.batch > 0 {
		c := w.model[0]
		require.Equal(w.t, j.batch, c.batches+1, "%s: each batch once, in order", id)
		c.batches++
		w.model[0] = c
	}
}

func (w *world) wanted(day int) sums {
	c := w.model[day]
	var files []writer.File
	if c.version > 0 {
		files = append(files, w.file(day, c.version)...)
	}
	for range c.extra {
		files = append(files, w.file(day, 900)...)
	}
	for n := range c.batches {
		files = append(files, w.file(0, n+1)...)
	}
	return newSums(files)
}

// finish lets every run end without failures; then the table says what the
// source says.
func (w *world) finish() {
	w.t.Helper()
	r := w.runs[0]
	r.step = 0
	for range 5 {
		r.advance()
		w.follow()
	}
	c := r.Table
	s := r.load()
	change := sink.Change{Mode: sink.Replace, Base: s.version, AcceptShrink: true, RunID: "last"}
	j := job{reads: map[int]int{}}
	for day := 1; day <= modelDays; day++ {
		change.Partitions = append(change.Partitions, dayValue(day))
		change.Files = append(change.Files, w.file(day, w.source[day])...)
		j.reads[day] = w.source[day]
	}
	w.jobs["last"] = j
	w.busy = true
	_, err := c.Commit(context.Background(), change)
	require.NoError(w.t, err)
	w.follow()
	fresh := newLake(w.t, w.st)
	for day := 1; day <= modelDays; day++ {
		have, err := fresh.partitionSums(context.Background(), fresh.load().partition(dayValue(day)))
		require.NoError(w.t, err)
		require.Equal(w.t, newSums(w.file(day, w.source[day])), have)
	}
	for _, r := range w.runs {
		vanished, _, err := r.Settle(context.Background())
		require.NoError(w.t, err)
		require.Empty(w.t, vanished)
	}
	require.Empty(w.t, slices.DeleteFunc(w.look.keys(logFolder), func(k string) bool { return parseLogName(k[len(logFolder):]).Kind != uuidObject }))
}
