package verify_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/internal/verify"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/store"
)

// What the source cannot be asked about is told, and does not count as extra.
func TestWhatCannotBeComparedIsTold(t *testing.T) {
	s := newScene(t, simapi.Payables, 6, 900, simapi.Config{})
	target := s.target()
	target.Start = s.start.AddDate(0, 0, 2)
	target.Endpoint.HorizonMonths = 1
	s.now = s.start.AddDate(0, 1, 2).Add(time.Hour)
	got := s.verifyWith(target, byDeep)
	require.Equal(t, s.start.AddDate(0, 0, 4), *got.Since, "a day is kept from the horizon")
	require.Equal(t, s.world.End().Add(5*time.Minute), *got.Until)
	require.Len(t, got.Left, 2, "%+v", got.Left)
	require.Contains(t, got.Left[0].Reason, "before start")
	require.Equal(t, 2, got.Left[0].Partitions)
	require.Contains(t, got.Left[1].Reason, "1 months")
	require.NotContains(t, kinds(got), verify.Extra)
}

// Nothing compared proves nothing, and what no sync has read is no silence.
func TestNothingComparedIsNotEqual(t *testing.T) {
	s := newScene(t, simapi.Orders, 6, 900, simapi.Config{})
	o := bySource
	o.Since = s.now.AddDate(1, 0, 0)
	got := s.verify(o)
	require.Equal(t, verify.Unverified, got.Status)
	require.Contains(t, got.Error, "nothing was compared")

	s.now = s.now.AddDate(0, 0, 4) // new records, and no sync
	got = s.verify(bySource)
	require.Equal(t, verify.Unverified, got.Status)
	require.Contains(t, got.Error, "a sync has read up to")
	o = bySource
	o.Until = s.start.AddDate(0, 0, 3)
	require.Equal(t, verify.Equal, s.verify(o).Status)
}

// A checkpoint that nobody can read is named, though Paylake does without it.
func TestADamagedCheckpointIsNamed(t *testing.T) {
	s := newScene(t, simapi.Orders, 6, 900, simapi.Config{})
	lake := s.target().Lake
	for o, err := range s.store.List(t.Context(), s.root()+"/_delta_log/", "") {
		require.NoError(t, err)
		require.NotContains(t, o.Key, "checkpoint")
	}
	require.NoError(t, s.store.Put(t.Context(), s.root()+"/_delta_log/00000000000000000000.checkpoint.parquet", strings.NewReader("PAR1 no more PAR1")))
	got := s.verify(bySource)
	require.Equal(t, verify.Different, got.Status)
	require.Equal(t, []string{verify.Unreadable}, kinds(got))
	require.Contains(t, got.Findings[0].File, "checkpoint.parquet")
	require.True(t, got.LogDamaged())
	_, err := lake.Load(t.Context())
	require.NoError(t, err)
	_, warnings, err := lake.Settle(t.Context())
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, verify.Equal, s.verify(bySource).Status)
}

// --since and --until are widened to whole partitions.
func TestARangeIsComparedInWholePartitions(t *testing.T) {
	s := newScene(t, simapi.Charges, 6, 900, simapi.Config{})
	all := s.files()
	b := s.rowsOf(all[4])
	s.foreign(all[4], picked(s, b, upTo(b.NumRows())[1:]...))
	o := byDeep
	o.Since, o.Until = s.start.Add(30*time.Hour), s.start.Add(50*time.Hour)
	got := s.verify(o)
	require.Equal(t, verify.Equal, got.Status)
	require.Equal(t, s.start.AddDate(0, 0, 1), *got.Since)
	require.Equal(t, s.start.AddDate(0, 0, 3), *got.Until)
	o.Until = s.start.AddDate(0, 0, 5)
	require.Equal(t, []string{verify.Missing}, kinds(s.verify(o)))

	target := s.target()
	target.Only = []partitioning.Value{all[3].Partition}
	require.Equal(t, verify.Equal, s.verifyWith(target, byDeep).Status)
	target.Only = append(target.Only, all[4].Partition)
	require.Equal(t, verify.Different, s.verifyWith(target, byDeep).Status)
}

// A list without windows is compared as a whole and repaired as a whole.
func TestWholeListsAreComparedAndRepaired(t *testing.T) {
	s := newScene(t, simapi.Recipients, 6, 900, simapi.Config{})
	f := s.files()[0]
	b := s.rowsOf(f)
	s.foreign(f, join(s, picked(s, b, upTo(b.NumRows())[1:]...), picked(s, b, 3)))
	for _, o := range []verify.Options{bySource, byDeep} {
		got := s.verify(o)
		require.Contains(t, kinds(got), verify.Doubled)
		if o.Deep {
			require.Equal(t, []string{text(b, "id", 0)}, requireFound(t, got, verify.Missing, text(b, "id", 0)).Keys)
		}
	}
	require.Equal(t, report.Succeeded, s.repair(s.verify(byDeep)).Status)
	s.requireEqual()

	require.NoError(t, s.store.Delete(t.Context(), s.root()+"/"+s.files()[0].Path))
	lost := s.verify(bySource)
	requireFound(t, lost, verify.Lost, "")
	require.Equal(t, report.Succeeded, s.repair(lost).Status)
	s.requireEqual()
}

// Snapshots of the past are verified locally and cannot be repaired.
func TestSnapshotsAreVerifiedLocally(t *testing.T) {
	s := newScene(t, simapi.RecipientBalance, 6, 900, simapi.Config{})
	f := s.files()[0]
	b := s.rowsOf(f)
	s.foreign(f, join(s, b, picked(s, b, 0)))
	before := s.server.Total().Requests
	for _, o := range []verify.Options{bySource, byDeep, byLocal} {
		requireFound(t, s.verify(o), verify.Doubled, "")
	}
	require.Equal(t, before, s.server.Total().Requests, "there is nothing to ask")
	done := s.repair(s.verify(byLocal))
	require.Contains(t, strings.Join(done.Warnings, " "), "cannot be asked for again")
	requireFound(t, s.verify(byLocal), verify.Doubled, "")
}

func TestTablesThatCannotBeVerified(t *testing.T) {
	s := newScene(t, simapi.Charges, 6, 900, simapi.Config{})
	target := s.target()
	target.Mark = "nobody"
	got := s.verifyWith(target, bySource)
	require.Equal(t, verify.Unverified, got.Status)
	require.Contains(t, got.Error, "run `paylake sync` first")

	for o := range s.store.List(t.Context(), s.root()+"/_delta_log/", "") {
		require.NoError(t, s.store.Delete(t.Context(), o.Key))
	}
	named := s.verify(byLocal)
	require.Equal(t, verify.Unverified, named.Status)
	require.Contains(t, named.Error, "there is no table yet")
	s.named = false
	require.Equal(t, verify.Skipped, s.verify(byLocal).Status)
}

// beforeRequest calls a function once, before the n-th request. Requests are sent
// one after the other.
type beforeRequest struct {
	mu   sync.Mutex
	n    int
	call func()
	next http.RoundTripper
}

func (b *beforeRequest) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n--; b.n == 0 {
		b.call()
	}
	return b.next.RoundTrip(r)
}

// A sync that replaces partitions while they are compared makes no false alarm,
// though records changed meanwhile.
func TestNoFalseAlarmBesideASync(t *testing.T) {
	for name, o := range map[string]verify.Options{"source": bySource, "deep": byDeep} {
		for _, n := range []int{1, 6} {
			s := newScene(t, simapi.Charges, 10, 500, simapi.Config{})
			target := s.target()
			s.rt = &beforeRequest{n: n, next: http.DefaultTransport, call: func() {
				s.now = s.now.AddDate(0, 0, 3)
				rt := s.rt
				s.rt = nil
				s.sync()
				s.rt = rt
			}}
			target.Client = s.client()
			got := s.verifyWith(target, o)
			require.Equal(t, verify.Equal, got.Status, "%s %d: %+v", name, n, got)
		}
	}
}

// A filter that is not exact, and a list without totals, are read.
func TestWhatCannotBeCountedIsRead(t *testing.T) {
	for _, c := range []simapi.Config{
		{Filters: simapi.Filters{WholeDays: time.UTC}}, {Filters: simapi.Filters{IgnoreFilters: true}}, {Paging: simapi.Paging{TotalMissing: true}},
	} {
		s := newScene(t, simapi.Charges, 12, 700, c)
		require.Equal(t, verify.Equal, s.verify(bySource).Status)
		f := s.fileWith(5)
		b := s.rowsOf(f)
		s.foreign(f, picked(s, b, upTo(b.NumRows())[1:]...))
		got := s.verify(bySource)
		requireFound(t, got, verify.Missing, text(b, "id", 0))
		require.Contains(t, strings.Join(got.Notes, " "), "were read")
	}
}

// Rejected records are in the quarantine and are no difference.
func TestRejectsAreNoDifference(t *testing.T) {
	s := newScene(t, simapi.Charges, 12, 700, simapi.Config{Shape: simapi.Shape{BadEvery: 8}})
	for _, o := range []verify.Options{bySource, byDeep} {
		got := s.verify(o)
		require.Equal(t, verify.Equal, got.Status, "%+v", got)
		require.Contains(t, strings.Join(got.Notes, " "), "quarantine")
		require.Empty(t, got.Warnings)
	}
}

// Records that stay in the lake marked as deleted do not count.
func TestDeletedRecordsThatAreKeptDoNotCount(t *testing.T) {
	gone := func(_ string, r simapi.Record) time.Time {
		if !strings.HasSuffix(r.Key, "a") {
			return time.Time{}
		}
		return worldStart.AddDate(0, 0, 10).Add(30 * time.Minute) // after the first sync
	}
	s := newScene(t, simapi.Charges, 10, 1500, simapi.Config{Deleted: gone})
	s.now = s.now.Add(time.Hour)
	got := s.verify(byDeep)
	requireFound(t, got, verify.Extra, "")
	s.keep = true
	s.sync()
	snapshot, err := s.table().Load(t.Context())
	require.NoError(t, err)
	require.Equal(t, got.Differences[verify.Extra], snapshot.DeletedRows())
	s.requireEqual()

	require.NoError(t, s.store.Delete(t.Context(), s.root()+"/"+s.files()[0].Path))
	require.Equal(t, report.Succeeded, s.repair(s.verify(byLocal)).Status)
	s.requireEqual()
}

// Statistics are compared also where they lie in a checkpoint.
func TestStatisticsOfACheckpointAreCompared(t *testing.T) {
	s := newScene(t, simapi.Charges, 6, 700, simapi.Config{})
	checkpoint := func() {
		for range 10 {
			s.readd(s.files()[0], func(action) {})
		}
		f := s.files()[2]
		b := s.rowsOf(f)
		s.foreign(f, picked(s, b, upTo(b.NumRows())[1:]...))
		require.Equal(t, report.Succeeded, s.repair(s.verify(byDeep)).Status)
		_, err := store.ReadAll(t.Context(), s.store, s.root()+"/_delta_log/_last_checkpoint")
		require.NoError(t, err)
	}
	checkpoint()
	s.requireEqual()
	f := s.files()[1]
	s.readd(f, func(add action) { add["stats"] = strings.Replace(add["stats"].(string), `"amount":`, `"amount":1`, 1) })
	checkpoint()
	got := s.verify(byLocal)
	found := requireFound(t, got, verify.Statistics, "")
	require.Equal(t, []string{"amount"}, found.Fields)
	require.Equal(t, f.Path, found.File)
}
