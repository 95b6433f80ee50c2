package simapi

// A hook is an event that the platform delivered to the merchant's endpoint,
// with the object as it was at that moment. Hooks are made from what happens to
// orders, charges and recipients. Nothing tells of edits, late closings, orders
// that go back to pending, chargebacks that are won, removals and payables.

// What a hook tells.
const (
	orderCreated uint8 = iota + 32
	chargeCreated
	orderPaid
	chargePaid
	orderFailed
	chargeFailed
	orderCanceled
	chargeRefunded
	chargePartial
	chargeDisputed
	recipientCreated
	recipientUpdated
)

var hookNames = [...]string{
	"order.created", "charge.created", "order.paid", "charge.paid", "order.payment_failed", "charge.payment_failed",
	"order.canceled", "charge.refunded", "charge.partial_canceled", "charge.chargedback", "recipient.created", "recipient.updated",
}

func hookName(kind uint8) string { return hookNames[kind-orderCreated] }

// hookDelay is the time from what happened to its hook.
const hookDelay = 1 * second

// hookAges are the days after an order on which something may happen to it,
// each once, with the test that spares most orders a closer look.
func (w *World) hookAges(visit func(k int, may func(h uint64) bool)) {
	seen := [512]bool{}
	for k := range lastBoletoDay + 3 {
		seen[k] = true
		visit(k, func(uint64) bool { return true })
	}
	for _, days := range [...][]int{refundDays[:], lateRefundDays[:], chargebackDays[:], backdateDays[:]} {
		for _, k := range days {
			if seen[k] {
				continue
			}
			seen[k] = true
			visit(k, func(h uint64) bool { return w.refundDay(h) == k || chargebackDay(h) == k || w.backdateDay(h) == k })
		}
	}
}

// indexHooks finds the hooks of a day. Each event stands for the hook and, in
// its second record, for what a server that lies may add (see liesOf).
func (w *World) indexHooks(x *dayIndex, day int) {
	w.hookAges(func(k int, may func(uint64) bool) {
		for i := range w.orders(day - k) {
			if !may(w.orderHash(day-k, i)) {
				continue
			}
			o := w.order(day-k, i)
			w.eachHook(&o, func(kind, sub uint8, t int64) {
				if w.dayOf(t) == day {
					x.events = append(x.events, event{t: t, day: int32(day - k), idx: int32(i), n: 2, kind: kind, sub: sub})
				}
			})
		}
	})
	w.indexRecipientHooks(x, day)
}

func (w *World) indexRecipientHooks(x *dayIndex, day int) {
	for i := range w.recipients(w.dayStart(day + 1)) {
		created := w.recipientCreated(i)
		for kind, t := range map[uint8]int64{recipientCreated: created, recipientUpdated: created + oneDay} {
			if w.dayOf(t) == day {
				x.events = append(x.events, event{t: t, day: int32(day), idx: int32(i), n: 2, kind: kind})
			}
		}
	}
}

// eachHook calls f for every hook of an order, in no order. Hooks of an order
// that appears late are not sent before it does.
func (w *World) eachHook(o *order, f func(kind, sub uint8, t int64)) {
	removed := w.removed(o.h, o.created)
	send := func(kind, sub uint8, t int64) {
		at := max(t, o.appears)
		if removed != 0 && at >= removed {
			return
		}
		f(kind, sub, min(at+hookDelay, (floorDay(at)+1)*oneDay-1))
	}
	last := uint8(o.attempts - 1)
	send(orderCreated, 0, o.created)
	send(chargeCreated, 0, o.created)
	if last > 0 {
		send(chargeFailed, 0, min(o.created+2*second, o.retried))
		send(chargeCreated, last, o.retried)
	}
	switch {
	case o.paid:
		send(orderPaid, 0, o.settled)
		send(chargePaid, last, o.settled)
	case o.method == boleto:
		send(orderCanceled, 0, o.settled)
		send(chargeFailed, last, o.settled)
	default:
		send(orderFailed, 0, o.settled)
		send(chargeFailed, last, o.settled)
	}
	switch {
	case o.disputed != 0:
		send(chargeDisputed, last, o.disputed)
	case o.refunded != 0 && o.refund < o.amount:
		send(chargePartial, last, o.refunded)
	case o.refunded != 0:
		send(chargeRefunded, last, o.refunded)
		send(orderCanceled, 0, o.refunded)
	}
}

// hook is one entry of the list of hooks.
type hook struct {
	ref
	h   uint64
	lie int // what is wrong with it, 0 = nothing
}

func (w *World) hook(r ref) hook {
	base := w.recipientHash(int(r.idx))
	if r.kind < recipientCreated {
		base = w.orderHash(int(r.day), int(r.idx))
	}
	h := hook{ref: r, h: mix(base ^ saltHook + uint64(r.kind)<<8 + uint64(r.sub))}
	if r.unit > 0 {
		h.lie = 1 + pick(mix(h.h^saltLie), lies)
		h.h = mix(h.h + 1)
	}
	return h
}

// hookState is the state of a delivery at a moment: pending for a minute, then
// sent, or failed for good after three attempts.
func (h *hook) state(now int64) (status, attempts, response string) {
	switch {
	case now < h.t+minute:
		return "pending", "0/3", ""
	case h.h%100 < 4:
		return "failed", "3/3", "500"
	case h.h%100 < 12:
		return "sent", "2/3", "200"
	}
	return "sent", "1/3", "200"
}

// delivered tells whether the server lists a hook.
func (v *view) delivered(r ref) bool {
	f, h := &v.feed, v.w.hook(r)
	switch {
	case r.unit > 0:
		return int(mix(h.h^saltLie)%1000) < f.HooksLie
	case v.feed.enabled != nil && !v.feed.enabled[hookName(r.kind)]:
		return false
	case int(mix(h.h)%1000) < f.HooksMissing:
		return false
	}
	at := toTime(r.t)
	return f.HooksMissingSince.IsZero() || at.Before(f.HooksMissingSince) || !at.Before(f.HooksMissingUntil)
}
