package simapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// life is what one order or charge went through, day by day.
type life struct {
	created, seen, gone int // days
	changed             []int
	states              []string
	last                string
}

func lives(t *testing.T, w *World, stream string, days int) map[string]*life {
	all := map[string]*life{}
	until := w.Start().AddDate(0, 0, 12)
	for day := 1; day < days; day += 7 {
		w.Now = func() time.Time { return w.Start().AddDate(0, 0, day) }
		now := map[string]bool{}
		w.Each(stream, time.Time{}, until, func(r Record) bool {
			now[r.Key] = true
			l := all[r.Key]
			if l == nil {
				l = &life{created: int(r.Created.Sub(w.Start()) / (24 * time.Hour)), seen: day, last: string(r.JSON)}
				all[r.Key] = l
			}
			require.Zero(t, l.gone, "%s came back", r.Key)
			if l.last != string(r.JSON) {
				l.changed, l.last = append(l.changed, day-l.created-1), string(r.JSON)
			}
			if n := len(l.states); n == 0 || l.states[n-1] != r.Status {
				l.states = append(l.states, r.Status)
			}
			return true
		})
		for k, l := range all {
			if !now[k] && l.gone == 0 {
				l.gone = day
			}
		}
	}
	return all
}

func TestLateLife(t *testing.T) {
	w := Merchant(8, monday, 60, 20_000)
	w.Late = Late{Refunds: 60, Edits: 200, Closings: 100, Reopenings: 100, Backdated: 60, TestData: 80}
	count := map[string]int{}
	for _, stream := range []string{Orders, Charges} {
		for _, l := range lives(t, w, stream, 560) {
			for _, age := range l.changed {
				switch {
				case age > 400:
					count[stream+" changed after 400 days"]++
				case age > 90:
					count[stream+" changed after 90 days"]++
				}
			}
			if l.seen > l.created+8 {
				count[stream+" backdated"]++
			}
			if age := l.gone - l.created; l.gone > 0 && age <= 28 {
				count[stream+" gone soon"]++
			} else if l.gone > 0 {
				count[stream+" gone late"]++
			}
			seen := map[string]bool{}
			for _, state := range l.states {
				if seen[state] {
					count[stream+" back to "+state]++
				}
				seen[state] = true
			}
		}
	}
	for _, what := range []string{
		"orders changed after 90 days", "orders changed after 400 days", "charges changed after 90 days", "orders backdated", "charges backdated",
		"orders gone soon", "orders gone late", "charges gone late", "orders back to paid", "charges back to paid",
	} {
		require.Positive(t, count[what], "%s: %v", what, count)
	}
}

// What comes and goes with its order does so in all streams and in all ways to
// ask.
func TestOrdersComeAndGoWhole(t *testing.T) {
	w := Merchant(8, monday, 60, 2000)
	w.Late = Late{Backdated: 150, TestData: 150, Refunds: 100}
	s := New(w, Config{NoLimits: true, Paging: Paging{MaxSize: map[string]int{Orders: 500, Charges: 500, Hooks: 500}}})
	c := newClient(t, s)
	for _, day := range []int{20, 70, 150} {
		w.Now = func() time.Time { return w.Start().AddDate(0, 0, day) }
		charges := map[string]bool{}
		for _, stream := range lists {
			want, got := truthKeys(s, stream, time.Time{}, time.Time{}), keys(t, readStates(c, stream, time.Time{}, time.Time{}, 500))
			slices.Sort(want)
			slices.Sort(got)
			require.Equal(t, want, got, stream)
		}
		for _, k := range truthKeys(s, Charges, time.Time{}, time.Time{}) {
			charges[k] = true
		}
		s.Each(Payables, time.Time{}, time.Time{}, func(r Record) bool {
			var p struct {
				Charge string `json:"charge_id"`
			}
			require.NoError(t, json.Unmarshal(r.JSON, &p))
			require.True(t, charges[p.Charge], "payable of a charge that is not there")
			return true
		})
	}
}

// A payable is found by update time whenever it changed, also when it appears
// behind the clock.
func TestUpdatedSinceFindsEveryChange(t *testing.T) {
	w := Merchant(8, monday, 60, 4000)
	w.Late = LateLife()
	w.Late.TestData = 0
	c := newClient(t, New(w, Config{NoLimits: true}))
	last := map[string]string{}
	for day := 30; day < 130; day += 5 {
		now := w.Start().AddDate(0, 0, day)
		w.Now = func() time.Time { return now }
		found := map[string]bool{}
		for _, r := range c.list(Payables, url.Values{"updated_since": {now.AddDate(0, 0, -5).Format(time.RFC3339)}}, 1000) {
			found[key(t, r)] = true
		}
		w.Each(Payables, time.Time{}, time.Time{}, func(r Record) bool {
			if last[r.Key] != string(r.JSON) {
				require.True(t, found[r.Key] || day == 30, "%s changed unseen: %s", r.Key, r.JSON)
				last[r.Key] = string(r.JSON)
			}
			return true
		})
	}
}

func TestLateLifeIsTheSameAgain(t *testing.T) {
	print := func() (out []string) {
		w := Merchant(1, monday, 20, 2000)
		w.Late = LateLife()
		w.Now = func() time.Time { return w.End().AddDate(0, 4, 0) }
		for _, s := range streams {
			w.Each(s, time.Time{}, w.End(), func(r Record) bool {
				out = append(out, string(r.JSON))
				return true
			})
		}
		return out
	}
	require.Equal(t, print(), print())
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := Merchant(11, monday, 10, 500)
		start := time.Now()
		w.Now = func() time.Time { return w.Start().Add(time.Since(start)) }
		day := func(n int) time.Time { return w.Start().AddDate(0, 0, n) }
		s := New(w, Config{Outages: []Outage{{Since: day(1), Until: day(3)}, {Since: day(5), Until: day(6), Hang: true}}})
		c := newClient(t, s)
		c.rt = patient{c.rt}
		for _, want := range []int{200, 503, 503, 200, 200, 0, 200} {
			before := time.Now()
			res, _, err := c.do("/orders", nil)
			if want == 0 {
				require.Error(t, err)
				require.Equal(t, time.Minute, time.Since(before))
			} else {
				require.NoError(t, err)
				require.Equal(t, want, res.StatusCode)
			}
			time.Sleep(day(1).Sub(day(0)) - time.Since(before))
		}
		require.Equal(t, 3, s.Counts()["orders"].Failed)
	})
}

// patient gives up after a minute.
type patient struct{ rt http.RoundTripper }

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	return (&http.Client{Transport: p.rt, Timeout: time.Minute}).Do(r)
}

func TestContractChange(t *testing.T) {
	w := Merchant(8, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), 900, 3000)
	at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	s := New(w, Config{NoLimits: true, ContractChange: at})
	w.Now = func() time.Time { return at.Add(-time.Second) }
	c := newClient(t, s)
	c.cursor = false
	old := c.list(Payables, url.Values{}, 1000)
	require.Len(t, old, int(w.Truth(Payables, time.Time{}, time.Time{}).Rows), "no horizon")
	require.Regexp(t, `"id":\d+,`, string(old[0]))
	require.Regexp(t, `^\d+$`, truthKeys(s, Payables, time.Time{}, time.Time{})[0])
	require.NotEmpty(t, c.get("/balance/operations", nil).Data)
	require.NotContains(t, string(c.get("/orders", nil).Data[0]), "fulfillment")

	w.Now = func() time.Time { return at }
	c.cursor = true
	young := c.list(Payables, url.Values{}, 1000)
	require.Less(t, len(young), len(old))
	require.Len(t, young, int(s.Truth(Payables, time.Time{}, time.Time{}).Rows))
	require.Regexp(t, `"id":"pay_\w{16}"`, string(young[0]))
	require.Contains(t, string(young[0]), `"payment_profile_id":`)
	require.Contains(t, string(c.get("/orders", nil).Data[0]), `"fulfillment":`)
	res, _, err := c.do("/balance/operations", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}

// Ends of a filter count to the last of seven digits.
func TestFractionsOfFilters(t *testing.T) {
	w := Merchant(11, monday, 3, 1500)
	s := New(w, Config{NoLimits: true, Shape: Shape{Dates: DatesTicks}})
	c := newClient(t, s)
	for _, stream := range []string{Orders, Charges, Payables, Hooks} {
		var at time.Time
		s.Each(stream, w.Start().AddDate(0, 0, 1), time.Time{}, func(r Record) bool {
			at = r.Created
			return at.Nanosecond() == 0
		})
		require.NotZero(t, at.Nanosecond())
		const layout = "2006-01-02T15:04:05.0000000Z"
		rows := func(since, until time.Time) int {
			return len(c.list(stream, url.Values{"created_since": {since.Format(layout)}, "created_until": {until.Format(layout)}}, 30))
		}
		require.Positive(t, rows(at, at))
		require.Zero(t, rows(at.Add(100), at.Add(100)), "one tick later: %s", stream)
		require.Zero(t, rows(at.Add(-100), at.Add(-100)))
		require.Equal(t, rows(at, at), rows(at.Add(-100), at.Add(100)))
	}
}
