package simapi

import (
	"crypto/sha256"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var streams = []string{Orders, Charges, Payables, BalanceOperations, Recipients, RecipientBalance, Hooks}

func TestSizeIsMet(t *testing.T) {
	for _, c := range []struct{ days, size int }{{30, 1000}, {90, 1000}, {365, 5000}, {90, 100_000}, {800, 60_000}, {1500, 1000}, {30, 300_000}} {
		w := Merchant(7, monday, c.days, c.size)
		n := w.recipients(w.now())
		for d := range c.days {
			n += w.count(Orders, d) + w.count(Charges, d) + w.count(Payables, d) + w.count(BalanceOperations, d)
		}
		require.InEpsilon(t, c.size, n, 0.05, "%+v", c)
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	print := func(seed uint64) []byte {
		w, all := Merchant(seed, monday, 20, 2000), sha256.New()
		for _, s := range streams {
			w.Each(s, time.Time{}, time.Time{}, func(r Record) bool {
				all.Write(r.JSON)
				return true
			})
		}
		return all.Sum(nil)
	}
	require.Equal(t, print(1), print(1))
	require.NotEqual(t, print(1), print(2))
}

func TestRecordsAreValidUniqueAndInOrder(t *testing.T) {
	w := Merchant(3, monday, 60, 6_000)
	for _, s := range streams {
		seen := map[string]bool{}
		last := time.Time{}
		w.Each(s, time.Time{}, time.Time{}, func(r Record) bool {
			var v struct {
				ID        any
				CreatedAt time.Time `json:"created_at"`
				Status    string
				Amount    int64
			}
			require.NoError(t, json.Unmarshal(r.JSON, &v), "%s", r.JSON)
			require.False(t, seen[r.Key], "%s %s twice", s, r.Key)
			seen[r.Key] = true
			require.False(t, r.Created.Before(last), "%s is out of order", r.Key)
			require.True(t, r.Created.Before(w.Now()))
			last = r.Created
			if s != RecipientBalance {
				require.Equal(t, r.Created, v.CreatedAt)
				require.Equal(t, r.Status, v.Status)
				require.Equal(t, r.Amount, v.Amount)
			}
			return true
		})
		require.NotEmpty(t, seen, s)
	}
}

func TestMoneyAddsUp(t *testing.T) {
	w := Merchant(3, monday, 30, 8_000)
	w.Now = func() time.Time { return w.End().AddDate(0, 3, 0) }
	credits, paid := map[string]int64{}, 0
	w.Each(Payables, time.Time{}, w.End(), func(r Record) bool {
		var p struct {
			ChargeID string `json:"charge_id"`
			Type     string
			Amount   int64
		}
		require.NoError(t, json.Unmarshal(r.JSON, &p))
		if p.Type == "credit" {
			require.Positive(t, p.Amount)
			credits[p.ChargeID] += p.Amount
		} else {
			require.Negative(t, p.Amount)
		}
		return true
	})
	w.Each(Charges, time.Time{}, w.End(), func(r Record) bool {
		var c struct {
			ID         string
			PaidAt     time.Time `json:"paid_at"`
			PaidAmount int64     `json:"paid_amount"`
		}
		require.NoError(t, json.Unmarshal(r.JSON, &c))
		if c.PaidAmount == 0 {
			require.Zero(t, credits[c.ID], "payables of a charge that was not paid")
		} else if c.PaidAt.Before(w.End().Add(-time.Minute)) {
			require.Equal(t, c.PaidAmount, credits[c.ID])
			paid++
		}
		return true
	})
	require.Positive(t, paid)
}

// What happens to a record only ever moves on.
func TestStatesMoveOn(t *testing.T) {
	w := Merchant(5, monday, 40, 12_000)
	rank := map[string]map[string]int{
		Orders:            {"pending": 0, "paid": 1, "failed": 2, "canceled": 2},
		Charges:           {"pending": 0, "paid": 1, "failed": 2, "canceled": 2, "partial_canceled": 2, "chargedback": 2},
		Payables:          {"waiting_funds": 0, "prepaid": 1, "paid": 2},
		BalanceOperations: {"waiting_funds": 0, "available": 1, "transferred": 2},
	}
	for s, order := range rank {
		before := map[string]string{}
		changed := map[string]bool{}
		for day := 10; day < 500; day += 35 {
			now := w.Start().AddDate(0, 0, day)
			w.Now = func() time.Time { return now }
			seen := 0
			w.Each(s, time.Time{}, w.Start().AddDate(0, 0, 10), func(r Record) bool {
				rk, known := order[r.Status]
				require.True(t, known, r.Status)
				old, had := before[r.Key]
				require.True(t, had || day == 10, "%s appeared behind the clock", r.Key)
				if had && old != r.Status {
					require.Less(t, order[old], rk, "%s went from %s to %s", r.Key, old, r.Status)
					changed[old+" to "+r.Status] = true
				}
				before[r.Key] = r.Status
				seen++
				return true
			})
			require.Equal(t, len(before), seen, "records vanished")
		}
		require.NotEmpty(t, changed, s)
	}
}

func TestReversalsComeLater(t *testing.T) {
	w := Merchant(5, monday, 200, 30_000)
	kinds := map[string]int{}
	for day := range 200 {
		for _, e := range w.dayIndex(Payables, day).events {
			o := w.order(int(e.day), int(e.idx))
			switch e.kind {
			case isRefund:
				require.Less(t, int(e.day), day)
				require.Equal(t, o.refunded, e.t)
				kinds["refund"]++
			case isChargeback:
				require.LessOrEqual(t, int(e.day)+20, day)
				kinds["chargeback"]++
			default:
				require.LessOrEqual(t, day-int(e.day), lastBoletoDay)
			}
			require.Equal(t, day, w.dayOf(e.t))
		}
	}
	require.Greater(t, kinds["refund"], 50)
	require.Greater(t, kinds["chargeback"], 5)

	due := 0 // and none is lost between the days
	for day := range 200 {
		for i := range w.orders(day) {
			if o := w.order(day, i); o.refunded != 0 && w.dayOf(o.refunded) < 200 {
				due++
			}
		}
	}
	require.Equal(t, due, kinds["refund"])
}

func TestTheClockMovesOn(t *testing.T) {
	w := Merchant(1, time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC), 90, 20_000)
	all := func() Truth { return w.Truth(Orders, time.Time{}, time.Time{}) }
	before := all()
	inside := w.Truth(Orders, w.Start(), w.End())
	later := w.End().AddDate(0, 0, 7)
	w.Now = func() time.Time { return later }
	after := all()
	require.Greater(t, after.Rows, before.Rows)
	require.Equal(t, inside.Keys, w.Truth(Orders, w.Start(), w.End()).Keys)
	days := w.Days(Orders, nil)
	n := map[string]int64{}
	for _, d := range days {
		n[d.Day] = d.Rows
	}
	require.Greater(t, n["2026-11-27"], 2*n["2026-11-20"], "Black Friday")
	require.Less(t, n["2026-11-15"], n["2026-11-17"], "Sunday and Tuesday")
	require.Equal(t, later.AddDate(0, 0, -1).Format(time.DateOnly), days[len(days)-1].Day)
}

func TestCanaryIsWhereSecretsAre(t *testing.T) {
	w := Merchant(9, monday, 20, 3000)
	found := map[string]bool{}
	for _, s := range streams {
		w.Each(s, time.Time{}, time.Time{}, func(r Record) bool {
			var v any
			require.NoError(t, json.Unmarshal(r.JSON, &v))
			secrets(v, "", w.Canary(), found)
			return true
		})
	}
	require.Equal(t, map[string]bool{"fb_access_token": true, "pdf_password": true}, found)
}

func secrets(v any, name, canary string, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			secrets(e, k, canary, found)
		}
	case []any:
		for _, e := range v {
			secrets(e, name, canary, found)
		}
	case string:
		if v == canary {
			found[name] = true
		}
	}
}
