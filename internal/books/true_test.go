package books

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireTrue asserts that every identity was checked on something and holds.
func requireTrue(t *testing.T, r Result) {
	t.Helper()
	for _, i := range r.Identities {
		require.Empty(t, i.Breaks, i.Name)
		require.Zero(t, i.Broken, i.Name)
		require.Empty(t, i.NotChecked, i.Name)
		require.Positive(t, i.Checked, i.Name)
		require.Equal(t, i.Left, i.Right, i.Name)
	}
	require.Zero(t, r.Broken)
	require.Zero(t, r.NotChecked)
}

func TestBooksOfAMerchantAreTrue(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			_, all := merchant(t, seed, 120+60*int(seed), 7000)
			r := all.check(t)
			requireTrue(t, r)
			require.EqualValues(t, len(all[Charges]), r.identity(t, "charges_paid").Checked, "no charge is an exception")
			require.EqualValues(t, len(all[Payables]), r.identity(t, "payable_signs").Checked)
			require.EqualValues(t, len(all[Payables]), r.identity(t, "payable_fees").Checked)
			require.EqualValues(t, len(all[Payables]), r.identity(t, "settled_amounts").Checked)
			paid := int64(0)
			for _, c := range all[Charges] {
				if c["paid_amount"] != nil {
					paid += c.cents("paid_amount")
				}
			}
			require.Equal(t, paid, r.identity(t, "charges_paid").Left)
		})
	}
}

func TestAPeriodIsABookOfItsOwn(t *testing.T) {
	_, all := merchant(t, 5, 120, 4000)
	lakes := all.tables(t, moment)
	whole := checkLakes(t, Options{Lakes: lakes})
	checked, left := int64(0), int64(0)
	cuts := []time.Time{{}, moment.AddDate(0, 0, -77).Add(13*time.Hour + 7*time.Second), moment.AddDate(0, 0, -40), moment.AddDate(0, 0, -39), {}}
	for i := range len(cuts) - 1 {
		r := checkLakes(t, Options{Lakes: lakes, Since: cuts[i], Until: cuts[i+1]})
		for _, one := range r.Identities {
			require.Zero(t, one.Broken, "%s %v", one.Name, one.Breaks)
			require.Equal(t, one.Left, one.Right, one.Name)
		}
		checked += r.identity(t, "charges_paid").Checked
		left += r.identity(t, "settled_amounts").Left
	}
	require.Equal(t, whole.identity(t, "charges_paid").Checked, checked)
	require.Equal(t, whole.identity(t, "settled_amounts").Left, left)
}

// A charge that was read before its payables tells an older state: this is no
// break, and it is counted.
func TestChargesReadBeforeTheirPayables(t *testing.T) {
	w, older := merchant(t, 7, 60, 3500)
	now := moment.AddDate(0, 0, 40)
	w.Now = func() time.Time { return now }
	newer := ledgers{}
	for _, stream := range []string{Payables, Operations} {
		w.Each(stream, time.Time{}, time.Time{}, appendTo(t, newer, stream))
	}
	lakes := older.tables(t, moment)
	for stream, lake := range newer.tables(t, now) {
		lakes[stream] = lake
	}
	r := checkLakes(t, Options{Lakes: lakes, Until: moment})
	require.Empty(t, r.broken(), "%v", r.Identities)
	require.Positive(t, r.identity(t, "charges_paid").Exceptions["charge_read_before_payables"], "boletos paid since")
	require.Positive(t, r.identity(t, "refunds").Exceptions["charge_read_before_payables"])

	lakes = newer.tables(t, now)
	lakes[Operations] = older.tables(t, moment)[Operations]
	r = checkLakes(t, Options{Lakes: lakes})
	require.Empty(t, r.broken(), "%v", r.Identities)
	amounts := r.identity(t, "settled_amounts")
	require.Positive(t, amounts.Exceptions["not_settled_when_read"])
	require.Positive(t, amounts.Exceptions["after_both_tables"])
	require.Equal(t, amounts.Left, amounts.Right)
	require.NotEmpty(t, r.identity(t, "charges_paid").NotChecked)
}

// Payables that were read before their charges are not missed.
func TestPayablesReadBeforeTheirCharges(t *testing.T) {
	w, older := merchant(t, 8, 60, 3500)
	now := moment.AddDate(0, 0, 40)
	w.Now = func() time.Time { return now }
	newer := ledgers{}
	w.Each(Charges, time.Time{}, time.Time{}, appendTo(t, newer, Charges))
	lakes := older.tables(t, moment)
	lakes[Charges] = newer.tables(t, now)[Charges]
	r := checkLakes(t, Options{Lakes: lakes})
	require.Empty(t, r.broken(), "%v", r.Identities)
	for _, name := range []string{"charges_paid", "refunds"} {
		require.Positive(t, r.identity(t, name).Exceptions["payables_not_read_yet"], name)
	}
}
