package simapi

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var lists = []string{Orders, Charges, Payables, BalanceOperations, Recipients, Hooks}

// Reading all pages of a window gives what the truth holds, whatever the page
// size, the order, and the format of times.
func TestPagesGiveTheTruth(t *testing.T) {
	w := Merchant(11, monday, 25, 3000)
	at := w.End().Add(-7 * time.Hour)
	w.Now = func() time.Time { return at }
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		cfg := Config{NoLimits: true}
		cfg.OldestFirst = i%2 == 0
		cfg.PayablesByPage = i%3 == 0
		cfg.Dates = []Dates{DatesSeconds, DatesTicks, DatesMillis}[i%3]
		s := New(w, cfg)
		c := newClient(t, s)
		since := w.Start().Add(time.Duration(rnd.Int64N(int64(25 * 24 * time.Hour)))).Truncate(time.Second)
		until := since.Add(time.Duration(rnd.Int64N(int64(3 * 24 * time.Hour)))).Truncate(time.Second)
		if i == 0 {
			since, until = time.Time{}, time.Time{}
		}
		for _, stream := range lists {
			if stream == Recipients && i > 1 {
				continue
			}
			want := truthKeys(s, stream, since, plusTick(until))
			if stream == Recipients {
				want = truthKeys(s, stream, time.Time{}, time.Time{})
			}
			got := keys(t, readStates(c, stream, since, until, []int{3, 10, 30, 700}[i%4]))
			if stream == BalanceOperations {
				slices.Sort(want)
				slices.Sort(got)
			} else if !cfg.OldestFirst {
				slices.Reverse(got)
			}
			require.Equal(t, want, got, "%s [%s, %s] %+v", stream, since, until, cfg)
		}
	}
}

func plusTick(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(100) // the documented end is inclusive
}

// readStates reads a window, balance operations by each of their states.
func readStates(c *client, stream string, since, until time.Time, size int) (rows []rawRow) {
	if stream != BalanceOperations {
		return c.list(stream, window(since, until), size)
	}
	for _, state := range []string{"waiting_funds", "available", "transferred"} {
		p := window(since, until)
		p.Set("status", state)
		rows = append(rows, c.list(stream, p, size)...)
	}
	return rows
}

func TestRowsAreTheTruthsBytes(t *testing.T) {
	s := New(Merchant(11, monday, 10, 2000), Config{NoLimits: true})
	c := newClient(t, s)
	for _, stream := range []string{Orders, Charges, Payables, Recipients} {
		rows := c.list(stream, url.Values{}, 30)
		slices.Reverse(rows)
		i := 0
		s.Each(stream, time.Time{}, time.Time{}, func(r Record) bool {
			require.Equal(t, string(r.JSON), string(rows[i]))
			i++
			return true
		})
		require.Len(t, rows, i)
	}
}

func TestEnvelope(t *testing.T) {
	w := Merchant(11, monday, 10, 2000)
	s := New(w, Config{NoLimits: true})
	c := newClient(t, s)
	total := int(s.Truth(Orders, time.Time{}, time.Time{}).Rows)

	first := c.get("/orders", url.Values{"size": {"500"}})
	require.Len(t, first.Data, 30, "sizes above 30 are cut")
	require.Equal(t, total, *first.Paging.Total)
	require.Equal(t, "https://api.pagar.me:4443/core/v1/orders?page=2&size=30", *first.Paging.Next)
	require.Nil(t, first.Paging.Previous)

	lastPage := (total + 29) / 30
	last := c.get("/orders", url.Values{"size": {"30"}, "page": {itoa(lastPage)}})
	require.Len(t, last.Data, total-(lastPage-1)*30)
	require.Nil(t, last.Paging.Next)
	require.NotNil(t, last.Paging.Previous)

	beyond := c.get("/orders", url.Values{"size": {"30"}, "page": {itoa(lastPage + 1)}})
	require.Empty(t, beyond.Data)
	require.Equal(t, total, *beyond.Paging.Total)

	require.Len(t, c.get("/orders", url.Values{}).Data, 10, "the default size")
	_, body, err := c.do("/charges/summary", url.Values{})
	require.NoError(t, err)
	require.JSONEq(t, `{"total":`+itoa(int(s.Truth(Charges, time.Time{}, time.Time{}).Rows))+`}`, string(body))
	_, body, err = c.do("/balance/operations", url.Values{})
	require.NoError(t, err)
	require.Contains(t, string(body), `"paging":{}`)
}

func TestBalanceHidesAllButAvailable(t *testing.T) {
	s := New(Merchant(11, monday, 20, 3000), Config{NoLimits: true})
	c := newClient(t, s)
	states := map[string]int{}
	s.Each(BalanceOperations, time.Time{}, time.Time{}, func(r Record) bool {
		states[r.Status]++
		return true
	})
	require.Len(t, states, 3)
	require.Len(t, c.list(BalanceOperations, url.Values{}, 1000), states["available"])
	require.Len(t, c.list(BalanceOperations, url.Values{"status": {"transferred"}}, 1000), states["transferred"])
}

func TestParameterFilters(t *testing.T) {
	w := Merchant(11, monday, 20, 3000)
	c := newClient(t, New(w, Config{NoLimits: true}))
	n := 0
	for _, status := range []string{"pending", "paid", "failed", "canceled"} {
		n += len(c.list(Orders, url.Values{"status": {status}}, 30))
	}
	require.Equal(t, n, int(w.Truth(Orders, time.Time{}, time.Time{}).Rows))

	updated := w.End().AddDate(0, 0, -2).Format(time.RFC3339)
	later := len(c.list(Payables, url.Values{"updated_since": {updated}}, 1000))
	created := int(w.Truth(Payables, w.End().AddDate(0, 0, -2), time.Time{}).Rows)
	require.Greater(t, later, created, "older payables changed, too")
	require.Less(t, later, int(w.Truth(Payables, time.Time{}, time.Time{}).Rows))
}

func TestRecipientAndBalance(t *testing.T) {
	s := New(Merchant(11, monday, 20, 3000), Config{NoLimits: true})
	c := newClient(t, s)
	s.Each(RecipientBalance, time.Time{}, time.Time{}, func(r Record) bool {
		_, body, err := c.do("/recipients/"+r.Key+"/balance", url.Values{})
		require.NoError(t, err)
		require.Equal(t, string(r.JSON), string(body))
		return true
	})
	res, _, err := c.do("/recipients/re_none/balance", url.Values{})
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.Equal(t, 1, s.Counts()["recipients/*"].Refused)
}

func TestFilterEnds(t *testing.T) {
	w := Merchant(11, monday, 20, 3000)
	var at time.Time
	w.Each(Orders, w.Start().AddDate(0, 0, 9), time.Time{}, func(r Record) bool {
		at = r.Created
		return false
	})
	count := func(f Filters, since, until time.Time) int {
		return len(newClient(t, New(w, Config{NoLimits: true, Filters: f})).list(Orders, window(since, until), 30))
	}
	require.Equal(t, 1, count(Filters{}, at, at))
	require.Equal(t, 0, count(Filters{ExclusiveSince: true}, at, at))
	require.Equal(t, 0, count(Filters{ExclusiveUntil: true}, at, at))
	require.Equal(t, 1, count(Filters{ExclusiveUntil: true}, at, at.Add(time.Second)))

	brazil := time.FixedZone("BRT", -3*3600)
	for _, loc := range []*time.Location{time.UTC, brazil} {
		y, m, d := at.In(loc).Date()
		day := time.Date(y, m, d, 0, 0, 0, 0, loc)
		want := int(w.Truth(Orders, day, day.AddDate(0, 0, 1)).Rows)
		require.Equal(t, want, count(Filters{WholeDays: loc}, at, at), loc)
		require.Equal(t, want, count(Filters{WholeDays: loc, ExclusiveUntil: true}, at, at.AddDate(0, 0, 1)), loc)
		require.Equal(t, 0, count(Filters{WholeDays: loc, ExclusiveUntil: true}, at, at), loc)
	}
	all := int(w.Truth(Orders, time.Time{}, time.Time{}).Rows)
	require.Equal(t, all, count(Filters{IgnoreFilters: true}, at, at))
}

// Several readers at once see the same pages as one.
func TestConcurrentReaders(t *testing.T) {
	s := New(Merchant(11, monday, 60, 5000), Config{NoLimits: true})
	want := truthKeys(s, Payables, time.Time{}, time.Time{})
	var wg sync.WaitGroup
	got := make([][]string, 4)
	for i := range got {
		wg.Go(func() { got[i] = keys(t, newClient(t, s).list(Payables, url.Values{}, 100+i)) })
	}
	wg.Wait()
	for _, g := range got {
		slices.Reverse(g)
		require.Equal(t, want, g)
	}
}
