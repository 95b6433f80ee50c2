package books

import "slices"

// wasPaid tells what was paid of a charge. A charge that tells no paid amount
// was paid in full if its status says so, or its time of payment is known.
func (c *charge) wasPaid() int64 {
	switch {
	case c.hasPaid:
		return c.paid
	case c.paidAt != 0, slices.Contains([]string{"paid", "overpaid", "underpaid", "chargedback", "refunded", "partial_canceled"}, c.status):
		return c.amount
	}
	return 0
}

// paidTime is when the charge was paid, as far as is known.
func (c *charge) paidTime() int64 {
	if c.paidAt != 0 {
		return c.paidAt
	}
	return c.created
}

// changed is when the charge last changed: its updated_at may be older than
// its payment.
func (c *charge) changed() int64 { return max(c.updated, c.paidTime()) }

// comparePaid: what was paid is in the credit payables.
func (b *book) comparePaid(s *sale) {
	c := s.charge
	w := claim{want: c.wasPaid(), event: c.paidTime(), oldest: c.paidTime(), reason: "the credit payables are not what was paid", instead: map[string]int64{}}
	switch {
	case w.want == 0 && c.status == "canceled":
		b.paid.except("canceled_before_payment") // and must have no payables
	case w.want == 0 && slices.Contains([]string{"authorized_pending_capture", "waiting_capture"}, c.transaction):
		b.paid.except("authorised_only") // the same
	case c.interest != 0:
		w.instead["interest_and_fine"] = plus(c.amount, c.interest)
	}
	if w.want != 0 && w.want != c.amount {
		for _, status := range []string{"overpaid", "underpaid"} {
			if c.status == status || c.transaction == status {
				w.instead[status] = c.amount
			}
		}
		if c.status == "underpaid" || c.transaction == "underpaid" {
			w.instead["underpaid_unsettled"] = 0
		}
	}
	have := sumsOf(s, 1, "credit")
	if b.voided(s) && have.all == 0 {
		b.paid.except("voided")
		return
	}
	b.compare(b.paid, c, w, have)
}

// voided tells of a charge that was taken back before it was settled.
func (b *book) voided(s *sale) bool {
	return s.charge.transaction == "voided" && s.charge.toBeRefunded() == s.charge.wasPaid()
}

// toBeRefunded is what was taken back of what was paid.
func (c *charge) toBeRefunded() int64 {
	paid := c.wasPaid()
	switch {
	case paid == 0:
		return 0
	case c.hasCanceled:
		return c.canceled
	case c.status == "canceled", c.status == "refunded":
		return paid
	}
	return 0
}

// compareRefunds: what was taken back is in the refund payables.
func (b *book) compareRefunds(s *sale) {
	c := s.charge
	w := claim{want: c.toBeRefunded(), event: c.canceledAt, oldest: c.paidTime(), parts: true, reason: "the refund payables are not what was taken back", instead: map[string]int64{}}
	if w.event == 0 {
		w.event = c.changed()
	}
	have, gross := sumsOf(s, -1, "refund", "refund_reversal"), sumsOf(s, -1, "refund")
	if w.want == 0 && len(have.keys) == 0 {
		return
	}
	if gross.all != have.all {
		w.instead["refund_reversed"] = have.all // the boleto's refund came back: the charge does not say how it counts this
		if w.want != 0 && w.want != gross.all && w.want != have.all {
			delete(w.instead, "refund_reversed")
		}
	}
	switch {
	case b.voided(s) && have.all == 0:
		b.refunds.except("voided")
		return
	case slices.Contains([]string{"partial_capture", "partial_void"}, c.transaction) && w.want == c.amount-c.wasPaid():
		w.instead["partly_captured"] = 0
	case c.chargedBack() && w.want == c.wasPaid():
		w.instead["chargeback_counted_as_canceled"] = 0
	}
	b.compare(b.refunds, c, w, have)
}

func (c *charge) chargedBack() bool {
	return c.status == "chargedback" || c.transaction == "chargedback"
}

// compareChargebacks: what a chargeback took is in its payables. A charge has no
// field for that amount, so that it is taken to be all that was left.
func (b *book) compareChargebacks(s *sale) {
	c := s.charge
	have, net := sumsOf(s, -1, "chargeback"), sumsOf(s, -1, "chargeback", "chargeback_refund")
	if !c.chargedBack() && len(net.keys) == 0 {
		return
	}
	left := c.wasPaid() - sumsOf(s, -1, "refund", "refund_reversal").all
	w := claim{event: c.changed(), oldest: c.changed(), reason: "the chargeback payables are not what the charge still held", instead: map[string]int64{}}
	if c.chargedBack() {
		w.want = left
	} else {
		w.reason = "chargeback payables of a charge without a chargeback"
	}
	if net.all != have.all && (net.all == 0 || !c.chargedBack()) {
		b.chargebacks.except("chargeback_won")
		if net.all == 0 {
			return
		}
	}
	if !slices.Contains(statuses[:], c.status) {
		w.instead["charge_of_unknown_status"] = left
	}
	b.compare(b.chargebacks, c, w, have)
}

// statuses are those that are documented for charges, or known from elsewhere.
var statuses = [...]string{"pending", "paid", "canceled", "processing", "failed", "overpaid", "underpaid", "chargedback", "refunded", "partial_canceled"}
