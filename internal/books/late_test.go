package books

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

// A merchant whose records change at every age keeps true books at any moment.
func TestBooksOfALateLifeAreTrue(t *testing.T) {
	start := moment.AddDate(0, 0, -500)
	w := simapi.Merchant(11, start, 400, 6000)
	w.Late = simapi.LateLife()
	for _, day := range []int{90, 333, 500} {
		now := start.AddDate(0, 0, day)
		w.Now = func() time.Time { return now }
		all := ledgers{}
		for _, stream := range []string{Charges, Payables, Operations} {
			w.Each(stream, time.Time{}, time.Time{}, appendTo(t, all, stream))
		}
		for _, c := range all[Charges] {
			delete(c, "customer")
			delete(c, "order")
		}
		r := checkLakes(t, Options{Lakes: all.tables(t, now)})
		require.Empty(t, r.broken(), "day %d: %v", day, r.Identities)
		for _, i := range r.Identities {
			require.Equal(t, i.Left, i.Right, i.Name)
		}
		if day == 500 {
			require.Positive(t, r.identity(t, "chargebacks").Exceptions["chargeback_won"])
		}
	}
}
