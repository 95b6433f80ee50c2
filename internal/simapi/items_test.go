package simapi

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestItemsAreTheRowsOfTheList(t *testing.T) {
	w := Merchant(11, monday, 8, 1500)
	for _, shape := range []Shape{{}, {IDsAsNumbers: true}, {BadEvery: 9}} {
		s := New(w, Config{NoLimits: true, Shape: shape})
		c := newClient(t, s)
		for _, stream := range []string{Orders, Charges} {
			s.Each(stream, time.Time{}, time.Time{}, func(r Record) bool {
				res, body, err := c.do("/"+stream+"/"+r.Key, nil)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, res.StatusCode)
				require.Equal(t, string(r.JSON), string(body))
				return true
			})
		}
		counts := s.Counts()
		require.Equal(t, int(w.Truth(Orders, time.Time{}, time.Time{}).Rows), counts["orders/*"].Answered)
		require.Zero(t, counts["orders"].Answered)
	}
}

func TestItemsThatAreNotThere(t *testing.T) {
	w := Merchant(11, monday, 8, 1500)
	s := New(w, Config{NoLimits: true})
	future := ""
	later := Merchant(11, monday, 8, 1500)
	later.Now = func() time.Time { return w.End().Add(time.Hour) }
	later.Each(Orders, w.End(), time.Time{}, func(r Record) bool {
		future = r.Key
		return false
	})
	require.NotEmpty(t, future)
	for path, want := range map[string]string{
		"/orders/or_nothing": `{"message":"Order not found."}`, "/charges/ch_nothing": `{"message":"Charge not found."}`,
		"/orders/" + future: `{"message":"Order not found."}`, "/orders/or_x/items": `{"message":"Resource not found."}`,
	} {
		res, body, err := newClient(t, s).do(path, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, res.StatusCode)
		require.JSONEq(t, want, string(body))
	}
	res, body, err := newClient(t, New(w, Config{MissingIs400: true})).do("/orders/or_nothing", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.JSONEq(t, `{"message":"Order not found."}`, string(body))
}

func TestLimitsOfHooksAndItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := Merchant(11, monday, 2, 500)
		for path, limit := range map[string]int{"/hooks": 50, "/orders/or_x": 200, "/charges/ch_x": 200} {
			c := newClient(t, New(w, Config{}))
			for i := range limit + 2 {
				res, _, err := c.do(path, nil)
				require.NoError(t, err)
				require.Equal(t, i >= limit, res.StatusCode == http.StatusTooManyRequests, "%s request %d", path, i+1)
			}
			res, _, err := c.do("/recipients", nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, res.StatusCode, "every row counts for itself")
		}
	})
}

// A row that is gone is gone from the list, its total, its item, the summary
// and the truth.
func TestDeletedRecords(t *testing.T) {
	w := Merchant(11, monday, 20, 2500)
	at := w.Start().AddDate(0, 0, 15)
	cfg := Config{NoLimits: true, Deleted: func(stream string, r Record) time.Time {
		if r.Key[len(r.Key)-1]%4 == 0 && stream != Payables {
			return at
		}
		return time.Time{}
	}}
	s := New(w, cfg)
	c := newClient(t, s)
	for _, stream := range lists {
		before := w.Truth(stream, time.Time{}, time.Time{}).Rows
		got := keys(t, readStates(c, stream, time.Time{}, time.Time{}, 30))
		require.ElementsMatch(t, truthKeys(s, stream, time.Time{}, time.Time{}), got)
		require.Equal(t, stream == Payables, before == int64(len(got)), stream)
		if stream == Orders || stream == Charges || stream == Recipients {
			require.Equal(t, len(got), *c.get("/"+stream, nil).Paging.Total)
			w.Each(stream, time.Time{}, time.Time{}, func(r Record) bool {
				res, _, err := c.do("/"+stream+"/"+r.Key, nil)
				require.NoError(t, err)
				require.Equal(t, r.Key[len(r.Key)-1]%4 == 0, res.StatusCode == http.StatusNotFound)
				return true
			})
		}
	}
	_, body, err := c.do("/charges/summary", nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"total":`+itoa(int(s.Truth(Charges, time.Time{}, time.Time{}).Rows))+`}`, string(body))
	w.Now = func() time.Time { return at.Add(-time.Second) }
	require.Equal(t, w.Truth(Orders, time.Time{}, time.Time{}), s.Truth(Orders, time.Time{}, time.Time{}))
	require.Len(t, c.list(Orders, url.Values{}, 30), int(w.Truth(Orders, time.Time{}, time.Time{}).Rows))
}
