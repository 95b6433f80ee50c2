package simapi

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// each visits every record of every stream in a shape.
func eachIn(t *testing.T, shape Shape, f func(Record)) {
	s := New(Merchant(2, monday, 60, 1500), Config{Shape: shape})
	for _, stream := range streams {
		s.Each(stream, time.Time{}, time.Time{}, func(r Record) bool {
			require.True(t, json.Valid(r.JSON), "%s", r.JSON)
			f(r)
			return true
		})
	}
}

func TestDateFormats(t *testing.T) {
	at := toTicks(time.Date(2026, 2, 28, 23, 59, 7, 950_001_300, time.UTC))
	for f, want := range map[Dates]string{
		DatesSeconds: "2026-02-28T23:59:07Z", DatesCentis: "2026-02-28T23:59:07.95Z", DatesMillis: "2026-02-28T23:59:07.950Z",
		DatesMicros: "2026-02-28T23:59:07.950001Z", DatesTicks: "2026-02-28T23:59:07.9500013Z", DatesZeroMilli: "2026-02-28T23:59:07.000Z",
		DatesNoZone: "2026-02-28T23:59:07", DatesOffset: "2026-02-28T23:59:07+00:00", DatesTrimmed: "2026-02-28T23:59:07.9500013Z",
	} {
		require.Equal(t, want, string(f.append(nil, at)))
		shown, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(strings.Replace(want, "+00:00", "Z", 1), "Z")+"Z")
		require.NoError(t, err)
		require.Equal(t, shown, toTime(f.shown(at)), want)
	}
	require.Equal(t, "2026-02-28T23:59:07.95Z", string(DatesTrimmed.append(nil, at-13)))
	require.Equal(t, "2026-02-28T23:59:07Z", string(DatesTrimmed.append(nil, at-at%second)))
	require.Equal(t, "1964-02-29T00:00:00Z", string(DatesSeconds.append(nil, toTicks(time.Date(1964, 2, 29, 0, 0, 0, 0, time.UTC)))))
	seen := map[int]bool{}
	eachIn(t, Shape{Dates: DatesMixed}, func(r Record) {
		if m := regexp.MustCompile(`"created_at":"([^"]*)"`).FindAllSubmatch(r.JSON, -1); m != nil {
			seen[len(m[0][1])] = true
		}
	})
	require.GreaterOrEqual(t, len(seen), 6)
}

func TestNothingIsNullUnlessAsked(t *testing.T) {
	nulls, zeros := 0, 0
	eachIn(t, Shape{}, func(r Record) { require.NotContains(t, string(r.JSON), "null") })
	eachIn(t, Shape{Nulls: true}, func(r Record) { nulls += strings.Count(string(r.JSON), ":null") })
	eachIn(t, Shape{ZeroDates: true}, func(r Record) { zeros += strings.Count(string(r.JSON), `"0001-01-01T00:00:00"`) })
	require.Positive(t, nulls)
	require.Positive(t, zeros)
}

func TestIDShapes(t *testing.T) {
	id := func(r Record) string {
		var v struct{ ID json.RawMessage }
		require.NoError(t, json.Unmarshal(r.JSON, &v))
		return string(v.ID)
	}
	shapes := []struct {
		shape    Shape
		stream   string
		expected string
	}{
		{Shape{}, Orders, `^"or_\w{16}"$`}, {Shape{}, Charges, `^"ch_\w{16}"$`}, {Shape{}, Payables, `^"pay_\w{16}"$`}, {Shape{}, BalanceOperations, `^\d{10,15}$`},
		{Shape{NumericIDs: true}, Payables, `^\d{10,13}$`}, {Shape{BalanceStringIDs: true}, BalanceOperations, `^"\d+"$`}, {Shape{IDsAsNumbers: true}, Orders, `^\d{15,19}$`},
	}
	for _, c := range shapes {
		n := 0
		eachIn(t, c.shape, func(r Record) {
			if r.Stream == c.stream && n < 50 {
				require.Regexp(t, c.expected, id(r))
				require.Equal(t, strings.Trim(id(r), `"`), r.Key)
				n++
			}
		})
		require.Positive(t, n)
	}
	eachIn(t, Shape{NumericIDs: true}, func(r Record) {
		if r.Stream == Payables {
			require.Regexp(t, `"gateway_id":\d`, string(r.JSON))
			require.NotContains(t, string(r.JSON), "settlement_id")
		}
	})
}

func TestUnknownFieldsAndEnums(t *testing.T) {
	names := map[string]bool{}
	eachIn(t, Shape{UnknownFields: true}, func(r Record) {
		for _, n := range []string{"risk_score", "loyalty", "warehouse", "network_token", "registry", "ledger_v2", "tax_regime"} {
			if strings.Contains(string(r.JSON), `"`+n+`":`) {
				names[n] = true
			}
		}
	})
	require.Len(t, names, 7)
	odd := map[string]int{}
	eachIn(t, Shape{UnknownEnums: true}, func(r Record) {
		for _, v := range []string{`"em_disputa_v2"`, `"carteira_digital"`, `"ajuste_v2"`} {
			if strings.Contains(string(r.JSON), v) {
				odd[r.Stream+v]++
			}
		}
	})
	require.GreaterOrEqual(t, len(odd), 6)
}

func TestBadRecords(t *testing.T) {
	kinds := map[string]int{}
	good := 0
	eachIn(t, Shape{BadEvery: 5}, func(r Record) {
		var v struct {
			ID        any
			CreatedAt string `json:"created_at"`
			Amount    json.Number
		}
		d := json.NewDecoder(strings.NewReader(string(r.JSON)))
		d.UseNumber()
		require.NoError(t, d.Decode(&v))
		require.Equal(t, r.Bad == BadNoID, v.ID == nil && r.Stream != RecipientBalance)
		require.Equal(t, r.Bad == BadNoTime, v.CreatedAt == "" && r.Stream != RecipientBalance)
		require.Equal(t, r.Bad == BadOverflow, len(v.Amount.String()) > 19)
		if r.Bad == "" {
			good++
		} else {
			kinds[r.Stream+" "+r.Bad]++
		}
	})
	require.Positive(t, good)
	for _, stream := range []string{Orders, Charges, Payables, BalanceOperations} {
		for _, kind := range []string{BadNoID, BadNoTime, BadType, BadOverflow} {
			require.Positive(t, kinds[stream+" "+kind], stream+" "+kind)
		}
	}
	s := New(Merchant(2, monday, 60, 3000), Config{Shape: Shape{BadEvery: 5}})
	all := s.World().Truth(Orders, time.Time{}, time.Time{})
	some := s.Truth(Orders, time.Time{}, time.Time{})
	require.Equal(t, all.Rows, some.Rows+some.Bad)
}

// Both shapes of a recipient's id in the list are the ones other records use.
func TestLinksBetweenStreams(t *testing.T) {
	orders, charges, recipients := map[string]bool{}, map[string]bool{}, map[string]bool{}
	eachIn(t, Shape{}, func(r Record) {
		var v struct {
			Order       struct{ ID string }
			ChargeID    string `json:"charge_id"`
			RecipientID string `json:"recipient_id"`
		}
		require.NoError(t, json.Unmarshal(r.JSON, &v))
		switch r.Stream {
		case Orders:
			orders[r.Key] = true
		case Charges:
			require.True(t, orders[v.Order.ID])
			charges[r.Key] = true
		case Payables:
			require.True(t, charges[v.ChargeID])
			recipients[v.RecipientID] = true
		case Recipients:
			delete(recipients, r.Key)
		}
	})
	require.NotEmpty(t, charges)
	require.Empty(t, recipients, "payables of recipients that do not exist")
}
