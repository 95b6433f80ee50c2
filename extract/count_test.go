package extract_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/simapi"
)

// A count is that of [Since, Until), however the source reads the ends of its
// filter: in the list, and by state in the summary. It costs one request.
func TestCountIsThatOfTheWindow(t *testing.T) {
	for name, filters := range map[string]simapi.Filters{
		"both ends belong to it": {},
		"the end does not":       {ExclusiveUntil: true},
		"neither does":           {ExclusiveSince: true, ExclusiveUntil: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := simapi.New(simapi.Merchant(3, monday, 10, 3000), simapi.Config{NoLimits: true, Filters: filters})
			r := reader(t, s, simapi.Charges)
			require.NoError(t, r.Calibrate(t.Context(), whole(s.World())))
			require.Equal(t, "exact", r.Facts().Filter)
			for _, w := range []window.Window{whole(s.World()), {Since: monday.AddDate(0, 0, 3), Until: monday.AddDate(0, 0, 4)}, ofOneRecord(s)} {
				states := map[string]int64{}
				s.Each(simapi.Charges, w.Since, w.Until, func(rec simapi.Record) bool {
					states[rec.Status]++
					return true
				})
				asked := s.Total().Requests
				all := int64(0)
				for state, want := range states {
					n, ok, err := r.Count(t.Context(), w, state)
					require.NoError(t, err)
					require.True(t, ok)
					require.Equal(t, want, n, state)
					all += n
				}
				n, ok, err := r.Count(t.Context(), w, "")
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, all, n)
				require.EqualValues(t, len(states)+1, s.Total().Requests-asked)
			}
		})
	}
}

// ofOneRecord begins and ends at the creation time of records.
func ofOneRecord(s *simapi.Server) window.Window {
	var times []time.Time
	s.Each(simapi.Charges, time.Time{}, time.Time{}, func(r simapi.Record) bool {
		times = append(times, r.Created)
		return len(times) < 20
	})
	return window.Window{Since: times[4].Truncate(time.Microsecond), Until: times[12].Truncate(time.Microsecond)}
}

// What the source cannot tell exactly is not a number.
func TestCountSaysWhatCannotBeCounted(t *testing.T) {
	w := window.Window{Since: monday, Until: monday.AddDate(0, 0, 2)}
	for name, c := range map[string]struct {
		stream, state string
		config        simapi.Config
		asked         int64
	}{
		"a filter by days":            {simapi.Orders, "", simapi.Config{Filters: simapi.Filters{WholeDays: time.UTC}}, 0},
		"a filter without effect":     {simapi.Orders, "", simapi.Config{Filters: simapi.Filters{IgnoreFilters: true}}, 0},
		"no total":                    {simapi.Orders, "", simapi.Config{Paging: simapi.Paging{TotalMissing: true}}, 1},
		"a list by cursor":            {simapi.Payables, "", simapi.Config{}, 0},
		"a list by state":             {simapi.BalanceOperations, "", simapi.Config{}, 0},
		"a stream without a summary":  {simapi.Orders, "paid", simapi.Config{}, 0},
		"a summary that is not there": {simapi.Charges, "paid", simapi.Config{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.NoLimits = true
			s := simapi.New(simapi.Merchant(3, monday, 10, 3000), c.config)
			h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == simapi.BasePath+"/charges/summary" {
					http.NotFound(rw, r)
					return
				}
				s.ServeHTTP(rw, r)
			})
			r := extract.NewReader(client(t, h), endpoint(t, c.stream), extract.ReaderOptions{Grid: utcDays})
			_, ok, err := r.Count(t.Context(), w, c.state)
			require.NoError(t, err)
			require.False(t, ok, "nothing is known of the filter yet")
			require.NoError(t, r.Calibrate(t.Context(), whole(s.World())))
			before := r.Facts().Requests
			_, ok, err = r.Count(t.Context(), w, c.state)
			require.NoError(t, err)
			require.False(t, ok)
			require.Equal(t, c.asked, r.Facts().Requests-before)
		})
	}
}

// Trouble is an error, not an answer.
func TestCountFailsWithTheSource(t *testing.T) {
	s := simapi.New(simapi.Merchant(3, monday, 10, 3000), simapi.Config{NoLimits: true})
	denied := false
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if denied {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.ServeHTTP(rw, r)
	})
	r := extract.NewReader(client(t, h), endpoint(t, simapi.Orders), extract.ReaderOptions{Grid: utcDays})
	require.NoError(t, r.Calibrate(t.Context(), whole(s.World())))
	denied = true
	_, _, err := r.Count(t.Context(), whole(s.World()), "")
	var status *extract.StatusError
	require.ErrorAs(t, err, &status)
}
