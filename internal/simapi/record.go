package simapi

import (
	"strconv"
	"time"
)

// Record is one record as the API gives it at the moment of the clock.
type Record struct {
	Stream  string
	Key     string    // the id as text, also of a record whose JSON lacks it
	Created time.Time // as precise as the date format shows it; finer than microseconds with DatesTicks
	Amount  int64     // in cents; the available amount of a balance, 0 for recipients
	Status  string    // as shown; empty for balances
	Bad     string    // why it cannot be decoded, "" for good records
	JSON    []byte    // valid until the callback returns
}

// view is a world seen through a shape at one moment.
type view struct {
	w     *World
	s     *Shape
	now   int64
	enc   *enc
	since int64 // nothing older is served; 0 = no horizon

	deleted deletedFunc // nil = nothing is
	feed    feed
}

func (w *World) view(s *Shape, now int64) *view {
	return &view{w: w, s: s, now: now, enc: w.encoder(s, now)}
}

// facts are what filters and the truth need to know of a record.
type facts struct {
	key       string
	created   int64
	amount    int64
	status    string // as shown
	state     string // the real one, which filters use
	hash      uint64
	method    string
	customer  string
	order     string
	charge    string
	recipient string
	kind      string // type of a payable
	code      string
	event     string // of a hook
	updated   int64  // payables only
	payment   int64  // payables only
}

// facts computes the facts of a record; ids of other records only if links.
func (v *view) facts(stream string, r ref, links bool) facts {
	f := facts{created: v.s.Dates.shown(r.t)}
	switch stream {
	case Orders, Charges:
		v.saleFacts(&f, stream, r, links)
	case Payables:
		v.payableFacts(&f, r, links)
	case BalanceOperations:
		op := v.w.operation(r, v.now)
		f.key, f.hash, f.amount, f.state = strconv.FormatInt(op.id, 10), op.h, op.amount, op.status
		f.status = op.status
		if links {
			f.recipient = v.s.idText("re_", v.w.recipientHash(op.recipient(r)))
		}
	case Hooks:
		h := v.w.hook(r)
		f.key, f.hash, f.event, f.created = v.s.idText("hook_", h.h), h.h, h.event(), v.s.Dates.shown(h.created())
		f.state, _, _ = h.state(v.now)
		f.status = f.state
	case Recipients, RecipientBalance:
		h := v.w.recipientHash(int(r.idx))
		f.key, f.hash = v.s.idText("re_", h), h
		if stream == Recipients {
			f.state = v.w.recipientStatus(int(r.idx), v.now)
			f.status = v.s.status(h, f.state)
		} else {
			f.amount, _, _ = v.w.balance(int(r.idx), v.now)
		}
	}
	return f
}

func (op *operation) recipient(r ref) int {
	if op.transfer {
		return int(r.idx)
	}
	return op.p.recipient
}

func (v *view) saleFacts(f *facts, stream string, r ref, links bool) {
	o := v.w.order(int(r.day), int(r.idx))
	f.amount = o.amount
	if stream == Orders {
		f.key, f.hash, f.state = v.s.idText("or_", o.h^saltOrder), o.h, o.status(v.now)
	} else {
		c := o.charge(int(r.sub), v.now)
		f.key, f.hash, f.state = v.s.idText("ch_", c.hash()), c.hash(), c.status
	}
	f.status = v.s.status(f.hash, f.state)
	if links {
		f.method = methodNames[o.method]
		f.customer = v.s.idText("cus_", v.w.customerHash(o.customer))
		f.order = v.s.idText("or_", o.h^saltOrder)
		f.code = "PED-" + strconv.Itoa(o.day) + "-" + strconv.Itoa(o.idx)
	}
}

func (v *view) payableFacts(f *facts, r ref, links bool) {
	p := v.w.payable(r)
	f.hash, f.amount = p.h, p.amount
	f.state, f.payment, _ = p.at(v.now)
	f.status = v.s.status(p.h, f.state)
	f.key = strconv.FormatInt(p.number(), 10)
	if !v.s.NumericIDs {
		f.key = v.s.idText("pay_", p.h)
	}
	f.updated = p.updated(v.now)
	if links {
		f.method, f.kind = methodNames[p.o.method], payableType[p.kind-isPayment]
		f.recipient = v.s.idText("re_", v.w.recipientHash(p.recipient))
		f.charge = v.s.idText("ch_", mix(p.o.h^saltCharge+uint64(p.o.attempts-1)))
	}
}

// write appends the JSON of a record and a comma to the encoder's buffer.
func (v *view) write(stream string, r ref) {
	e := v.enc
	e.bad = ""
	switch stream {
	case Orders:
		o := v.w.order(int(r.day), int(r.idx))
		e.bad = v.s.badKind(stream, o.h)
		e.order(&o)
	case Charges:
		o := v.w.order(int(r.day), int(r.idx))
		c := o.charge(int(r.sub), v.now)
		e.bad = v.s.badKind(stream, c.hash())
		e.charge(&c)
	case Payables:
		p := v.w.payable(r)
		e.bad = v.s.badKind(stream, p.h)
		e.payable(&p)
	case BalanceOperations:
		op := v.w.operation(r, v.now)
		e.bad = v.s.badKind(stream, op.h)
		e.operation(&op, r)
	case Recipients:
		e.bad = v.s.badKind(stream, v.w.recipientHash(int(r.idx)))
		e.recipient(int(r.idx))
	case RecipientBalance:
		e.recipientBalance(int(r.idx))
	case Hooks:
		h := v.w.hook(r)
		e.bad = v.s.badKind(stream, h.h)
		e.hook(&h)
	}
}
