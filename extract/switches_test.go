package extract_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/simapi"
)

// What a server may do differently from what is documented must not change
// what is read.
func TestComplete(t *testing.T) {
	tests := []struct {
		name   string
		cfg    simapi.Config
		filter string
	}{
		{"documented", simapi.Config{}, "exact"},
		{"ends exclusive", simapi.Config{Filters: simapi.Filters{ExclusiveSince: true, ExclusiveUntil: true}}, "exact"},
		{"days of UTC, end inclusive", simapi.Config{Filters: simapi.Filters{WholeDays: time.UTC}}, "days"},
		{"days of UTC, end exclusive", simapi.Config{Filters: simapi.Filters{WholeDays: time.UTC, ExclusiveUntil: true}}, "days"},
		{"days of Brazil, end inclusive", simapi.Config{Filters: simapi.Filters{WholeDays: saoPaulo}}, "days"},
		{"days of Brazil, end exclusive", simapi.Config{Filters: simapi.Filters{WholeDays: saoPaulo, ExclusiveUntil: true}}, "days"},
		{"filter without effect", simapi.Config{Filters: simapi.Filters{IgnoreFilters: true}}, "none"},
		{"filter without effect, oldest first", simapi.Config{Filters: simapi.Filters{IgnoreFilters: true}, Paging: simapi.Paging{OldestFirst: true}}, "none"},
		{"oldest first", simapi.Config{Paging: simapi.Paging{OldestFirst: true}}, "exact"},
		{"sizes clamped", simapi.Config{Paging: simapi.Paging{MaxSize: map[string]int{simapi.Orders: 17, simapi.Payables: 45, simapi.BalanceOperations: 80}}}, "exact"},
		{"rows on two pages", simapi.Config{Paging: simapi.Paging{DuplicateRows: true}}, "exact"},
		{"next missing", simapi.Config{Paging: simapi.Paging{NextMissing: true}}, "exact"},
		{"next for ever, elsewhere", simapi.Config{Paging: simapi.Paging{NextForever: true, NextBase: "http://192.0.2.7"}}, "exact"},
		{"a page repeats once", simapi.Config{Paging: simapi.Paging{RepeatPageOnce: 2}}, "exact"},
		{"payables by page, nulls", simapi.Config{Paging: simapi.Paging{PayablesByPage: true}, Shape: simapi.Shape{Nulls: true, NumericIDs: true}}, "exact"},
		{"payables by page, days, rows on two pages", simapi.Config{Paging: simapi.Paging{PayablesByPage: true, DuplicateRows: true}, Filters: simapi.Filters{WholeDays: saoPaulo}}, "days"},
		{"payables by page, clamped, a page repeats once", simapi.Config{Paging: simapi.Paging{PayablesByPage: true, RepeatPageOnce: 2, MaxSize: map[string]int{simapi.Payables: 60}}}, "exact"},
		{"records that cannot be decoded", simapi.Config{Shape: simapi.Shape{BadEvery: 40}}, "exact"},
		{"no filter, bad records, no total", simapi.Config{Filters: simapi.Filters{IgnoreFilters: true}, Shape: simapi.Shape{BadEvery: 40}, Paging: simapi.Paging{PayablesByPage: true}}, "none"},
		{"rows appear while reading", simapi.Config{TickPerRequest: 20 * time.Second}, "exact"},
		{"gzip, nulls, ids as numbers", simapi.Config{Faults: simapi.Faults{Gzip: true}, Shape: simapi.Shape{Nulls: true, IDsAsNumbers: true}}, "exact"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.cfg.NoLimits = true
				sizes := map[string]int{simapi.Payables: 100, simapi.BalanceOperations: 100} // every stream takes several windows
				maps.Copy(sizes, tt.cfg.MaxSize)
				tt.cfg.MaxSize = sizes
				s := simapi.New(simapi.Merchant(3, monday, 12, 1500), tt.cfg)
				for _, stream := range []string{simapi.Orders, simapi.Payables, simapi.BalanceOperations} {
					r := extract.NewReader(client(t, s), endpoint(t, stream), extract.ReaderOptions{Grid: utcDays, ChunkBytes: 50 << 10})
					rng := whole(s.World())
					e, err := run(t.Context(), r, rng)
					require.NoError(t, err, stream)
					requireTruth(t, s, stream, rng, e)
					require.Equal(t, tt.filter, r.Facts().Filter, stream)
				}
			})
		})
	}
}

// Rows that appear inside a window while it is read are read too.
func TestRowsInsertedWhileAWindowIsRead(t *testing.T) {
	for _, after := range []int{4, 8, 12, 17, 18} { // of 18 pages and 3 requests of Prepare
		synctest.Test(t, func(t *testing.T) {
			s := simapi.New(simapi.Merchant(3, monday, 20, 2500), simapi.Config{NoLimits: true, BackdateAfter: after, Paging: simapi.Paging{MaxSize: map[string]int{simapi.Orders: 25}}})
			r := reader(t, s, simapi.Orders)
			e, err := run(t.Context(), r, whole(s.World()))
			require.NoError(t, err)
			require.Len(t, e.windows, 1)
			requireTruth(t, s, simapi.Orders, whole(s.World()), e)
		})
	}
}

// A list that does not say how many records it has is read in windows that one
// page holds.
func TestCompleteWithoutTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simapi.New(simapi.Merchant(3, monday, 20, 2500), simapi.Config{NoLimits: true, Paging: simapi.Paging{TotalMissing: true, MaxSize: map[string]int{simapi.Orders: 25}}})
		r := reader(t, s, simapi.Orders)
		e, err := run(t.Context(), r, whole(s.World()))
		require.NoError(t, err)
		requireTruth(t, s, simapi.Orders, whole(s.World()), e)
		require.Equal(t, []extract.Proof{extract.ProofSinglePage}, e.proofs())
		facts := r.Facts()
		require.Equal(t, "missing", facts.Totals)
		require.Equal(t, 25, facts.PageSize)
		require.True(t, facts.Clamped)
	})
}

func TestWrongTotalsFail(t *testing.T) {
	for name, paging := range map[string]simapi.Paging{
		"too large": {TotalOffset: 7}, "too small": {TotalOffset: -3}, "changing": {TotalChanges: true}, "a page for ever": {RepeatPage: 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simapi.New(simapi.Merchant(3, monday, 20, 2500), simapi.Config{NoLimits: true, Paging: paging})
				_, err := run(t.Context(), reader(t, s, simapi.Orders), whole(s.World()))
				var incomplete *extract.IncompleteError
				require.ErrorAs(t, err, &incomplete)
				require.Equal(t, "orders", incomplete.Stream)
				require.Equal(t, 3, incomplete.Attempts)
				require.Less(t, s.Total().Requests, 600)
			})
		})
	}
}

func TestCursorLoopFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simapi.New(simapi.Merchant(3, monday, 20, 2500), simapi.Config{NoLimits: true, Paging: simapi.Paging{CursorRepeats: true, MaxSize: map[string]int{simapi.Payables: 50}}})
		_, err := run(t.Context(), reader(t, s, simapi.Payables), whole(s.World()))
		var incomplete *extract.IncompleteError
		require.ErrorAs(t, err, &incomplete)
		require.Less(t, s.Total().Requests, 100)
	})
}

// Payables go by cursor today and went by page before. The reader finds out
// which, and says so.
func TestPayablesSpeakBoth(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := simapi.New(simapi.Merchant(5, monday, 30, 12_000), simapi.Config{NoLimits: true, Paging: simapi.Paging{PayablesByPage: legacy}})
			r := reader(t, s, simapi.Payables)
			e, err := run(t.Context(), r, whole(s.World()))
			require.NoError(t, err)
			requireTruth(t, s, simapi.Payables, whole(s.World()), e)
			if legacy {
				require.Equal(t, "page/size (before 2026-08-28)", r.Facts().Paging)
				require.Equal(t, []extract.Proof{extract.ProofSinglePage}, e.proofs())
				return
			}
			require.Equal(t, "forward_cursor", r.Facts().Paging)
			require.Equal(t, []extract.Proof{extract.ProofCursorEnd}, e.proofs())
		})
	}
}

// What the list hides unless asked is read, and a record that changed its
// state between the lists comes once.
func TestBalanceOperationsOfAllStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simapi.New(simapi.Merchant(5, monday, 60, 12_000), simapi.Config{NoLimits: true})
		e, err := run(t.Context(), reader(t, s, simapi.BalanceOperations), whole(s.World()))
		require.NoError(t, err)
		requireTruth(t, s, simapi.BalanceOperations, whole(s.World()), e)
		require.Equal(t, []extract.Proof{extract.ProofSinglePage}, e.proofs())
	})
}

func TestWholeListWithoutFilter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simapi.New(simapi.Merchant(5, monday, 60, 12_000), simapi.Config{NoLimits: true})
		r := reader(t, s, simapi.Recipients)
		e, err := run(t.Context(), r, window.Window{})
		require.NoError(t, err)
		requireTruth(t, s, simapi.Recipients, window.Window{}, e)
		require.Equal(t, []extract.Proof{extract.ProofTotal}, e.proofs())
	})
}

// An endpoint that is gone ends its stream with what replaces it.
func TestGoneNamesTheReplacement(t *testing.T) {
	s := simapi.New(simapi.Merchant(5, monday, 10, 1000), simapi.Config{NoLimits: true, BalanceGone: true})
	_, err := run(t.Context(), reader(t, s, simapi.BalanceOperations), whole(s.World()))
	var gone *extract.GoneError
	require.ErrorAs(t, err, &gone)
	require.Equal(t, 404, gone.Status)
	require.ErrorContains(t, err, "discontinued since 2026-08-28; use payables, settlements and transfers instead")
}

func TestEmptyAccountCostsAHandfulOfRequests(t *testing.T) {
	for _, stream := range []string{simapi.Orders, simapi.Payables, simapi.BalanceOperations} {
		s := simapi.New(simapi.Merchant(5, monday, 10, 1000), simapi.Config{NoLimits: true, Empty: true})
		e, err := run(t.Context(), reader(t, s, stream), window.Window{Since: monday.AddDate(-20, 0, 0), Until: monday})
		require.NoError(t, err)
		require.Empty(t, e.keys)
		require.LessOrEqual(t, s.Total().Requests, 6, stream)
	}
}

// Years before the account began cost a handful of requests.
func TestEmptyYearsCostAHandfulOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, stream := range []string{simapi.Orders, simapi.Payables} {
			with := func(years int) (int, window.Window) {
				s := simapi.New(simapi.Merchant(5, monday, 30, 8_000), simapi.Config{NoLimits: true})
				rng := window.Window{Since: monday.AddDate(-years, 0, 0), Until: s.World().End()}
				e, err := run(t.Context(), reader(t, s, stream), rng)
				require.NoError(t, err)
				requireTruth(t, s, stream, rng, e)
				return s.Total().Requests, rng
			}
			none, _ := with(0)
			ten, _ := with(10)
			require.LessOrEqual(t, ten-none, 60, stream)
		}
	})
}
