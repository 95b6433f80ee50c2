package pipeline_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

// stopAfter is a transport that does something at its n-th request.
type stopAfter struct {
	next http.RoundTripper
	mu   sync.Mutex
	left int
	do   func()
	end  bool // that request gets no answer: it ends with its context
}

func (s *stopAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.left--
	due := s.left == 0
	s.mu.Unlock()
	if due {
		s.do()
	}
	if due && s.end {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return s.next.RoundTrip(r)
}

// afterRecord is a store that does something after the n-th segment of a record
// was written.
type afterRecord struct {
	store.Store
	left int
	do   func()
}

func (a *afterRecord) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	err := a.Store.Put(ctx, key, body)
	if strings.HasPrefix(key, "_paylake/full/") {
		if a.left--; a.left == 0 {
			a.do()
		}
	}
	return err
}

// stopped is a scene of a table and a full sync of it that was stopped after
// some windows.
func stopped(t *testing.T) *scene {
	t.Helper()
	s := withoutSockets(t)
	s.sync()
	s.now, s.full = s.now.Add(4*24*time.Hour), true
	stop := make(chan struct{})
	rep := s.with(func(o *scene) {
		o.opts.Stop, o.opts.Workers = stop, 1
		o.rt = &stopAfter{next: s.rt, left: 11, do: func() { close(stop) }, end: true}
	}).sync()
	require.Equal(t, report.Interrupted, rep.Status)
	require.Zero(t, of(rep, crashStream).Commits, "a reader sees no mixture")
	require.True(t, s.recorded().After(s.start), "recorded up to %s", s.recorded())
	return s
}

func (s *scene) keysBelow(prefix string) []string {
	s.t.Helper()
	var keys []string
	for o, err := range s.store.List(s.t.Context(), prefix, "") {
		require.NoError(s.t, err)
		keys = append(keys, o.Key)
	}
	return keys
}

func (s *scene) dataFiles() []string {
	var files []string
	for _, key := range s.keysBelow("pagarme/" + crashStream + "/") {
		if strings.HasSuffix(key, ".parquet") {
			files = append(files, key)
		}
	}
	return files
}

// A full sync that goes on commits once, tells of the windows of before, and
// leaves no record.
func TestAFullSyncGoesOn(t *testing.T) {
	t.Parallel()
	s := stopped(t)
	rep := s.sync()
	sr := of(rep, crashStream)
	require.Equal(t, report.Succeeded, rep.Status)
	require.Equal(t, 1, sr.Commits)
	require.True(t, warned(sr, "did not end"))
	require.Greater(t, len(sr.Reads), sr.Windows, "those of before are in the windows of this run")
	for i, r := range sr.Reads {
		require.Equal(t, sr.TableVersion, r.Version, "window %d", i)
	}
	s.requireTruth(rep)
	require.Empty(t, s.keysBelow("_paylake/full/"))
}

// What the record promised and is not there any more is read again.
func TestAFullSyncReadsAgainWhatWasLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(s *scene, live map[string]bool){
		"a stored file": func(s *scene, live map[string]bool) {
			for _, key := range s.dataFiles() {
				if !live[key] {
					require.NoError(s.t, s.store.Delete(s.t.Context(), key))
					return
				}
			}
		},
		"the record's first segment": func(s *scene, _ map[string]bool) {
			require.NoError(s.t, s.store.Delete(s.t.Context(), s.keysBelow("_paylake/full/")[0]))
		},
		"a segment's text": func(s *scene, _ map[string]bool) {
			require.NoError(s.t, s.store.Put(s.t.Context(), s.keysBelow("_paylake/full/")[0], strings.NewReader(`{"format":`)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := stopped(t)
			live := map[string]bool{}
			snapshot, err := s.lake(s.endpoint(crashStream)).Load(t.Context())
			require.NoError(t, err)
			for f := range snapshot.Files() {
				live["pagarme/"+crashStream+"/"+f.Path] = true
			}
			lose(s, live)
			rep := s.sync()
			require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
			s.requireTruth(rep)
		})
	}
}

// A full sync whose record another one takes over and commits first ends right,
// and the files of the record are in the table once.
func TestAFullSyncWhoseRecordIsTakenOver(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.sync()
	s.now, s.full = s.now.Add(4*24*time.Hour), true
	var rival *report.Run
	first := s.with(func(o *scene) {
		o.store = &afterRecord{Store: s.store, left: 2, do: func() { rival = s.with(func(*scene) {}).sync() }}
	})
	rep := first.sync()
	require.True(t, warned(of(rival, crashStream), "did not end"), "the rival went on from the record of a live run")
	require.Equal(t, report.Succeeded, rival.Status)
	require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
	s.requireTruth(rep)
	require.Empty(t, s.keysBelow("_paylake/full/"))
}

// Files of another account, of other settings or of a week ago are not mixed
// into a table; a record of a week ago is removed.
func TestAFullSyncBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*scene){
		"other fields":  func(s *scene) { s.exclude = []string{"installment"} },
		"other account": func(s *scene) { s.account = "another" },
		"other start":   func(s *scene) { s.start = s.start.AddDate(0, 0, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := stopped(t)
			change(s)
			rep := s.sync()
			require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
			require.False(t, warned(of(rep, crashStream), "did not end"))
			require.NotEmpty(t, s.keysBelow("_paylake/full/"), "the other run may still go on")
		})
	}
}

// A full sync that would remove too many rows is refused, and its record serves
// only a run that accepts that: another key must not go on from it.
func TestARefusedFullSyncGoesOnOnlyWhenAccepted(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.sync()
	before := len(s.rows(crashStream))
	s.full = true
	other := s.with(func(o *scene) { // the same key opens an account with fewer records
		o.world, o.server = newScene(t, 8, 60, o.config).world, nil
		o.world.Now = func() time.Time { return s.now }
		o.inBubble()
	})
	rep := other.sync()
	require.Contains(t, of(rep, crashStream).Error, "--accept-shrink")
	require.Len(t, s.rows(crashStream), before)

	rep = s.sync()
	require.False(t, warned(of(rep, crashStream), "did not end"))
	s.requireTruth(rep)

	other.opts.AcceptShrink = true
	rep = other.sync()
	require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
	other.requireTruth(rep)
}

// A run that dies between its commit and the removal of its record is over: the
// next full sync reads everything.
func TestACommittedRecordIsOver(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.full = true
	st := s.store.(*mem.Store)
	st.Inject(mem.Fault{Op: mem.Delete, N: 1, Err: errDied})
	rep := s.sync()
	require.Equal(t, report.Succeeded, rep.Status, "the data is in the lake")
	require.NotEmpty(t, s.keysBelow("_paylake/full/"))
	rep = s.sync()
	require.False(t, warned(of(rep, crashStream), "did not end"))
	require.Empty(t, s.keysBelow("_paylake/full/"))
	s.requireTruth(rep)
}
