package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/store"
)

// mortal is a store that is gone from its n-th call on, as for a process that
// dies then. With late set that call still has its effect.
type mortal struct {
	store.Store
	mu   sync.Mutex
	left int
	late bool
	died bool
}

var errDied = errors.New("the process is dead")

// live counts a call and tells whether it has its effect and how it ends.
func (m *mortal) live() (effect bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left--
	switch {
	case m.left > 0:
		return true, nil
	case m.left == 0:
		m.died = true
		return m.late, errDied
	}
	return false, errDied
}

func (m *mortal) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	effect, err := m.live()
	if effect {
		err = errors.Join(err, m.Store.Put(ctx, key, body))
	}
	return err
}

func (m *mortal) Create(ctx context.Context, key string, body []byte) error {
	effect, err := m.live()
	if effect {
		err = errors.Join(err, m.Store.Create(ctx, key, body))
	}
	return err
}

func (m *mortal) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if _, err := m.live(); err != nil {
		return nil, err
	}
	return m.Store.Open(ctx, key, off, n)
}

func (m *mortal) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	if _, err := m.live(); err != nil {
		return func(yield func(store.Object, error) bool) { yield(store.Object{}, err) }
	}
	return m.Store.List(ctx, prefix, after)
}

func (m *mortal) Delete(ctx context.Context, keys ...string) error {
	effect, err := m.live()
	if effect {
		err = errors.Join(err, m.Store.Delete(ctx, keys...))
	}
	return err
}

// earliestAsked notes the earliest instant that a list was asked for.
type earliestAsked struct {
	next http.RoundTripper
	mu   sync.Mutex
	at   time.Time
	n    int
}

func (e *earliestAsked) RoundTrip(r *http.Request) (*http.Response, error) {
	since, err := time.Parse(time.RFC3339, r.URL.Query().Get("created_since"))
	e.mu.Lock()
	if err == nil && (e.at.IsZero() || since.Before(e.at)) {
		e.at = since
	}
	e.n++
	e.mu.Unlock()
	return e.next.RoundTrip(r)
}

// crashStream is a stream of few columns, so that a run is short.
const crashStream = simapi.Payables

// withoutSockets is a scene without sockets, whose stream commits or records every
// partition by itself.
func withoutSockets(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, 8, 160, simapi.Config{NoLimits: true, Paging: simapi.Paging{TotalMissing: true, NextMissing: true, PayablesByPage: true, MaxSize: map[string]int{crashStream: 40}}})
	s.url = "https://api.pagar.me/core/v5"
	s.inBubble()
	s.streams = []string{crashStream}
	s.opts.CommitEvery, s.opts.Workers, s.opts.Chunk = time.Nanosecond, 2, 2<<10
	return s
}

// recorded is how far a full sync came by its newest record.
func (s *scene) recorded() time.Time {
	s.t.Helper()
	var position time.Time
	for o, err := range s.store.List(s.t.Context(), "_paylake/full/", "") {
		require.NoError(s.t, err)
		raw, err := store.ReadAll(s.t.Context(), s.store, o.Key)
		require.NoError(s.t, err)
		var segment struct{ Position time.Time }
		require.NoError(s.t, json.Unmarshal(raw, &segment))
		if segment.Position.After(position) {
			position = segment.Position
		}
	}
	return position
}

// committed is how far the log says that a run came that did not end.
func (s *scene) committed(suffix string) time.Time {
	s.t.Helper()
	snapshot, err := s.lake(s.endpoint(crashStream)).Load(s.t.Context())
	require.NoError(s.t, err)
	version, ok := snapshot.Mark("paylake/loja/" + crashStream + suffix)
	if !ok || version == 0 {
		return time.Time{}
	}
	return time.UnixMicro(version).UTC()
}

// life is a kind of run that dies.
type life struct {
	prepare func(*scene)           // what the lake holds before
	reached func(*scene) time.Time // how far the run came that died
}

func lives() map[string]life {
	return map[string]life{
		"full sync": {
			func(s *scene) {
				s.sync()
				s.now, s.full = s.now.Add(4*24*time.Hour), true
			},
			(*scene).recorded,
		},
		"full sync of a new table": {func(s *scene) { s.full = true }, (*scene).recorded},
		"first sync":               {func(*scene) {}, func(s *scene) time.Time { return s.committed("/position") }},
		"lookback": {
			func(s *scene) {
				s.sync()
				s.now, s.lookback = s.now.Add(4*24*time.Hour), 90*24*time.Hour
			},
			func(s *scene) time.Time { return s.committed("/position") },
		},
		"backfill": {
			func(s *scene) {
				s.sync()
				s.now = s.now.Add(4 * 24 * time.Hour)
				s.opts.Backfill = &window.Window{Since: s.start, Until: s.now.AddDate(1, 0, 0)}
			},
			func(*scene) time.Time { return time.Time{} },
		},
	}
}

// Exactly once: whichever call to the store is the last of a run, with or
// without its effect, the next run ends with the truth, and what was committed
// or recorded is not asked for again.
func TestPromiseExactlyOnceWhereverTheStoreIsLost(t *testing.T) {
	t.Parallel()
	for name, l := range lives() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resumed := 0
			for k := 1; ; k++ {
				s := withoutSockets(t)
				l.prepare(s)
				m := &mortal{Store: s.store, left: k, late: k%2 == 0}
				rep, err := s.with(func(o *scene) { o.store = m }).try()
				if err == nil && !m.died {
					s.requireTruth(rep)
					require.Zero(t, of(s.sync(), crashStream).Commits, "quiet")
					require.Greater(t, k, 10, "the run made calls to the store")
					break
				}
				if s.goesOn(l.reached(s)) {
					resumed++
				}
			}
			require.Greater(t, resumed, 2, "runs went on")
		})
	}
}

// goesOn runs again after a run died and reports whether that run went on from
// somewhere.
func (s *scene) goesOn(reached time.Time) bool {
	s.t.Helper()
	s.rows(crashStream) // whatever is there can be read, and no key stands twice
	watch := &earliestAsked{next: s.rt}
	s.rt = watch
	rep := s.sync()
	require.Equal(s.t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
	s.requireTruth(rep)
	require.Zero(s.t, s.recorded(), "the record has served")
	went := warned(of(rep, crashStream), "did not end")
	if went && !reached.IsZero() {
		margin := 4 * 24 * time.Hour // the reader asks around its range to see how exact the filter is
		require.False(s.t, watch.at.Before(reached.Add(-margin)), "asked from %s, but %s was reached", watch.at, reached)
	}
	return went
}
