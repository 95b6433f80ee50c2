package ledger

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/store/mem"
)

// The ranges tell for each instant what the newest reading of it was, whatever
// the order and the overlaps of the readings.
func TestOverlayIsTheNewestReadingOfEachInstant(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		const end = 60
		var want [end]stretch
		var all []stretch
		for n := range 1 + r.IntN(25) {
			since := r.Int64N(end - 1)
			s := stretch{since: since, until: since + 1 + r.Int64N(end-since-1), at: 1 + r.Int64N(12), version: int64(n)}
			s.version = s.at // one reading a time, so that ties do not matter
			for i := s.since; i < s.until; i++ {
				if s.at > want[i].at {
					want[i] = s
				}
			}
			all = append(all, s)
		}
		got := disjoint(slices.Clone(all))
		require.True(t, slices.IsSortedFunc(got, func(a, b stretch) int { return cmp.Compare(a.since, b.since) }))
		var have [end]stretch
		for _, s := range got {
			require.Less(t, s.since, s.until)
			for i := s.since; i < s.until; i++ {
				require.Zero(t, have[i].at, "ranges do not overlap")
				have[i] = s
			}
		}
		for i := range want {
			require.Equal(t, want[i].at, have[i].at)
			require.Equal(t, want[i].version, have[i].version)
		}
	}
}

// Only committed windows count, the newest reading of a range wins, and a
// reading from the future is none.
func TestReadsOfTheHistory(t *testing.T) {
	st := mem.New()
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	record := func(id string, reads ...report.WindowRead) {
		run := &report.Run{ID: id, Started: day(1), Ended: day(1), Streams: []*report.Stream{
			{Connection: "loja", Stream: "orders", Table: "pagarme/orders", Reads: reads},
			{Connection: "loja", Stream: "recipients", Table: "pagarme/recipients", Reads: []report.WindowRead{{ReadAt: day(2), Version: 1}}},
		}}
		o := Options{Store: st, Engine: "paylake/test", WorkDir: t.TempDir(), Now: func() time.Time { return day(1) }}
		require.NoError(t, Record(context.Background(), o, run))
	}
	none, err := Reads(t.Context(), st, day(20))
	require.NoError(t, err)
	require.Empty(t, none("loja", "orders", "pagarme/orders"))

	record("b", report.WindowRead{Since: day(1), Until: day(9), ReadAt: day(10), Version: 3, Rejects: 2})
	record("a",
		report.WindowRead{Since: day(3), Until: day(5), ReadAt: day(12), Version: 0},
		report.WindowRead{Since: day(5), Until: day(6), ReadAt: day(13), Version: -1},
		report.WindowRead{Since: day(7), Until: day(8), ReadAt: day(25), Version: 7})
	record("c", report.WindowRead{Since: day(2), Until: day(4), ReadAt: day(9), Version: 1})

	reads, err := Reads(t.Context(), st, day(20))
	require.NoError(t, err)
	require.Empty(t, reads("loja", "recipients", "pagarme/recipients"), "a list is no range")
	require.Empty(t, reads("loja", "orders", "elsewhere/orders"))
	require.Equal(t, []report.WindowRead{
		{Since: day(1), Until: day(3), ReadAt: day(10), Version: 3, Rejects: 2, Total: -1},
		{Since: day(3), Until: day(5), ReadAt: day(12), Version: 0, Total: -1},
		{Since: day(5), Until: day(9), ReadAt: day(10), Version: 3, Rejects: 2, Total: -1},
	}, reads("loja", "orders", "pagarme/orders"))
}
