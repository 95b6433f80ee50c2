package books

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func number(n int64) json.Number { return json.Number(fmt.Sprint(n)) }

// text is a member that is a text, or a number; "" if it is not there.
func (r record) text(name string) string {
	if r[name] == nil {
		return ""
	}
	return fmt.Sprint(r[name])
}

// dayOf is the date of a time.
func dayOf(text string) string { return strings.SplitN(text, "T", 2)[0] }

// middle tells whether a record was created far from both ends of the lake.
func middle(r record) bool {
	created, err := time.Parse(time.RFC3339Nano, r.text("created_at"))
	return err == nil && created.After(moment.AddDate(0, 0, -70)) && created.Before(moment.AddDate(0, 0, -5))
}

// damaged is what a damage must be found as.
type damaged struct {
	identity string
	want     Break
	also     string // other identities that it breaks
}

// damages break each identity on purpose.
var damages = map[string]func(*testing.T, ledgers) damaged{
	"an amount changed": func(t *testing.T, l ledgers) damaged {
		p := l.find(t, Payables, func(r record) bool { return middle(r) && r["type"] == "credit" && r["status"] == "waiting_funds" })
		paid, credit := l.ofCharge(t, p.text("charge_id"), "credit")
		p["amount"] = number(p.cents("amount") + 1)
		return damaged{"charges_paid", Break{Charge: p.text("charge_id"), Keys: credit, Left: paid, Right: paid + 1}, "settled_amounts"}
	},
	"a payable removed": func(t *testing.T, l ledgers) damaged {
		p := l.find(t, Payables, func(r record) bool { return middle(r) && r["type"] == "credit" && r.cents("installment") == 2 })
		l.remove(Payables, func(r record) bool { return r.text("id") == p.text("id") })
		left, credit := l.ofCharge(t, p.text("charge_id"), "credit")
		return damaged{"charges_paid", Break{Charge: p.text("charge_id"), Keys: credit, Left: left + p.cents("amount"), Right: left}, "settled_amounts settled_fees"}
	},
	"all payables of a charge removed": func(t *testing.T, l ledgers) damaged {
		p := l.find(t, Payables, func(r record) bool { return middle(r) && r["type"] == "credit" })
		paid, _ := l.ofCharge(t, p.text("charge_id"), "credit")
		l.remove(Payables, func(r record) bool { return r.text("charge_id") == p.text("charge_id") })
		delete(l, Operations)
		return damaged{"charges_paid", Break{Charge: p.text("charge_id"), Left: paid}, ""}
	},
	"a payable twice": func(t *testing.T, l ledgers) damaged {
		p := l.find(t, Payables, func(r record) bool { return middle(r) && r["type"] == "credit" })
		paid, credit := l.ofCharge(t, p.text("charge_id"), "credit")
		again := maps.Clone(p)
		again["id"] = p.text("id") + "again"
		l[Payables] = append(l[Payables], again)
		return damaged{"charges_paid", Break{Charge: p.text("charge_id"), Keys: append(credit, again.text("id")), Left: paid, Right: paid + p.cents("amount")},
			"settled_amounts settled_fees"}
	},
	"a payable without a payment": func(t *testing.T, l ledgers) damaged {
		c := l.find(t, Charges, func(r record) bool { return middle(r) && r["status"] == "failed" })
		p := maps.Clone(l.find(t, Payables, middle))
		p["id"], p["charge_id"], p["type"], p["amount"], p["fee"], p["created_at"] = "pay_x", c["id"], "credit", number(7), number(0), c["created_at"]
		l[Payables] = append(l[Payables], p)
		delete(l, Operations)
		return damaged{"charges_paid", Break{Charge: c.text("id"), Keys: []string{p.text("id")}, Right: 7}, ""}
	},
	"a charge lost": func(t *testing.T, l ledgers) damaged {
		c := l.find(t, Charges, func(r record) bool { return middle(r) && r["status"] == "paid" && r["payment_method"] == "pix" })
		l.remove(Charges, func(r record) bool { return r.text("id") == c.text("id") })
		paid, credit := l.ofCharge(t, c.text("id"), "credit")
		return damaged{"charges_paid", Break{Charge: c.text("id"), Keys: credit, Right: paid}, ""}
	},
	"a refund without its payable": func(t *testing.T, l ledgers) damaged {
		c := l.find(t, Charges, func(r record) bool {
			return r["status"] == "partial_canceled" && middle(record{"created_at": r["canceled_at"]})
		})
		l.remove(Payables, func(r record) bool { return r.text("charge_id") == c.text("id") && r["type"] == "refund" })
		delete(l, Operations)
		return damaged{"refunds", Break{Charge: c.text("id"), Left: c.cents("canceled_amount")}, ""}
	},
	"a refund payable without a refund": func(t *testing.T, l ledgers) damaged {
		c := l.find(t, Charges, func(r record) bool { return r["status"] == "canceled" && r["paid_at"] != nil && middle(r) })
		amount, keys := l.ofCharge(t, c.text("id"), "refund")
		c["status"] = "paid"
		delete(c, "canceled_amount")
		return damaged{"refunds", Break{Charge: c.text("id"), Keys: keys, Right: -amount}, ""}
	},
	"a chargeback without its payable": func(t *testing.T, l ledgers) damaged {
		c := l.find(t, Charges, func(r record) bool { return r["status"] == "chargedback" && dayOf(r.text("updated_at")) < "2026-06-29" })
		l.remove(Payables, func(r record) bool { return r.text("charge_id") == c.text("id") && r["type"] == "chargeback" })
		delete(l, Operations)
		return damaged{"chargebacks", Break{Charge: c.text("id"), Left: c.cents("amount")}, ""}
	},
	"a chargeback that nobody claims": func(t *testing.T, l ledgers) damaged {
		c := l.find(t, Charges, func(r record) bool { return r["status"] == "chargedback" })
		amount, keys := l.ofCharge(t, c.text("id"), "chargeback")
		c["status"], c.object("last_transaction")["status"] = "paid", "captured"
		return damaged{"chargebacks", Break{Charge: c.text("id"), Keys: keys, Right: -amount}, ""}
	},
	"a sign turned": func(t *testing.T, l ledgers) damaged {
		p := l.find(t, Payables, func(r record) bool { return r["type"] == "refund" && middle(r) })
		p["amount"] = number(-p.cents("amount"))
		delete(l, Operations)
		return damaged{"payable_signs", Break{Charge: p.text("charge_id"), Recipient: p.text("recipient_id"), Keys: []string{p.text("id")},
			Left: p.cents("amount"), Right: -p.cents("amount")}, "refunds"}
	},
	"a fee of an anticipation that is none": func(t *testing.T, l ledgers) damaged {
		p := l.find(t, Payables, func(r record) bool { return r["type"] == "credit" && r.cents("anticipation_fee") > 0 })
		delete(p, "anticipation_id")
		delete(p, "original_payment_date")
		p["status"] = "paid"
		delete(l, Operations)
		return damaged{"payable_fees", Break{Charge: p.text("charge_id"), Recipient: p.text("recipient_id"), Keys: []string{p.text("id")},
			Left: p.cents("fee") + p.cents("anticipation_fee"), Right: p.cents("fee")}, ""}
	},
	"a negative fee": func(t *testing.T, l ledgers) damaged {
		p := l.find(t, Payables, func(r record) bool {
			return r["type"] == "credit" && r.cents("fee") > 0 && r.cents("anticipation_fee") == 0
		})
		p["fee"] = number(-3)
		delete(l, Operations)
		return damaged{"payable_fees", Break{Charge: p.text("charge_id"), Recipient: p.text("recipient_id"), Keys: []string{p.text("id")}, Left: -3}, ""}
	},
	"an operation that is not its object": func(t *testing.T, l ledgers) damaged {
		o := l.find(t, Operations, func(r record) bool { return r.object("movement_object")["object"] == "payable" && middle(r) })
		m := o.object("movement_object")
		m["amount"] = number(o.cents("amount") - 1)
		return damaged{"operation_objects", Break{Charge: record(m).text("charge_id"), Recipient: record(m).text("recipient_id"), Keys: []string{o.text("id")},
			Left: o.cents("amount"), Right: o.cents("amount") - 1}, ""}
	},
	"an operation removed": func(t *testing.T, l ledgers) damaged {
		o := l.settledOperation(t)
		l.remove(Operations, func(r record) bool { return r.text("id") == o.text("id") })
		p := l.payableOf(t, o)
		left, right := l.settledOn(p.text("recipient_id"), dayOf(p.text("payment_date")))
		return damaged{"settled_amounts", Break{Recipient: p.text("recipient_id"), Day: dayOf(p.text("payment_date")), Keys: []string{p.text("id")}, Left: left, Right: right}, "settled_fees"}
	},
	"an operation of another amount": func(t *testing.T, l ledgers) damaged {
		o := l.settledOperation(t)
		p := l.payableOf(t, o)
		o["amount"] = number(o.cents("amount") + 100)
		o.object("movement_object")["amount"] = o["amount"]
		left, right := l.settledOn(p.text("recipient_id"), dayOf(p.text("payment_date")))
		return damaged{"settled_amounts", Break{Recipient: p.text("recipient_id"), Day: dayOf(p.text("payment_date")),
			Keys: []string{o.text("id"), p.text("id")}, Left: left, Right: right}, ""}
	},
	"an operation of another fee": func(t *testing.T, l ledgers) damaged {
		o := l.settledOperation(t)
		p := l.payableOf(t, o)
		o["fee"] = number(o.cents("fee") + 1)
		o.object("movement_object")["fee"] = o["fee"]
		return damaged{"settled_fees", Break{Recipient: p.text("recipient_id"), Day: dayOf(p.text("payment_date")),
			Keys: []string{o.text("id"), p.text("id")}, Left: -1, Right: -1}, ""}
	},
	"a payable settled on another day": func(t *testing.T, l ledgers) damaged {
		o := l.settledOperation(t)
		p := l.payableOf(t, o)
		day := dayOf(p.text("payment_date"))
		p["payment_date"] = "2026-06-30T03:00:00Z"
		left, right := l.settledOn(p.text("recipient_id"), day)
		return damaged{"settled_amounts", Break{Recipient: p.text("recipient_id"), Day: day, Keys: []string{o.text("id")}, Left: left, Right: right}, "settled_fees"}
	},
}

// ofCharge sums up the payables of a charge and type.
func (l ledgers) ofCharge(t *testing.T, charge, kind string) (sum int64, keys []string) {
	t.Helper()
	for _, p := range l[Payables] {
		if p.text("charge_id") == charge && p["type"] == kind {
			sum += p.cents("amount")
			keys = append(keys, p.text("id"))
		}
	}
	require.NotEmpty(t, keys)
	return sum, keys
}

// settledOperation finds the operation of a payable that was paid.
func (l ledgers) settledOperation(t *testing.T) record {
	t.Helper()
	return l.find(t, Operations, func(r record) bool {
		m := r.object("movement_object")
		return middle(r) && m["object"] == "payable" && m["type"] == "credit" && r["status"] != "waiting_funds"
	})
}

// payableOf finds the payable of an operation: their ids differ.
func (l ledgers) payableOf(t *testing.T, o record) record {
	t.Helper()
	m := record(o.object("movement_object"))
	return l.find(t, Payables, func(p record) bool {
		for _, name := range []string{"charge_id", "recipient_id", "installment", "type", "amount"} {
			if p.text(name) != m.text(name) {
				return false
			}
		}
		return true
	})
}

// settledOn sums up both sides of a recipient and day.
func (l ledgers) settledOn(recipient, day string) (operations, payables int64) {
	for _, o := range l[Operations] {
		m := record(o.object("movement_object"))
		if m["object"] == "payable" && m.text("recipient_id") == recipient && dayOf(m.text("payment_date ")) == day {
			operations += o.cents("amount")
		}
	}
	for _, p := range l[Payables] {
		if p.text("recipient_id") == recipient && dayOf(p.text("payment_date")) == day {
			payables += p.cents("amount")
		}
	}
	return operations, payables
}

func TestEveryDamageIsFound(t *testing.T) {
	_, sound := merchant(t, 6, 160, 7000)
	lakes := sound.tables(t, moment)
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			l := sound.copy()
			want := damage(t, l)
			r := checkLakes(t, Options{Lakes: l.changed(t, sound, lakes)})
			i := r.identity(t, want.identity)
			require.NotEmpty(t, i.Breaks)
			got := i.Breaks[0]
			require.NotEmpty(t, got.Reason)
			require.Equal(t, want.want.Charge, got.Charge)
			require.Equal(t, want.want.Recipient, got.Recipient)
			require.Equal(t, want.want.Day, got.Day)
			require.ElementsMatch(t, want.want.Keys, got.Keys)
			if want.want.Left != -1 || want.want.Right != -1 {
				require.Equal(t, want.want.Left, got.Left)
				require.Equal(t, want.want.Right, got.Right)
			}
			require.NotEqual(t, got.Left, got.Right)
			require.ElementsMatch(t, strings.Fields(want.identity+" "+want.also), strings.Fields(r.broken()), "%v", r.Identities)
		})
	}
}

// copy shares nothing that a damage changes.
func (l ledgers) copy() ledgers {
	out := ledgers{}
	for stream, list := range l {
		for _, r := range list {
			r = maps.Clone(r)
			for _, name := range []string{"movement_object", "last_transaction"} {
				if m, ok := r[name].(map[string]any); ok {
					r[name] = maps.Clone(m)
				}
			}
			out[stream] = append(out[stream], r)
		}
	}
	return out
}

// changed writes the tables that differ from the sound ones.
func (l ledgers) changed(t *testing.T, sound ledgers, lakes map[string]Lake) map[string]Lake {
	t.Helper()
	differ := ledgers{}
	out := map[string]Lake{}
	for stream := range l {
		if reflect.DeepEqual(l[stream], sound[stream]) {
			out[stream] = lakes[stream]
		} else {
			differ[stream] = l[stream]
		}
	}
	maps.Copy(out, differ.tables(t, moment))
	return out
}
