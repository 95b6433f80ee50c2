package simapi

func (c *charge) hash() uint64 { return mix(c.o.h ^ saltCharge + uint64(c.n)) }

// charge writes one charge as GET /charges lists it.
func (e *enc) charge(c *charge) {
	e.raw("{")
	e.chargeBody(c, true)
	e.transaction(c)
	e.chargeOrder(c)
	e.end("}")
}

// chargeBody writes what a charge shows both alone and inside its order; own
// marks the charge as the record itself.
func (e *enc) chargeBody(c *charge, own bool) {
	o, h := c.o, c.hash()
	e.chargeHead(c, own)
	if c.paidAt != 0 {
		e.int(`"paid_amount":`, o.amount)
	}
	e.raw(`"currency":"BRL",`)
	e.member(`"payment_method":`, methodNames[o.method])
	if o.method == boleto {
		e.time(`"due_at":`, o.due())
	}
	e.optional(`"paid_at":`, c.paidAt)
	e.optional(`"canceled_at":`, c.canceled)
	if c.canceledV != 0 {
		e.int(`"canceled_amount":`, c.canceledV)
	}
	e.time(`"updated_at":`, c.updated)
	switch {
	case own && e.bad == BadType:
		e.raw(`"customer":{"phones":"nenhum"},`)
	case own:
		e.customer(o.customer)
	default:
		e.briefCustomer(o.customer)
	}
	if h%29 == 0 {
		e.invoice(c)
	}
	e.raw(`"metadata":{"pedido":"`)
	e.orderCode(o)
	e.raw(`"},`)
}

// chargeHead writes the members that a bad record may lack or spoil.
func (e *enc) chargeHead(c *charge, own bool) {
	h := c.hash()
	if own {
		e.ownID("ch_", h)
		e.ownAmount(c.o.amount)
		e.ownTime(c.created)
		e.member(`"status":`, e.s.status(h, c.status))
	} else {
		e.id(`"id":`, "ch_", h)
		e.int(`"amount":`, c.o.amount)
		e.time(`"created_at":`, c.created)
		e.member(`"status":`, c.status)
	}
	e.raw(`"code":"`)
	e.orderCode(c.o)
	e.raw(`",`)
	e.gateway(h)
}

// due is the day a boleto is due.
func (o *order) due() int64 { return (floorDay(o.created)+lastBoletoDay)*oneDay + oneDay - second }

// gateway writes the gateway id, alphanumeric since August 2026.
func (e *enc) gateway(h uint64) {
	if e.s.NumericIDs {
		e.int(`"gateway_id":`, int64(mix(h^saltGateway)>>36))
		return
	}
	e.uuid(`"gateway_id":`, mix(h^saltGateway))
}

// chargeOrder writes the order of a charge, without what belongs to the list
// of orders.
func (e *enc) chargeOrder(c *charge) {
	o := c.o
	e.raw(`"order":{`)
	e.id(`"id":`, "or_", o.h^saltOrder)
	e.raw(`"code":"`)
	e.orderCode(o)
	e.raw(`",`)
	e.int(`"amount":`, o.amount)
	e.choice(e.now >= o.closedAt, `"closed":true,`, `"closed":false,`)
	e.time(`"created_at":`, o.created)
	e.time(`"updated_at":`, o.updated(e.now))
	if e.now >= o.closedAt {
		e.time(`"closed_at":`, o.closedAt)
	}
	e.raw(`"currency":"BRL",`)
	e.member(`"status":`, o.status(e.now))
	e.id(`"customer_id":`, "cus_", e.w.customerHash(o.customer))
	e.raw(`"metadata":{}},`)
}

// invoice writes the invoice of a charge that a subscription made.
func (e *enc) invoice(c *charge) {
	h := mix(c.hash() ^ saltInvoice)
	e.raw(`"invoice":{`)
	e.id(`"id":`, "in_", h)
	e.raw(`"code":"`)
	e.word(h, 10)
	e.raw(`","url":"/invoices",`)
	e.int(`"amount":`, c.o.amount)
	e.member(`"status":`, "paid")
	e.member(`"payment_method":`, methodNames[c.o.method])
	e.int(`"installments":`, int64(c.o.inst))
	e.time(`"due_at":`, c.o.due())
	e.time(`"created_at":`, c.created)
	e.int(`"total_discount":`, 0)
	e.id(`"subscription_id":`, "sub_", h>>1)
	e.raw(`"metadata":{}},"recurrency_cycle":"subsequent",`)
}
