package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/store"
)

// stopAt runs a sync that is stopped at its n-th request.
func (s *scene) stopAt(n int) *report.Run {
	s.t.Helper()
	stop := make(chan struct{})
	return s.with(func(o *scene) {
		o.opts.Stop, o.opts.Workers = stop, 1
		o.rt = &stopAfter{next: s.rt, left: n, do: func() { close(stop) }, end: true}
	}).sync()
}

// stopBehind runs full syncs that are stopped, each later than the one before,
// until one recorded more than the given position.
func (s *scene) stopBehind(at time.Time) {
	s.t.Helper()
	for n := 8; !s.recorded().After(at); n++ {
		require.Less(s.t, n, 60, "no full sync got behind %s", at)
		require.Equal(s.t, report.Interrupted, s.stopAt(n).Status)
	}
}

// loseStored deletes a stored file that no commit names, or all of them.
func (s *scene) loseStored(all bool) {
	s.t.Helper()
	live := map[string]bool{}
	snapshot, err := s.lake(s.endpoint(crashStream)).Load(s.t.Context())
	require.NoError(s.t, err)
	for f := range snapshot.Files() {
		live["pagarme/"+crashStream+"/"+f.Path] = true
	}
	lost := 0
	for _, key := range s.dataFiles() {
		if !live[key] && (all || lost == 0) {
			require.NoError(s.t, s.store.Delete(s.t.Context(), key))
			lost++
		}
	}
	require.Positive(s.t, lost, "nothing was stored")
}

// What a record promised and is not there stays to be read again when the run
// that noticed it dies, too: it is not taken for read and empty.
func TestWhatIsToBeReadAgainSurvivesRunsThatDie(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*scene){
		"a stored file":       func(s *scene) { s.loseStored(false) },
		"all stored files":    func(s *scene) { s.loseStored(true) },
		"what was unchanged":  func(s *scene) { s.changeBetween() },
		"a file, a new table": func(s *scene) { s.loseStored(false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withoutSockets(t)
			if name != "a file, a new table" {
				s.sync()
				s.now = s.now.Add(4 * 24 * time.Hour)
			}
			s.full = true
			s.stopBehind(s.start)
			lose(s)
			for range 2 {
				s.stopBehind(s.recorded())
			}
			rep := s.sync()
			require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
			require.True(t, warned(of(rep, crashStream), "did not end"))
			s.requireTruth(rep)
			require.Empty(t, s.keysBelow("_paylake/full/"), "nothing is left to go on from")
		})
	}
}

// changeBetween lets another run commit to the partitions of the record.
func (s *scene) changeBetween() {
	s.t.Helper()
	s.now = s.now.Add(24 * time.Hour)
	rep := s.with(func(o *scene) { o.full, o.lookback = false, 90*24*time.Hour }).sync()
	require.Equal(s.t, report.Succeeded, rep.Status)
	require.NotZero(s.t, of(rep, crashStream).Commits)
}

// smaller is the scene of a key that opens an account with fewer records.
func (s *scene) smaller(size int) *scene {
	return s.with(func(o *scene) {
		o.world, o.server = newScene(s.t, 8, size, o.config).world, nil
		o.world.Now = func() time.Time { return s.now }
		o.inBubble()
	})
}

// A full sync that went on from the record of a live run and was refused leaves
// that record whole: it serves a run that accepts that rows go.
func TestARefusalLeavesTheRecordOfALiveRunWhole(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.config.Paging.MaxSize = map[string]int{crashStream: 10}
	s.inBubble()
	s.sync()
	s.full = true
	other := s.smaller(110)
	adopted, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var second *report.Run
	rival := func() {
		second = other.with(func(o *scene) {
			o.opts.Workers = 1
			o.rt = &stopAfter{next: other.rt, left: 1, do: func() { close(adopted); <-goOn }}
		}).sync()
		close(ended)
	}
	first := other.with(func(o *scene) {
		o.opts.Workers = 1
		fourth := &afterRecord{Store: other.store, left: 4, do: func() { close(goOn); <-ended }}
		o.store = &afterRecord{Store: fourth, left: 2, do: func() { go rival(); <-adopted }}
	}).sync()
	require.Contains(t, of(first, crashStream).Error, "--accept-shrink")
	require.Contains(t, of(second, crashStream).Error, "--accept-shrink")
	require.True(t, warned(of(second, crashStream), "did not end"), "it went on from the record of the live run")

	rep := other.sync()
	require.False(t, warned(of(rep, crashStream), "did not end"), "nobody goes on from a refused record by chance")
	other.opts.AcceptShrink = true
	rep = other.sync()
	require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
	require.True(t, warned(of(rep, crashStream), "did not end"))
	other.requireTruth(rep)
	require.Empty(t, s.keysBelow("_paylake/full/"))
}

// A refusal holds for all records that the refused run could have gone on from:
// else the next run would take over an older one with the same rows.
func TestARefusalReachesTheRecordsBefore(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.config.Paging.MaxSize = map[string]int{crashStream: 10}
	s.inBubble()
	s.sync()
	s.full = true
	other := s.smaller(110)
	other.stopBehind(s.start)
	other.stopBehind(other.recorded())
	rep := other.sync()
	require.Contains(t, of(rep, crashStream).Error, "--accept-shrink")

	rep = s.sync()
	require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
	require.False(t, warned(of(rep, crashStream), "did not end"))
	s.requireTruth(rep)
}

// A segment that is not of the run of the first, or that goes back, ends the
// record: what it tells is read again.
func TestSegmentsOfOtherRunsAreNotMixed(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"another run":      func(s map[string]any) { s["run_id"] = "another" },
		"another base":     func(s map[string]any) { s["base_version"] = 99 },
		"another identity": func(s map[string]any) { s["identity"] = "another" },
		"it goes back":     func(s map[string]any) { s["position"] = s["since"] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withoutSockets(t)
			s.sync()
			s.now, s.full = s.now.Add(4*24*time.Hour), true
			for n := 8; len(s.keysBelow("_paylake/full/")) < 3; n++ {
				require.Less(t, n, 60)
				for _, key := range s.keysBelow("_paylake/full/") {
					require.NoError(t, s.store.Delete(t.Context(), key))
				}
				s.stopAt(n)
			}
			key := s.keysBelow("_paylake/full/")[1]
			raw, err := store.ReadAll(t.Context(), s.store, key)
			require.NoError(t, err)
			var text map[string]any
			require.NoError(t, json.Unmarshal(raw, &text))
			change(text)
			delete(text, "files")
			delete(text, "unchanged")
			raw, err = json.Marshal(text)
			require.NoError(t, err)
			require.NoError(t, s.store.Put(t.Context(), key, strings.NewReader(string(raw))))
			rep := s.sync()
			require.Equal(t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
			require.True(t, warned(of(rep, crashStream), "did not end"), "the first segment serves")
			s.requireTruth(rep)
		})
	}
}

// A full sync that ended leaves nothing to go on from, though several died
// before it: the next one reads everything.
func TestAFullSyncThatEndedLeavesNoOlderRecord(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.sync()
	s.full = true // the records tell of unchanged partitions only
	s.stopBehind(s.start)
	s.stopBehind(s.recorded())
	rep := s.sync()
	require.True(t, warned(of(rep, crashStream), "did not end"))
	require.Empty(t, s.keysBelow("_paylake/full/"))
	rep = s.sync()
	require.False(t, warned(of(rep, crashStream), "did not end"))
	s.requireTruth(rep)
}

// overtaken is a table whose oldest days the source will no longer answer, and
// a full sync of it that was stopped when it still did.
func overtaken(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, 40, 500, simapi.Config{NoLimits: true, HorizonMonths: -1, Paging: simapi.Paging{
		TotalMissing: true, NextMissing: true, PayablesByPage: true, MaxSize: map[string]int{crashStream: 40}}})
	s.url = "https://api.pagar.me/core/v5"
	s.inBubble()
	s.streams = []string{crashStream}
	s.opts.Workers = 2
	s.sync()
	s.opts.CommitEvery = time.Nanosecond
	s.now, s.full = s.start.AddDate(2, 0, 15), true
	s.config.HorizonMonths = 24
	s.inBubble()
	s.stopBehind(s.start)
	require.True(t, s.recorded().After(s.start.AddDate(0, 0, 16)), "recorded up to %s", s.recorded())
	return s
}

// requireNothingGone checks that every row of before is in the lake.
func (s *scene) requireNothingGone(before map[string]row) {
	s.t.Helper()
	after, gone := s.rows(crashStream), map[string]int{}
	for key, r := range before {
		if _, ok := after[key]; !ok {
			gone[r.created.Format(time.DateOnly)]++
		}
	}
	require.Empty(s.t, gone, "rows that are gone, by day")
}

// The lake never shrinks silently: partitions that the horizon overtook between
// the runs of a full sync are never read again, whatever the reason is.
func TestPartitionsBehindTheHorizonAreNotReadAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		deaths  int
		between func(*scene)
	}{
		"stored files are gone":                 {0, func(s *scene) { s.loseStored(true) }},
		"stored files are gone, and a run died": {1, func(s *scene) { s.loseStored(true) }},
		"a backfill changed the table":          {0, func(s *scene) { s.backfillBetween() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := overtaken(t)
			before := s.rows(crashStream)
			c.between(s)
			s.now = s.now.AddDate(0, 0, 4)
			for range c.deaths {
				s.stopBehind(s.recorded())
			}
			s.requireGoesOnWithout(before)
		})
	}
}

func (s *scene) backfillBetween() {
	s.t.Helper()
	rep := s.with(func(o *scene) {
		o.full = false
		o.opts.Backfill = &window.Window{Since: s.start.AddDate(0, 0, 10), Until: s.start.AddDate(0, 0, 25)}
	}).sync()
	require.Equal(s.t, report.Succeeded, rep.Status)
	require.NotZero(s.t, of(rep, crashStream).Commits)
}

// The horizon may overtake a record whole: what lies between its end and what
// the source still answers was never read and stays as it is.
func TestTheHorizonOvertakesARecord(t *testing.T) {
	t.Parallel()
	s := overtaken(t)
	before := s.rows(crashStream)
	at := s.recorded()
	s.now = s.now.AddDate(0, 0, int(at.Sub(s.start).Hours()/24)-8)
	s.stopBehind(at)
	s.requireGoesOnWithout(before)
}

// requireGoesOnWithout runs a full sync that goes on, leaves partitions out and
// takes no row of before away.
func (s *scene) requireGoesOnWithout(before map[string]row) {
	s.t.Helper()
	s.opts.CommitEvery = 0
	rep := s.sync()
	require.Equal(s.t, report.Succeeded, rep.Status, "%+v", of(rep, crashStream))
	require.True(s.t, warned(of(rep, crashStream), "did not end"))
	require.True(s.t, warned(of(rep, crashStream), "stays as it is"), "%v", of(rep, crashStream).Warnings)
	s.requireNothingGone(before)
}

// A full sync that goes on days later reads again what was younger than the
// lookback when it was read: no later sync would.
func TestAFullSyncThatGoesOnDaysLaterReadsYoungRecordsAgain(t *testing.T) {
	t.Parallel()
	s := withoutSockets(t)
	s.full = true
	s.lookback = 30 * 24 * time.Hour
	s.stopBehind(s.start.AddDate(0, 0, 1))
	s.now = s.now.Add(40 * 24 * time.Hour)
	rep := s.sync()
	require.Contains(t, strings.Join(of(rep, crashStream).Warnings, " "), "goes on from the record")
	s.requireTruth(rep)
}
