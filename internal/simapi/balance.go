package simapi

// A balance operation is the trace of a payable in a recipient's balance, or a
// transfer of the balance to a bank account. Payables and transfers share the
// day index; the operations of a payable are created with it.

// indexTransfers adds the transfers of a day: on business days some of the
// recipients with automatic transfers are paid out.
func (w *World) indexTransfers(x *dayIndex, day int) {
	start := w.dayStart(day)
	if payday(start+12*hour, 0) != start+3*hour {
		return // weekend
	}
	at := start + 9*hour
	n := w.recipients(at)
	often := w.size * 1_000_000 / (60 * w.days * n) // at most about 2 % of all records
	for i := range n {
		if w.transfersDaily(i) && pick(mix(w.recipientHash(i)^uint64(day)), 1_000_000) < min(often, 400_000) {
			t := at + int64(i)*7*second
			x.events = append(x.events, event{t: t, day: int32(day), idx: int32(i), n: 1, kind: isTransfer})
		}
	}
}

// operation is one balance operation with its state at a moment.
type operation struct {
	p        payable // of a payable, not of a transfer
	transfer bool
	id       int64
	h        uint64
	status   string
	amount   int64
	fee      int64
}

func (w *World) operation(r ref, now int64) operation {
	if r.kind == isTransfer {
		h := mix(w.recipientHash(int(r.idx)) ^ saltTransfer + uint64(r.day))
		id := 1_000_000_000 + int64(r.day)<<12 + int64(r.idx)
		return operation{transfer: true, id: id, h: h, status: "transferred", amount: -(10_000 + int64(pick(h, 900_000))), fee: 367}
	}
	p := w.payable(r)
	op := operation{p: p, id: p.number() + 300_000_000_000_000, h: mix(p.h ^ saltBalance), amount: p.amount, fee: p.fee}
	status, payment, _ := p.at(now)
	switch {
	case status == "waiting_funds" || now < payment:
		op.status = "waiting_funds"
	case w.transfersDaily(p.recipient) && now >= payment+oneDay+6*hour:
		op.status = "transferred"
	default:
		op.status = "available"
	}
	return op
}
