package crash_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/store"
)

// variant is a kind of sync that is killed.
type variant struct {
	name string
	late time.Duration // how long after a first sync; 0 = it is the first one
	full bool
	back bool // a backfill
}

func variants() []variant {
	return []variant{
		{name: "first"},
		{name: "incremental", late: 2 * day},
		{name: "full", late: 2 * day, full: true},
		{name: "backfill", late: 2 * day, back: true},
	}
}

// scene is a variant that is ready to be killed again and again: the lake as it
// stood before, and how many requests and calls a whole sync takes.
type scene struct {
	variant
	places   func(t *testing.T) place
	template place
	before   []map[string]content // what partitions may hold
	requests int64
	calls    int64
}

// smallAccount is served by a listener of its own for each kill.
// Its streams are one of each way to read and to write.
func smallAccount(t *testing.T) *account {
	a := newAccount(t, 3, 220, simapi.Config{})
	a.streams = []string{simapi.Orders, simapi.Payables, simapi.Recipients, simapi.RecipientBalance}
	return a
}

// prepare runs the syncs that stand before the one that is killed, and one
// whole sync to measure.
func prepare(t *testing.T, v variant, places func(t *testing.T) place) *scene {
	t.Helper()
	s := &scene{variant: v, places: places, template: places(t)}
	a := smallAccount(t)
	a.place = s.template
	if v.late > 0 {
		a.sync(a.order())
		s.before = append(s.before, a.truths())
		a.pass(v.late)
	}
	a.place = places(t)
	copyLake(t, s.template, a.place)
	a.count(nil)
	e := a.sync(s.order(a))
	s.requests, s.calls = a.count(nil), e.Calls
	require.Greater(t, s.requests, int64(15))
	require.Greater(t, s.calls, int64(15))
	return s
}

func (s *scene) order(a *account) order {
	o := a.order()
	o.Full, o.Backfill = s.full, s.back
	if s.back {
		o.Streams = []string{simapi.Orders, simapi.Payables}
	}
	return o
}

// copyLake copies all objects through the stores.
func copyLake(t *testing.T, from, to place) {
	t.Helper()
	src, err := from.open(t.Context())
	require.NoError(t, err)
	dst, err := to.open(t.Context())
	require.NoError(t, err)
	for o, err := range src.List(t.Context(), "", "") {
		require.NoError(t, err)
		data, err := store.ReadAll(t.Context(), src, o.Key)
		require.NoError(t, err)
		require.NoError(t, dst.Create(t.Context(), o.Key, data))
	}
}

// point is where a sync is killed.
type point struct {
	n      int64
	moment moment
	api    bool // the n-th request to the API, else the n-th call to the store
}

func (p point) String() string {
	if p.api {
		return fmt.Sprintf("%s request %d", p.moment, p.n)
	}
	return fmt.Sprintf("%s call %d", p.moment, p.n)
}

// points lists kill points, about so many of each of the two sorts.
func (s *scene) points(each int64) []point {
	var list []point
	moments := []moment{before, during, after}
	for i := range each {
		k := 1 + i*s.calls/each
		list = append(list, point{n: k, moment: moments[i%3]})
	}
	for i := range each {
		k := 1 + i*s.requests/each
		list = append(list, point{n: k, moment: []moment{before, after}[i%2], api: true})
	}
	return list
}

// kill runs the sync until it is killed at a point, then again to its end, and
// compares. It tells whether the sync was killed: with fewer calls than in the
// measured run it may end before.
func (s *scene) kill(t *testing.T, p point) bool {
	return s.killWith(t, func(a *account) ended { return s.killed(t, a, p) })
}

// killWith is kill with another way to kill.
func (s *scene) killWith(t *testing.T, kill func(a *account) ended) bool {
	a := smallAccount(t)
	if s.late > 0 {
		a.pass(s.late)
	}
	a.place = s.places(t)
	copyLake(t, s.template, a.place)
	st, err := a.place.open(t.Context())
	require.NoError(t, err)
	l := newLake(st)
	w := watch(l, a.streams)
	e := kill(a)
	if e.code != -1 {
		require.Equal(t, 0, e.code, "%s", e)
	}
	a.sync(s.order(a))
	w.stop(t)
	requireTruth(t, l, s.order(a).Streams, a.truths())
	requireHistory(t, l, a.streams, append([]map[string]content{a.truths()}, s.before...)...)
	return e.code == -1
}

func (s *scene) killed(t *testing.T, a *account, p point) ended {
	t.Helper()
	o := s.order(a)
	if !p.api {
		o.Die = death{Call: p.n, Moment: p.moment}
		return a.run(o)
	}
	started := make(chan *process, 1)
	a.count(func(n int64, sent bool) {
		if n == p.n && sent == (p.moment == after) {
			(<-started).kill()
		}
	})
	child := a.begin(o)
	started <- child
	e := child.wait(t)
	a.count(nil)
	return e
}

// killEverywhere kills syncs of every variant at many points and returns how
// many were killed.
func killEverywhere(t *testing.T, places func(t *testing.T) place, each int64) int {
	var killed atomic.Int64
	total := 0
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			s := prepare(t, v, places)
			for _, p := range s.points(each) {
				total++
				t.Run(p.String(), func(t *testing.T) {
					t.Parallel()
					if s.kill(t, p) {
						killed.Add(1)
					}
				})
			}
		})
	}
	require.GreaterOrEqual(t, int(killed.Load()), total*8/10, "too few of %d syncs were killed in time", total)
	return int(killed.Load())
}

func onDisk(t *testing.T) place { return place{Dir: t.TempDir()} }

// Exactly once, atomic: a sync is killed at requests and at calls to the store,
// before, in the middle of and after them, and started again. Nothing is lost,
// nothing is there twice, and a reader that polls all the time sees whole
// versions only.
func TestPromiseExactlyOnceAndAtomicUnderKillOnDisk(t *testing.T) {
	killEverywhere(t, onDisk, 3)
}

// The watcher and the comparison notice what they are there for.
func TestHarnessNoticesLossAndRepetition(t *testing.T) {
	a := smallAccount(t)
	a.sync(a.order())
	st, err := a.place.open(t.Context())
	require.NoError(t, err)
	l := newLake(st)
	v, err := l.newest(t.Context(), simapi.Orders)
	require.NoError(t, err)
	truth := a.truths()
	require.True(t, held(v.content["2026-08-23"], simapi.Orders, "2026-08-23", []map[string]content{truth}))
	for key := range v.content["2026-08-23"] {
		delete(v.content["2026-08-23"], key)
		break
	}
	require.False(t, held(v.content["2026-08-23"], simapi.Orders, "2026-08-23", []map[string]content{truth}))

	for o, err := range st.List(context.Background(), root(simapi.Orders)+"/created_date=2026-08-23/", "") {
		require.NoError(t, err)
		require.NoError(t, st.Delete(t.Context(), o.Key))
	}
	_, err = l.newest(t.Context(), simapi.Orders)
	require.ErrorIs(t, err, store.ErrNotFound)
}
