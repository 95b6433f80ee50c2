package simapi

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type rawRow = json.RawMessage

func itoa(n int) string { return strconv.Itoa(n) }

func TestTotalAndNextSwitches(t *testing.T) {
	w := Merchant(11, monday, 10, 2000)
	rows := int(w.Truth(Orders, time.Time{}, time.Time{}).Rows)
	page := func(p Paging, n int) envelope {
		return newClient(t, New(w, Config{NoLimits: true, Paging: p})).get("/orders", url.Values{"size": {"30"}, "page": {itoa(n)}})
	}
	require.Nil(t, page(Paging{TotalMissing: true}, 1).Paging.Total)
	require.Equal(t, rows-3, *page(Paging{TotalOffset: -3}, 1).Paging.Total)
	require.Nil(t, page(Paging{NextMissing: true}, 1).Paging.Next)
	require.NotNil(t, page(Paging{NextForever: true}, 999).Paging.Next)
	require.Equal(t, "https://evil.test/core/v1/orders?page=2&size=30", *page(Paging{NextBase: "https://evil.test"}, 1).Paging.Next)
	require.Len(t, page(Paging{MaxSize: map[string]int{Orders: 7}}, 1).Data, 7)

	c := newClient(t, New(w, Config{NoLimits: true, Paging: Paging{TotalChanges: true}}))
	require.NotEqual(t, *c.get("/orders", url.Values{}).Paging.Total, *c.get("/orders", url.Values{}).Paging.Total)
}

func TestRepeatedRowsAndPages(t *testing.T) {
	w := Merchant(11, monday, 10, 2000)
	for _, stream := range []string{Orders, Payables} {
		for _, oldest := range []bool{false, true} {
			s := New(w, Config{NoLimits: true, Paging: Paging{DuplicateRows: true, OldestFirst: oldest}})
			got := keys(t, newClient(t, s).list(stream, url.Values{}, 30))
			want := truthKeys(s, stream, time.Time{}, time.Time{})
			require.Greater(t, len(got), len(want))
			slices.Sort(got)
			slices.Sort(want)
			require.Equal(t, want, slices.Compact(got), "%s: rows are doubled, none is lost", stream)
		}
	}
	second := url.Values{"size": {"30"}, "page": {"2"}}
	c := newClient(t, New(w, Config{NoLimits: true, Paging: Paging{RepeatPageOnce: 2}}))
	first := keys(t, c.get("/orders", url.Values{"size": {"30"}}).Data)
	require.Equal(t, first, keys(t, c.get("/orders", second).Data))
	require.NotEqual(t, first, keys(t, c.get("/orders", second).Data))

	c = newClient(t, New(w, Config{NoLimits: true, Paging: Paging{RepeatPage: 2}}))
	require.Equal(t, first, keys(t, c.get("/orders", url.Values{"size": {"30"}, "page": {"77"}}).Data))

	c = newClient(t, New(w, Config{NoLimits: true, Paging: Paging{CursorRepeats: true}}))
	one := c.get("/payables", url.Values{"size": {"5"}})
	for range 3 {
		again := c.get("/payables", url.Values{"size": {"5"}, "forward_cursor": {*one.Paging.Cursor}})
		require.Equal(t, *one.Paging.Cursor, *again.Paging.Cursor)
	}
}

func TestRowsAppearWhileReading(t *testing.T) {
	w := Merchant(11, monday, 10, 5000)
	s := New(w, Config{NoLimits: true, TickPerRequest: time.Hour})
	c := newClient(t, s)
	require.Less(t, *c.get("/orders", url.Values{}).Paging.Total, *c.get("/orders", url.Values{}).Paging.Total)

	s = New(w, Config{NoLimits: true, BackdateAfter: 3})
	c = newClient(t, s)
	truth := int(s.Truth(Orders, time.Time{}, time.Time{}).Rows)
	for range 3 {
		require.Less(t, *c.get("/orders", url.Values{}).Paging.Total, truth)
	}
	require.Equal(t, truth, *c.get("/orders", url.Values{}).Paging.Total)
	require.Equal(t, truth, int(w.Truth(Orders, time.Time{}, time.Time{}).Rows))
}

func TestAccountSwitches(t *testing.T) {
	w := Merchant(11, monday, 100, 5000)
	s := New(w, Config{NoLimits: true, EmptyStreams: []string{Orders}, HorizonMonths: 1})
	c := newClient(t, s)
	require.Empty(t, c.list(Orders, url.Values{}, 30))
	require.Zero(t, s.Truth(Orders, time.Time{}, time.Time{}).Rows)
	got := keys(t, c.list(Charges, url.Values{}, 30))
	slices.Reverse(got)
	require.Equal(t, truthKeys(s, Charges, time.Time{}, time.Time{}), got)
	require.Len(t, got, int(w.Truth(Charges, w.End().AddDate(0, -1, 0), time.Time{}).Rows))

	s = New(w, Config{NoLimits: true, Empty: true})
	for _, stream := range lists {
		require.Empty(t, newClient(t, s).list(stream, url.Values{}, 30))
	}

	old := Merchant(11, time.Date(2023, 5, 1, 0, 0, 0, 0, time.UTC), 1200, 8_000)
	s = New(old, Config{NoLimits: true})
	require.Equal(t, old.Truth(Payables, old.End().AddDate(0, -24, 0), time.Time{}), s.Truth(Payables, time.Time{}, time.Time{}))
	without, with := 0, 0
	old.Each(Payables, time.Time{}, time.Date(2023, 9, 1, 0, 0, 0, 0, time.UTC), func(r Record) bool {
		if strings.Contains(string(r.JSON), `"charge_id"`) {
			with++
		} else {
			without++
			require.True(t, r.Created.Before(time.Date(2023, 7, 1, 0, 0, 0, 0, time.UTC)))
		}
		return true
	})
	require.Positive(t, without)
	require.Positive(t, with)
}

func TestRefusals(t *testing.T) {
	w := Merchant(11, monday, 5, 1000)
	status := func(cfg Config, path string, params url.Values) (int, string) {
		res, body, err := newClient(t, New(w, cfg)).do(path, params)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	code, body := status(Config{Keys: []string{"sk_other"}}, "/orders", nil)
	require.Equal(t, http.StatusUnauthorized, code)
	require.JSONEq(t, `{"message":"Authorization has been denied for this request."}`, body)
	code, body = status(Config{}, "/orders", url.Values{"created_since": {"ontem"}})
	require.Equal(t, http.StatusUnprocessableEntity, code)
	require.Contains(t, body, `"request":{"created_since":"ontem"}`)
	require.Contains(t, body, `"errors":{"created_since":[`)
	for _, cursor := range []string{"???", "aGVsbG8", base64.RawURLEncoding.EncodeToString([]byte("2.-7.3.0")), base64.RawURLEncoding.EncodeToString([]byte("2.9999999.3.9999999"))} {
		code, _ = status(Config{}, "/payables", url.Values{"forward_cursor": {cursor}})
		require.Equal(t, http.StatusUnprocessableEntity, code, cursor)
	}
	code, _ = status(Config{}, "/customers", nil)
	require.Equal(t, http.StatusNotFound, code)
	code, _ = status(Config{BalanceGone: true}, "/balance/operations", nil)
	require.Equal(t, http.StatusNotFound, code)
	for _, want := range []int{400, 401, 403, 404, 410, 412, 422, 429, 500, 503} {
		code, body = status(Config{Status: map[string]int{Charges: want}}, "/charges", nil)
		require.Equal(t, want, code)
		require.Contains(t, body, `"message":`)
		code, _ = status(Config{Status: map[string]int{Charges: want}}, "/orders", nil)
		require.Equal(t, http.StatusOK, code)
		code, _ = status(Config{Status: map[string]int{"*": want}}, "/orders", nil)
		require.Equal(t, want, code)
	}
}
