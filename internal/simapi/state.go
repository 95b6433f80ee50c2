package simapi

// charge is one charge of an order with its state at a moment.
type charge struct {
	o         *order
	n         int // 0 first, 1 the second attempt
	created   int64
	status    string
	tran      string // status of its last transaction
	success   bool
	paidAt    int64 // 0 = not paid (yet)
	canceled  int64 // time of the cancellation, 0 = none
	canceledV int64 // amount taken back
	updated   int64
}

// chargesAt is how many of the order's charges exist at a moment.
func (o *order) chargesAt(now int64) int {
	if o.attempts == 2 && now > o.retried {
		return 2
	}
	return 1
}

// charge is the n-th charge as it is at a moment.
func (o *order) charge(n int, now int64) charge {
	c := charge{o: o, n: n, created: o.created, status: "pending", tran: waiting[o.method]}
	settled, paid := o.settled, o.paid
	if n == 1 {
		c.created = o.retried
	} else if o.attempts == 2 {
		settled, paid = min(o.created+2*second, o.retried), false
	}
	c.updated = c.created
	switch {
	case now < settled:
		return c
	case !paid:
		c.status, c.tran, c.updated = failedCharge[o.method], failedTran[o.method], settled
		return c
	}
	c.status, c.tran, c.success, c.paidAt = "paid", paidTran[o.method], true, settled
	if o.method == boleto || o.method == pix {
		c.updated = settled // a card's stays that of its creation, as the platform's examples show
	}
	switch {
	case o.won != 0 && now >= o.won:
		c.updated = o.won
	case o.disputed != 0 && now >= o.disputed:
		c.status, c.tran, c.updated = "chargedback", "chargedback", o.disputed
	case o.refunded != 0 && now >= o.refunded:
		c.canceled, c.canceledV, c.updated = o.refunded, o.refund, o.refunded
		c.status, c.tran = "canceled", "refunded"
		if o.refund < o.amount {
			c.status, c.tran = "partial_canceled", "partial_refunded"
		}
	}
	return c
}

var (
	waiting      = [...]string{"authorized_pending_capture", "waiting_payment", "generated", "processing", "processing", "pending", "pending"}
	paidTran     = [...]string{"captured", "paid", "paid", "captured", "captured", "paid", "paid"}
	failedTran   = [...]string{"not_authorized", "expired", "overdue", "not_authorized", "not_authorized", "failed", "failed"}
	failedCharge = [...]string{"failed", "failed", "canceled", "failed", "failed", "failed", "failed"}
)

// status of the order itself at a moment.
func (o *order) status(now int64) string {
	switch {
	case now < o.settled:
		return "pending"
	case !o.paid && o.method == boleto:
		return "canceled"
	case !o.paid:
		return "failed"
	case o.refunded != 0 && now >= o.refunded && o.refund == o.amount:
		return "canceled"
	case o.reopenedAt(now):
		return "pending"
	}
	return "paid"
}

// updated is the time of the last thing that happened to the order.
func (o *order) updated(now int64) int64 {
	last := o.created
	for _, t := range [...]int64{o.disputed, o.refunded, o.settled, o.retried, o.closedAt, o.reopened, o.won} {
		if t <= now {
			last = max(last, t)
		}
	}
	if o.editedAt(now) && !o.silent {
		last = max(last, o.edited)
	}
	return last
}
