package books

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"time"
)

// groupKey is a recipient and a day of payment, in days since 1970. The day is
// that of 03:00 UTC, midnight in Brazil, so that its date in UTC is right.
type groupKey struct {
	recipient string
	day       int64
}

// group is what differs, or the sums, of a recipient and day.
type group struct {
	left, right int64
	keys        []string
}

// maxGroups bounds the recipients and days that are broken at once.
const maxGroups = 100_000

// ledger adds up one amount of operations and payables by recipient and day.
type ledger struct {
	*tally
	groups map[groupKey]*group // what differs
	more   int64               // rows that differ and for which there was no room
}

// pair is an operation and its payable. One of them may be missing.
type pair struct {
	operation, payable *movement
	twin               bool // the payable is there under another id too
}

// compareOperations meets operations with payables. Rows that agree cancel each
// other out; what is left is added up by recipient and day, and where that does
// not cancel out either, a second reading gives the sums of the whole day.
func (b *book) compareOperations(ctx context.Context) error {
	if b.amounts.NotChecked != "" {
		return nil
	}
	ledgers := [2]*ledger{{tally: b.amounts, groups: map[groupKey]*group{}}, {tally: b.settled, groups: map[groupKey]*group{}}}
	err := b.eachPair(ctx, true, func(p pair) {
		for i, l := range ledgers {
			l.pair(p, i == 1, b.o.MaxKeys)
		}
	})
	if err != nil {
		return err
	}
	listed := [2]map[groupKey]*group{ledgers[0].broken(), ledgers[1].broken()}
	if len(listed[0])+len(listed[1]) == 0 {
		return nil
	}
	err = b.eachPair(ctx, false, func(p pair) {
		left, right := p.days()
		for i, groups := range listed {
			o, y := p.values(i == 1)
			if g := groups[left]; p.operation != nil && g != nil {
				g.left = plus(g.left, o)
			}
			if g := groups[right]; p.payable != nil && g != nil {
				g.right = plus(g.right, y)
			}
		}
	})
	for i, l := range ledgers {
		l.list(listed[i])
	}
	return err
}

// eachPair gives the pairs that are to be compared. Exceptions are counted if
// asked to.
func (b *book) eachPair(ctx context.Context, count bool, each func(pair)) error {
	since, until := max(b.operations.first, b.payables.first), min(b.operations.last, b.payables.last)
	for i := range b.moves.buckets {
		if err := ctx.Err(); err != nil {
			return err
		}
		data, err := b.moves.read(i)
		if err != nil {
			return err
		}
		rows, err := sorted(data)
		if err != nil {
			return err
		}
		for len(rows) > 0 {
			n := 1
			for n < len(rows) && compareTwins(&rows[0], &rows[n]) == 0 {
				n++
			}
			for _, p := range pairs(rows[:n]) {
				name := b.exception(p, since, until)
				if count && name != "" {
					b.amounts.except(name)
					b.settled.except(name)
				}
				if name == "" || name == settledLater {
					each(p)
				}
			}
			rows = rows[n:]
		}
	}
	return nil
}

// sorted unpacks a bucket, twins side by side.
func sorted(data []byte) ([]movement, error) {
	var rows []movement
	u := unpack(data)
	for u.more() {
		rows = append(rows, unpackMovement(u))
	}
	slices.SortFunc(rows, func(a, b movement) int { return compareTwins(&a, &b) })
	return rows, u.err
}

func compareTwins(a, b *movement) int {
	return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.recipient, b.recipient), cmp.Compare(a.kind, b.kind), cmp.Compare(a.installment, b.installment))
}

// pairs joins the operations and payables of one recipient, type, instalment
// and moment: first by id, then by charge and amount, because ids changed.
func pairs(rows []movement) []pair {
	var operations, payables []*movement
	for i := range rows {
		if rows[i].operation {
			operations = append(operations, &rows[i])
		} else {
			payables = append(payables, &rows[i])
		}
	}
	out := twice(payables)
	for _, same := range []func(o, p *movement) bool{
		func(o, p *movement) bool { return o.id == p.id },
		func(o, p *movement) bool { return sameCharge(o, p) && o.amount == p.amount },
	} {
		for i, o := range operations {
			at := slices.IndexFunc(payables, func(p *movement) bool { return o != nil && p != nil && same(o, p) })
			if at >= 0 {
				out = append(out, pair{operation: o, payable: payables[at]})
				operations[i], payables[at] = nil, nil
			}
		}
	}
	for _, o := range operations {
		if o != nil {
			out = append(out, pair{operation: o})
		}
	}
	for _, p := range payables {
		if p != nil {
			out = append(out, pair{payable: p})
		}
	}
	return out
}

// twice takes out the payables that are there under a newer id too.
func twice(payables []*movement) []pair {
	var out []pair
	for i, old := range payables {
		if numeric(old.id) && slices.ContainsFunc(payables, func(p *movement) bool {
			return p != nil && !numeric(p.id) && p.charge == old.charge && p.amount == old.amount
		}) {
			out = append(out, pair{payable: old, twin: true})
			payables[i] = nil
		}
	}
	return out
}

func sameCharge(o, p *movement) bool { return o.charge == p.charge || o.charge == "" || p.charge == "" }

// settledLater is the name of the one exception that is compared all the same:
// amounts never change, days of payment and anticipation fees do.
const settledLater = "not_settled_when_read"

// Rows of a time that one of the two tables was not read for.
const (
	beforeBoth = "before_both_tables"
	afterBoth  = "after_both_tables"
)

// exception names why a pair is not compared, "" if it is.
func (b *book) exception(p pair, since, until int64) string {
	one := p.payable
	if one == nil {
		one = p.operation
	}
	switch {
	case p.twin:
		return "payable_under_two_ids"
	case p.operation != nil && p.operation.deleted, p.payable != nil && p.payable.deleted:
		return "deleted_rows"
	case p.operation != nil && !p.operation.hasAmount, p.payable != nil && !p.payable.hasAmount:
		return "no_amount"
	case one.created < since:
		return beforeBoth
	case one.created >= until:
		return afterBoth
	case p.operation != nil && p.payable != nil:
		if !p.settled() {
			return settledLater
		}
		return ""
	}
	if _, known := b.withOperations[maphash.String(b.moves.seed, one.recipient)]; !known {
		return "recipient_without_operations"
	}
	return ""
}

// settled tells whether both rows of a pair were read after the money had moved.
func (p pair) settled() bool {
	o := p.operation.status
	return p.payable.status == "paid" && (o == "available" || o == "transferred")
}

// days gives the group of each side. A row that was read before the money moved
// may show another day: the other side's is taken.
func (p pair) days() (left, right groupKey) {
	if p.operation != nil {
		left = p.operation.group()
	}
	if p.payable != nil {
		right = p.payable.group()
	}
	if p.operation != nil && p.payable != nil && !p.settled() {
		left = right
	}
	return left, right
}

func (m *movement) group() groupKey {
	at := time.UnixMicro(m.payment).UTC()
	return groupKey{m.recipient, at.Unix() / (24 * 3600)}
}

// values gives the amounts of both sides, or their fees; 0 for a side that is
// missing. The fee of an anticipation is left out where the anticipation may
// have come after one of the two readings.
func (p pair) values(fees bool) (left, right int64) {
	later := p.operation != nil && p.payable != nil && !p.settled()
	if p.operation != nil {
		left = p.operation.value(fees, later)
	}
	if p.payable != nil {
		right = p.payable.value(fees, later)
	}
	return left, right
}

func (m *movement) value(fees, later bool) int64 {
	switch {
	case !fees:
		return m.amount
	case later:
		return plus(m.fee, m.fraud)
	}
	return plus(plus(m.fee, m.anticipation), m.fraud)
}
