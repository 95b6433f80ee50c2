package simapi

// Lies that a hook may tell.
const (
	lieUnknown   = iota + 1 // an object that does not exist
	lieOther                // data of another kind than the event says
	lieNoData               // data is null
	lieNoID                 // data without an id
	lieEvent                // an event that nobody documents
	lieFuture               // data with dates of the far future
	lieStale                // the object as it was when it was created, sent anew
	lieDuplicate            // the same event under another id
	lieCreated              // the hook's own time is far ahead
	lies         = lieCreated
)

// farAhead is how far the dates of lies are in the future.
const farAhead = 3653 * oneDay

// created is the creation time that the hook shows.
func (h *hook) created() int64 {
	if h.lie == lieCreated {
		return h.t + farAhead
	}
	return h.t
}

func (h *hook) event() string {
	if h.lie == lieEvent {
		return "order.teleported"
	}
	return hookName(h.kind)
}

// hook writes one hook as GET /hooks lists it.
func (e *enc) hook(h *hook) {
	status, attempts, response := h.state(e.now)
	e.raw("{")
	e.ownID("hook_", h.h)
	e.raw(`"url":"https://loja.example.com/hooks",`)
	key := `"event":`
	if e.s.HookType {
		key = `"type":`
	}
	e.member(key, h.event())
	e.member(`"status":`, status)
	e.member(`"attempts":`, attempts)
	if response != "" {
		e.time(`"last_attempt":`, h.t+minute)
		e.member(`"response_status":`, response)
		e.choice(response == "200", `"response_raw":"ok",`, `"response_raw":"<html>erro<\/html>",`)
	}
	e.raw(`"account":{`)
	e.id(`"id":`, "acc_", e.w.seed)
	e.raw(`"name":"Loja Exemplo"},`)
	e.ownTime(h.created())
	e.raw(`"data":`)
	e.hookData(h)
	e.end("}")
}

// hookData writes the object of a hook as it was at the time of the event.
func (e *enc) hookData(h *hook) {
	now, bad := e.now, e.bad
	defer func() { e.now, e.bad = now, bad }()
	e.now, e.bad = h.t, ""
	switch h.lie {
	case lieNoData:
		e.raw("null,")
		return
	case lieNoID:
		e.raw(`{"status":"paid"},`)
		return
	case lieUnknown:
		e.unknown(h)
		return
	}
	if h.kind >= recipientCreated {
		e.recipient(int(h.idx))
		return
	}
	o := e.w.order(int(h.day), int(h.idx))
	switch h.lie {
	case lieStale:
		e.now = o.created + 1
	case lieFuture:
		e.future(h, &o)
		return
	}
	if ofCharge(h.kind) != (h.lie == lieOther) {
		c := o.charge(int(h.sub), e.now)
		e.charge(&c)
		return
	}
	e.order(&o)
}

func ofCharge(kind uint8) bool {
	switch kind {
	case chargeCreated, chargePaid, chargeFailed, chargeRefunded, chargePartial, chargeDisputed:
		return true
	}
	return false
}

// object is the prefix and the hash of the id of the object of a hook.
func (e *enc) object(h *hook) (prefix string, id uint64) {
	o := e.w.orderHash(int(h.day), int(h.idx))
	switch {
	case h.kind >= recipientCreated:
		return "re_", e.w.recipientHash(int(h.idx))
	case ofCharge(h.kind):
		return "ch_", mix(o ^ saltCharge + uint64(h.sub))
	}
	return "or_", o ^ saltOrder
}

// unknown writes an object with an id that nothing has.
func (e *enc) unknown(h *hook) {
	prefix, _ := e.object(h)
	e.raw("{")
	e.id(`"id":`, prefix, mix(h.h^saltLie))
	e.member(`"status":`, "paid")
	e.int(`"amount":`, 100)
	e.time(`"created_at":`, h.t-oneDay)
	e.time(`"updated_at":`, h.t)
	e.end("}")
}

// future writes a short form of the object with dates that are far ahead.
func (e *enc) future(h *hook, o *order) {
	prefix, id := e.object(h)
	e.raw("{")
	e.id(`"id":`, prefix, id)
	e.member(`"status":`, "paid")
	e.int(`"amount":`, o.amount+1)
	e.time(`"created_at":`, o.created+farAhead)
	e.time(`"updated_at":`, o.created+farAhead)
	e.end("}")
}
