package simapi

import "time"

// payable holds the facts of one payable that do not depend on the clock.
type payable struct {
	ref
	o         order
	h         uint64
	created   int64
	accrual   int64
	inst      int
	recipient int
	party     int
	amount    int64
	fee       int64
	payment   int64 // day the money is due, 03:00 UTC
	prepaid   int64 // moment of the anticipation, 0 = none
	prepayDay int64 // payment date after the anticipation
	prepayFee int64
}

const payableDelay = 2 * second // a payable follows its payment

// indexPayables finds the events of a day that make payables: payments of this
// day's orders and of earlier boletos, refunds and chargebacks of older orders.
func (w *World) indexPayables(x *dayIndex, day int) {
	end := w.dayStart(day+1) - 1
	for i := range w.orders(day) {
		if o := w.order(day, i); o.paid && o.method != boleto {
			x.add(&o, isPayment, min(o.settled+payableDelay, end))
		}
	}
	for k := 1; k <= lastBoletoDay; k++ {
		for i := range w.orders(day - k) {
			if o := w.order(day-k, i); o.paid && o.method == boleto && w.dayOf(o.settled) == day {
				x.add(&o, isPayment, o.settled+payableDelay)
			}
		}
	}
	w.indexReversals(x, day)
}

func (w *World) indexReversals(x *dayIndex, day int) {
	for _, days := range [...][]int{refundDays[:], lateRefundDays[:]} {
		for _, k := range days {
			w.indexRefunds(x, day, k)
		}
	}
	for _, k := range chargebackDays {
		for i := range w.orders(day - k) {
			if chargebackDay(w.orderHash(day-k, i)) != k {
				continue
			}
			if o := w.order(day-k, i); o.disputed != 0 {
				x.add(&o, isChargeback, o.disputed)
			}
		}
	}
	if w.Late.Reopenings > 0 {
		w.indexWon(x, day)
	}
}

// indexWon finds the chargebacks that are won on a day.
func (w *World) indexWon(x *dayIndex, day int) {
	for _, k := range chargebackDays {
		for i := range w.orders(day - k - wonDays) {
			if chargebackDay(w.orderHash(day-k-wonDays, i)) != k {
				continue
			}
			if o := w.order(day-k-wonDays, i); o.won != 0 {
				x.add(&o, isWon, o.won)
			}
		}
	}
}

// indexRefunds finds the refunds of a day of the orders k days before.
func (w *World) indexRefunds(x *dayIndex, day, k int) {
	for i := range w.orders(day - k) {
		if w.refundDay(w.orderHash(day-k, i)) != k {
			continue
		}
		if o := w.order(day-k, i); o.refunded != 0 {
			x.add(&o, isRefund, o.refunded)
		}
	}
}

func (x *dayIndex) add(o *order, kind uint8, t int64) {
	n := o.parties
	if kind == isPayment {
		n *= o.inst
	}
	x.events = append(x.events, event{t: t, day: int32(o.day), idx: int32(o.idx), n: uint8(n), kind: kind})
}

// payable computes the facts of one payable.
func (w *World) payable(r ref) payable {
	o := w.order(int(r.day), int(r.idx))
	p := payable{ref: r, created: r.t, inst: 1 + r.unit/o.parties, party: r.unit % o.parties}
	p.recipient = o.recipient[p.party]
	p.h = mix(o.h ^ saltPayable + uint64(r.kind)<<16 + uint64(r.unit))
	total := o.amount
	switch r.kind {
	case isRefund:
		total = o.refund
		p.accrual, p.payment = o.refunded, payday(o.refunded, 0)
	case isChargeback:
		p.accrual, p.payment = o.disputed, payday(o.disputed, 0)
	case isWon:
		p.accrual, p.payment = o.won, payday(o.won, 0)
	default:
		p.accrual, p.payment = o.settled, payday(o.settled, settlement[o.method]*p.inst)
	}
	p.amount = part(total, p.party, o.parties)
	if r.kind == isPayment {
		p.amount = nth(p.amount, p.inst, o.inst)
		p.fee = p.amount * feeRate[o.method] / 10_000
		p.anticipate(&o)
	} else if r.kind != isWon {
		p.amount = -p.amount
	}
	p.o = o
	return p
}

// Days until the money of one instalment is paid, and the fee in hundredths of
// a percent, by payment method.
var (
	settlement = [...]int{30, 0, 2, 2, 30, 2, 2}
	feeRate    = [...]int64{419, 119, 250, 199, 380, 150, 150}
)

// anticipate brings some instalments forward for a fee.
func (p *payable) anticipate(o *order) {
	if o.method != creditCard || p.inst < 2 || p.h%100 >= 9 {
		return
	}
	p.prepaid = floorDay(o.settled)*oneDay + 8*oneDay + 15*hour
	p.prepayDay = payday(p.prepaid, 1)
	p.prepayFee = p.amount * int64(12*(p.inst-1)) / 1000
}

// status, payment date and anticipation fee at a moment.
func (p *payable) at(now int64) (status string, payment, fee int64) {
	switch {
	case p.kind != isPayment || now >= p.payment:
		status = "paid"
	case p.prepaid != 0 && now >= p.prepaid:
		status = "prepaid"
	default:
		status = "waiting_funds"
	}
	payment = p.payment
	if p.prepaid != 0 && now >= p.prepaid {
		payment, fee = p.prepayDay, p.prepayFee
	}
	return status, payment, fee
}

// updated is the moment of the last change of a payable, which the platform
// filters by but never shows.
func (p *payable) updated(now int64) int64 {
	t := max(p.created, p.o.appears)
	if p.prepaid != 0 && now >= p.prepaid {
		t = max(t, p.prepaid)
	}
	if p.kind == isPayment && now >= p.payment && p.payment > t {
		t = p.payment
	}
	return t
}

// part is the share of one of n parties; the first gets what is left.
func part(total int64, party, n int) int64 {
	each := total / int64(2*n)
	if party > 0 {
		return each
	}
	return total - each*int64(n-1)
}

// nth is the k-th of n instalments; the first gets what is left.
func nth(total int64, k, n int) int64 {
	each := total / int64(n)
	if k > 1 {
		return each
	}
	return total - each*int64(n-1)
}

// payday is midnight in Brazil (03:00 UTC) some days after a moment, moved to
// Monday from a weekend.
func payday(t int64, days int) int64 {
	d := floorDay(t-3*hour) + int64(days)
	switch time.Weekday((d + 4) % 7) { // 1970-01-01 was a Thursday
	case time.Saturday:
		d += 2
	case time.Sunday:
		d++
	}
	return d*oneDay + 3*hour
}

// number is the numeric id that payables had before 2026-08-28: unique, and
// rising with the order.
func (p *payable) number() int64 {
	return 4_000_000_000 + (int64(p.day)<<20+int64(p.idx))<<8 + int64(p.kind-isPayment)<<6 + int64(p.unit)
}
