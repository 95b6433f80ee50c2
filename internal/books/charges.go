package books

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Payables carry the id of their charge if the charge was made from 2023-07-01
// on, in Brazil.
var chargeIDs = time.Date(2023, 7, 1, 3, 0, 0, 0, time.UTC).UnixMicro()

// settling is how long after its cause a payable may be created. The official
// examples show 1 to 7 seconds.
const settling = hour

// sale is a charge with its payables.
type sale struct {
	charge   *charge // nil if the lake has none
	payables []movement
}

// compareCharges meets the charges with their payables, bucket by bucket.
func (b *book) compareCharges(ctx context.Context) error {
	if b.paid.NotChecked != "" {
		return nil
	}
	for i := range b.sales.buckets {
		if err := ctx.Err(); err != nil {
			return err
		}
		sales, err := b.bucketOfSales(i)
		if err != nil {
			return err
		}
		for id, s := range sales {
			s.payables = b.withoutTwins(s.payables)
			if s.charge == nil {
				b.strays(id, s.payables)
			} else {
				b.compareSale(s)
			}
		}
	}
	return nil
}

func (b *book) bucketOfSales(i int) (map[string]*sale, error) {
	data, err := b.sales.read(i)
	if err != nil {
		return nil, err
	}
	sales := map[string]*sale{}
	of := func(id string) *sale {
		s := sales[id]
		if s == nil {
			s = &sale{}
			sales[id] = s
		}
		return s
	}
	u := unpack(data)
	for u.more() {
		if !u.flag() {
			m := unpackMovement(u)
			s := of(m.charge)
			s.payables = append(s.payables, m)
			continue
		}
		c := unpackCharge(u)
		s := of(c.id)
		if s.charge != nil {
			b.paid.except("charge_row_twice")
		}
		if s.charge == nil || c.extracted > s.charge.extracted {
			s.charge = &c
		}
	}
	return sales, u.err
}

// withoutTwins takes out the payables that are there under a number too, their
// id before 2026-08-28, and those that count nowhere.
func (b *book) withoutTwins(list []movement) []movement {
	same := func(m *movement) string { return m.twin() + " " + strconv.FormatInt(m.amount, 10) }
	newer := map[string]bool{}
	for i := range list {
		if m := &list[i]; !numeric(m.id) && !m.deleted {
			newer[same(m)] = true
		}
	}
	return slices.DeleteFunc(list, func(m movement) bool {
		reason := ""
		switch {
		case m.deleted:
			reason = "deleted_rows"
		case numeric(m.id) && newer[same(&m)]:
			reason = "payable_under_two_ids"
		case !m.hasAmount:
			reason = "no_amount"
		case m.originator != "" && m.originator != "refund" && m.originator != "chargeback":
			reason = "payable_of_" + m.originator
		default:
			return false
		}
		b.paid.except(reason)
		return true
	})
}

func numeric(id string) bool {
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return id != ""
}

// strays are payables of a charge that the lake does not have: of one older
// than the table, or of one that is lost.
func (b *book) strays(id string, list []movement) {
	lost, known := int64(0), false
	var keys []string
	for i := range list {
		m := &list[i]
		known = known || b.inside(m.created)
		if m.kind == "credit" && b.inside(m.created) && m.created < b.charges.last && m.created >= plus(b.charges.first, payLater(m.method)) {
			lost = plus(lost, m.amount)
			keys = append(keys, m.id)
		}
	}
	switch {
	case len(keys) > 0:
		b.paid.add(0, lost)
		b.paid.fail(Break{Charge: id, Keys: keys, Right: lost, Reason: "the charge is not in the lake"})
	case known:
		b.paid.except("charge_not_in_lake")
	}
}

// sums are the amounts of the payables of one kind: those from before the
// charge was read, and all. What happened to a charge afterwards its row cannot
// tell.
type sums struct {
	before, all int64
	keys        []string
}

func sumsOf(s *sale, sign int64, kinds ...string) sums {
	var out sums
	for i := range s.payables {
		m := &s.payables[i]
		if !slices.Contains(kinds, m.kind) {
			continue
		}
		out.keys = append(out.keys, m.id)
		out.all = plus(out.all, sign*m.amount)
		if m.created < s.charge.extracted {
			out.before = plus(out.before, sign*m.amount)
		}
	}
	return out
}

func (b *book) compareSale(s *sale) {
	c := s.charge
	if !b.inside(c.created) {
		return
	}
	reason := ""
	switch {
	case c.deleted:
		reason = "deleted_rows"
	case c.created < chargeIDs:
		reason = "charge_before_2023_07_01"
	}
	if reason != "" {
		b.paid.except(reason)
		return
	}
	for i := range s.payables {
		if m := &s.payables[i]; !slices.Contains(types[:], m.kind) {
			b.paid.except("payable_of_another_type")
		}
	}
	b.comparePaid(s)
	b.compareRefunds(s)
	b.compareChargebacks(s)
}

// types are the documented types of payables.
var types = [...]string{"credit", "refund", "refund_reversal", "chargeback", "chargeback_refund"}

// claim is what a charge says about one kind of its payables.
type claim struct {
	want   int64
	event  int64 // when it happened
	oldest int64 // when the first of it may have happened
	parts  bool  // it may have happened in parts, at several times
	reason string
	// instead are other sums that are no break, by the name of the exception.
	instead map[string]int64
}

// compare holds a charge against its payables.
func (b *book) compare(t *tally, c *charge, w claim, have sums) {
	excuse := b.excuse(w, have)
	switch {
	case have.before == w.want:
		if have.all != have.before {
			t.except(readBefore)
		}
		t.add(w.want, w.want)
	case have.all == w.want: // payables that came while the charge was read
		t.add(w.want, w.want)
	case excuse != "":
		t.except(excuse)
	default:
		t.add(w.want, have.all)
		t.fail(Break{Charge: c.id, Keys: have.keys, Left: w.want, Right: have.all, Reason: w.reason})
	}
}

// readBefore is the name of the exception of a charge whose row is older than
// its payables.
const readBefore = "charge_read_before_payables"

// excuse names the exception that a difference is, "" for none.
func (b *book) excuse(w claim, have sums) string {
	if between(w.want, have.before, have.all) {
		return readBefore
	}
	for _, name := range slices.Sorted(maps.Keys(w.instead)) {
		if w.instead[name] == have.all {
			return name
		}
	}
	missing := have.all < w.want && (have.all == 0 || w.parts)
	switch {
	case missing && w.event >= b.payables.last-settling:
		return "payables_not_read_yet"
	case missing && w.oldest < b.payables.first:
		return "before_the_first_payable"
	}
	return ""
}

// between tells whether n lies between a and b.
func between(n, a, b int64) bool { return n > min(a, b) && n < max(a, b) }
