package books

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func at(t time.Time) string { return t.Format(time.RFC3339) }

// sold is a paid charge with one credit payable.
func sold(id string, created time.Time, cents int64) ledgers {
	return ledgers{
		Charges: {{"id": id, "created_at": at(created), "paid_at": at(created), "updated_at": at(created), "status": "paid", "amount": number(cents),
			"paid_amount": number(cents), "last_transaction": map[string]any{"status": "captured"}}},
		Payables: {credit(id, created, cents)},
	}
}

func credit(charge string, created time.Time, cents int64) record {
	return record{"id": "pay_" + charge, "charge_id": charge, "created_at": at(created.Add(2 * time.Second)), "payment_date": "2026-04-10T03:00:00Z",
		"type": "credit", "status": "waiting_funds", "amount": number(cents), "fee": number(5), "anticipation_fee": number(0), "installment": number(1),
		"recipient_id": "re_1", "payment_method": "credit_card"}
}

// and puts two books together.
func (l ledgers) and(o ledgers) ledgers {
	for stream, list := range o {
		l[stream] = append(l[stream], list...)
	}
	return l
}

// around are sales at both ends of the lake, so that what lies between is
// neither too old nor too new.
func around() ledgers {
	return sold("ch_first", time.Date(2023, 7, 2, 0, 0, 0, 0, time.UTC), 100).and(sold("ch_last", moment.AddDate(0, 0, -1), 100))
}

// exceptional are books that are no break: by exception, and what it is of.
var exceptional = map[string]struct {
	identity string
	books    func() ledgers
}{
	"charge_before_2023_07_01": {"charges_paid", func() ledgers {
		l := sold("ch_old", time.Date(2023, 7, 1, 2, 59, 59, 0, time.UTC), 100)
		delete(l, Payables)
		return l
	}},
	"payable_without_charge_id": {"charges_paid", func() ledgers {
		p := credit("", noon, 40)
		delete(p, "charge_id")
		return ledgers{Payables: {p}}
	}},
	"before_the_first_payable": {"charges_paid", func() ledgers {
		l := sold("ch_horizon", time.Date(2023, 7, 1, 12, 0, 0, 0, time.UTC), 100)
		delete(l, Payables)
		return l
	}},
	"payables_not_read_yet": {"charges_paid", func() ledgers {
		l := sold("ch_new", moment.AddDate(0, 0, -1).Add(time.Minute), 100)
		delete(l, Payables)
		return l
	}},
	"payable_under_two_ids": {"charges_paid", func() ledgers {
		l := sold("ch_two", noon, 100)
		again := credit("ch_two", noon, 100)
		again["id"] = number(4304143062)
		l[Payables] = append(l[Payables], again)
		return l
	}},
	"payable_of_financial_adjustment": {"charges_paid", func() ledgers {
		l := sold("ch_adjusted", noon, 100)
		other := credit("ch_adjusted", noon, 7)
		other["id"], other["originator_model"] = "pay_other", "financial_adjustment"
		l[Payables] = append(l[Payables], other)
		return l
	}},
	"payable_of_another_type": {"payable_signs", func() ledgers {
		l := sold("ch_type", noon, 100)
		other := credit("ch_type", noon, -7)
		other["id"], other["type"] = "pay_other", "tax"
		l[Payables] = append(l[Payables], other)
		return l
	}},
	"overpaid": {"charges_paid", func() ledgers {
		l := sold("ch_over", noon, 100)
		l[Charges][0]["paid_amount"], l[Charges][0]["status"] = number(130), "overpaid"
		return l
	}},
	"underpaid": {"charges_paid", func() ledgers {
		l := sold("ch_under", noon, 100)
		l[Charges][0]["paid_amount"], l[Charges][0]["status"] = number(70), "underpaid"
		return l
	}},
	"underpaid_unsettled": {"charges_paid", func() ledgers {
		l := sold("ch_under", noon, 100)
		l[Charges][0]["paid_amount"], l[Charges][0]["status"] = number(70), "underpaid"
		delete(l, Payables)
		return l
	}},
	"interest_and_fine": {"charges_paid", func() ledgers {
		l := sold("ch_late", noon, 100)
		l[Charges][0]["interest_and_fine_paid"], l[Payables][0]["amount"] = number(9), number(109)
		return l
	}},
	"canceled_before_payment": {"charges_paid", func() ledgers {
		return unpaid("canceled", "voided")
	}},
	"authorised_only": {"charges_paid", func() ledgers {
		return unpaid("pending", "authorized_pending_capture")
	}},
	"voided": {"refunds", func() ledgers {
		l := sold("ch_void", noon, 100)
		l[Charges][0]["status"], l[Charges][0]["last_transaction"] = "canceled", map[string]any{"status": "voided"}
		delete(l, Payables)
		return l
	}},
	"partly_captured": {"refunds", func() ledgers {
		l := sold("ch_part", noon, 60)
		l[Charges][0]["amount"], l[Charges][0]["canceled_amount"] = number(100), number(40)
		l[Charges][0]["last_transaction"] = map[string]any{"status": "partial_capture"}
		return l
	}},
	"refund_reversed": {"refunds", func() ledgers {
		l := refunded("ch_back", 100)
		back := credit("ch_back", noon.AddDate(0, 0, 9), 100)
		back["id"], back["type"] = "pay_back", "refund_reversal"
		l[Payables] = append(l[Payables], back)
		return l
	}},
	"chargeback_won": {"chargebacks", func() ledgers {
		l := sold("ch_won", noon, 100)
		for i, kind := range []string{"chargeback", "chargeback_refund"} {
			p := credit("ch_won", noon.AddDate(0, 0, 20+i), int64(200*i-100))
			p["id"], p["type"], p["fee"] = kind, kind, number(0)
			l[Payables] = append(l[Payables], p)
		}
		return l
	}},
	"charge_of_unknown_status": {"chargebacks", func() ledgers {
		l := sold("ch_odd", noon, 100)
		p := credit("ch_odd", noon.AddDate(0, 0, 20), -100)
		p["id"], p["type"] = "pay_cb", "chargeback"
		l[Payables] = append(l[Payables], p)
		l[Charges][0]["status"] = "em_disputa"
		return l
	}},
	"charge_not_in_lake": {"charges_paid", func() ledgers {
		p := credit("ch_before", noon, -100)
		p["type"] = "refund"
		return ledgers{Payables: {p}}
	}},
	"fee_above_amount": {"payable_fees", func() ledgers {
		l := sold("ch_small", noon, 100)
		l[Payables][0]["fee"] = number(349)
		return l
	}},
	"fee_of_a_reversal": {"payable_fees", func() ledgers {
		l := refunded("ch_fee", 100)
		l[Payables][1]["fee"] = number(-5)
		return l
	}},
}

func unpaid(status, transaction string) ledgers {
	l := sold("ch_never", noon, 100)
	c := l[Charges][0]
	delete(c, "paid_at")
	delete(c, "paid_amount")
	c["status"], c["canceled_amount"], c["last_transaction"] = status, number(100), map[string]any{"status": transaction}
	return ledgers{Charges: l[Charges]}
}

func refunded(id string, cents int64) ledgers {
	l := sold(id, noon, cents)
	c := l[Charges][0]
	c["status"], c["canceled_at"] = "canceled", at(noon.AddDate(0, 0, 3))
	p := credit(id, noon.AddDate(0, 0, 3), -cents)
	p["id"], p["type"], p["fee"], p["originator_model"] = "pay_back_"+id, "refund", number(0), "refund"
	l[Payables] = append(l[Payables], p)
	return l
}

func TestExceptionsAreCountedAndAreNoBreak(t *testing.T) {
	page, err := os.ReadFile("../docs/books.md")
	require.NoError(t, err)
	for name, one := range exceptional {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(name, "payable_of_f") {
				require.Contains(t, string(page), "`"+name+"`", "the page names every exception")
			}
			r := around().and(one.books()).check(t)
			require.Empty(t, r.broken(), "%v", r.Identities)
			require.EqualValues(t, 1, r.identity(t, one.identity).Exceptions[name], "%v", r.Identities)
			for _, i := range r.Identities {
				require.Equal(t, i.Left, i.Right, i.Name)
			}
		})
	}
	sound := around().and(sold("ch_sound", noon, 100)).and(refunded("ch_back", 50)).check(t)
	for _, i := range sound.Identities {
		require.Empty(t, i.Exceptions, i.Name)
	}
}

// An exception is for what it says only: another sum is a break.
func TestAnExceptionDoesNotExcuseAnotherSum(t *testing.T) {
	for _, name := range []string{"overpaid", "underpaid", "interest_and_fine", "payable_under_two_ids", "refund_reversed", "charge_of_unknown_status", "canceled_before_payment", "voided"} {
		t.Run(name, func(t *testing.T) {
			l := around().and(exceptional[name].books())
			c := l[Charges][2].text("id")
			extra := credit(c, noon, 3)
			extra["id"], extra["installment"] = "pay_extra", number(2)
			l[Payables] = append(l[Payables], extra)
			r := l.check(t)
			require.Contains(t, r.broken(), "charges_paid")
			require.Equal(t, c, r.identity(t, "charges_paid").Breaks[0].Charge)
		})
	}
}

func TestMissingTablesAreNotChecked(t *testing.T) {
	all := around()
	r := checkLakes(t, Options{})
	require.Equal(t, len(r.Identities), r.NotChecked)
	require.Zero(t, r.Broken)

	lakes := all.tables(t, moment)
	delete(lakes, Charges)
	r = checkLakes(t, Options{Lakes: lakes})
	require.Equal(t, "there is no table of charges", r.identity(t, "charges_paid").NotChecked)
	require.Empty(t, r.identity(t, "payable_fees").NotChecked)
	require.Equal(t, "there is no table of balance_operations", r.identity(t, "settled_amounts").NotChecked)

	all[Payables] = nil // a table that was never written
	r = all.check(t)
	require.Equal(t, "there is no table of payables", r.identity(t, "charges_paid").NotChecked)
	require.Zero(t, r.identity(t, "charges_paid").Checked)
}

func TestAnAccountWithoutPayables(t *testing.T) {
	l := around()
	lakes := l.tables(t, moment)
	l[Payables] = nil
	l.replace(t, lakes[Payables].Table, Payables)
	table, err := lakes[Payables].Table.Load(t.Context())
	require.NoError(t, err)
	require.NotZero(t, table.NumFiles(), "all rows stay, marked as deleted")
	r := checkLakes(t, Options{Lakes: lakes})
	require.Equal(t, "no payable was read for the period", r.identity(t, "charges_paid").NotChecked)
}

func TestDeletedRowsAreLeftOutAndCounted(t *testing.T) {
	l := around().and(sold("ch_gone", noon, 100)).and(sold("ch_half", noon, 100))
	more := credit("ch_half", noon, 55)
	more["id"] = "pay_more"
	l[Payables] = append(l[Payables], more)
	lakes := l.tables(t, moment)
	gone := []string{"ch_gone", "pay_ch_gone", "pay_more"}
	for stream := range l {
		l.remove(stream, func(r record) bool { return slices.Contains(gone, r.text("id")) })
		l.replace(t, lakes[stream].Table, stream)
	}
	r := checkLakes(t, Options{Lakes: lakes})
	require.Empty(t, r.broken(), "%v", r.Identities)
	require.EqualValues(t, 3, r.identity(t, "charges_paid").Exceptions["deleted_rows"])
	require.EqualValues(t, 3, r.identity(t, "charges_paid").Checked)
	require.EqualValues(t, 2, r.identity(t, "payable_fees").Exceptions["deleted_rows"])
}

// Random books of charges with many instalments and recipients and amounts of
// all sizes are true; with one payable changed they are not.
func TestAnySizeOfAmount(t *testing.T) {
	for seed := range uint64(3) {
		draw := rand.New(rand.NewPCG(seed, 5))
		l := around()
		for i := range 60 {
			id := fmt.Sprintf("ch_%d", i)
			s := sold(id, noon.Add(time.Duration(draw.IntN(9000))*time.Minute), 0)
			s[Payables] = nil
			paid := int64(0)
			for range 1 + draw.IntN(40) {
				p := credit(id, noon.AddDate(0, 0, 7), draw.Int64N(1<<(1+draw.IntN(52))))
				p["id"], p["recipient_id"] = fmt.Sprintf("pay_%d_%d", i, len(s[Payables])), fmt.Sprintf("re_%d", draw.IntN(9))
				p["installment"], p["fee"] = number(int64(len(s[Payables])+1)), number(0)
				paid += p.cents("amount")
				s[Payables] = append(s[Payables], p)
			}
			s[Charges][0]["amount"], s[Charges][0]["paid_amount"] = number(paid), number(paid)
			l.and(s)
		}
		r := l.check(t)
		require.Empty(t, r.broken())
		require.EqualValues(t, 62, r.identity(t, "charges_paid").Checked)
		require.Greater(t, r.identity(t, "charges_paid").Left, int64(math.MaxInt32))

		p := l[Payables][2+draw.IntN(len(l[Payables])-2)]
		p["amount"] = number(p.cents("amount") + 1)
		i := l.check(t).identity(t, "charges_paid")
		require.EqualValues(t, 1, i.Broken)
		require.Equal(t, p.text("charge_id"), i.Breaks[0].Charge)
		require.EqualValues(t, 1, i.Breaks[0].Right-i.Breaks[0].Left)
		require.EqualValues(t, 1, i.Right-i.Left)
	}
}

func TestSumsStopAtTheEndsOf64Bits(t *testing.T) {
	require.EqualValues(t, math.MaxInt64, plus(math.MaxInt64, 1))
	require.EqualValues(t, math.MinInt64, plus(math.MinInt64, -1))
	require.EqualValues(t, -1, plus(math.MaxInt64, math.MinInt64))
	require.EqualValues(t, 3, plus(1, 2))
}

func TestOnlyTheFirstBreaksAreListed(t *testing.T) {
	l := around()
	for i := range 30 {
		s := sold(fmt.Sprintf("ch_%02d", i), noon, 100)
		s[Payables][0]["amount"] = number(99)
		l.and(s)
	}
	r := checkLakes(t, Options{Lakes: l.tables(t, moment), MaxKeys: 4})
	i := r.identity(t, "charges_paid")
	require.EqualValues(t, 30, i.Broken)
	require.Len(t, i.Breaks, 4)
	require.Equal(t, "ch_00", i.Breaks[0].Charge)
	require.Equal(t, "ch_03", i.Breaks[3].Charge)
	require.EqualValues(t, 30, i.Left-i.Right)
}

func TestColumnsExistInTheTables(t *testing.T) {
	paths := map[string][]string{Charges: chargeColumns(), Payables: payableColumns(), Operations: operationColumns()}
	for stream, columns := range paths {
		for _, path := range columns {
			fields := declared(stream).ArrowSchema().Fields()
			for name := range strings.SplitSeq(path, ".") {
				i := slices.IndexFunc(fields, func(f arrow.Field) bool { return f.Name == name })
				require.GreaterOrEqual(t, i, 0, "%s has no column %s", stream, path)
				if st, ok := fields[i].Type.(*arrow.StructType); ok {
					fields = st.Fields()
				}
			}
		}
	}
}
