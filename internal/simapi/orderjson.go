package simapi

// order writes one order as GET /orders lists it.
func (e *enc) order(o *order) {
	now := e.now
	e.raw("{")
	e.ownID("or_", o.h^saltOrder)
	e.raw(`"code":"`)
	e.orderCode(o)
	e.raw(`",`)
	e.ownAmount(o.amount)
	closed := now >= o.closedAt
	e.choice(closed, `"currency":"BRL","closed":true,`, `"currency":"BRL","closed":false,`)
	e.items(o)
	e.customer(o.customer)
	e.member(`"status":`, e.s.status(o.h, o.status(now)))
	e.ownTime(o.created)
	e.time(`"updated_at":`, o.updated(now))
	if closed {
		e.optional(`"closed_at":`, o.closedAt)
	} else {
		e.optional(`"closed_at":`, 0)
	}
	e.raw(`"charges":[`)
	full := mix(o.h)%4 == 0 // some list answers hold the last transaction, some do not
	for n := range o.chargesAt(now) {
		c := o.charge(n, now)
		e.raw("{")
		e.chargeBody(&c, false)
		if full {
			e.transaction(&c)
		}
		e.end("}")
	}
	e.end("]")
	e.orderExtras(o)
	e.end("}")
}

// orderCode writes the merchant's own reference.
func (e *enc) orderCode(o *order) {
	e.raw("PED-")
	e.num(int64(o.day))
	e.raw("-")
	e.num(int64(o.idx))
}

func (e *enc) items(o *order) {
	e.raw(`"items":[`)
	for i := range o.nItems {
		it := &o.items[i]
		p := &products[it.product]
		e.raw("{")
		e.id(`"id":`, "oi_", o.h^saltItem+uint64(i))
		e.member(`"type":`, "product")
		e.member(`"description":`, p.name)
		e.int(`"amount":`, p.price)
		if e.bad == BadType && i == 0 {
			e.raw(`"quantity":{"units":1},`)
		} else {
			e.int(`"quantity":`, it.quantity)
		}
		e.member(`"category":`, p.category)
		e.raw(`"code":"SKU`)
		e.num(int64(it.product) + 100)
		e.raw(`","status":"active",`)
		if e.s.UnknownFields {
			e.raw(`"warehouse":{"aisle":"B","bin":[4,7]},`)
		}
		e.time(`"created_at":`, o.created)
		e.time(`"updated_at":`, o.created)
		e.end("}")
	}
	e.end("]")
}

// orderExtras writes what only some orders have.
func (e *enc) orderExtras(o *order) {
	d := draw(mix(o.h ^ saltCheckout))
	if o.shipping > 0 {
		e.shippingOf(o, &d)
	}
	e.raw(`"metadata":{"canal":"`)
	e.raw([...]string{"site", "app", "loja", "marketplace"}[d.n(4)])
	e.raw(`","campanha":"camp-`)
	e.num(int64(d.n(60)))
	e.choice(o.editedAt(e.now), `","revisado":"sim"},`, `"},`)
	if d.chance(600) {
		e.raw(`"ip":"203.0.113.`)
		e.num(int64(d.n(255)))
		e.raw(`",`)
		e.uuid(`"session_id":`, d.next())
		e.raw(`"device":{"platform":"`)
		e.choice(d.chance(600), `ANDROID OS"},`, `WEB"},`)
	}
	if d.chance(150) {
		e.raw(`"location":{"latitude":"-23.55`)
		e.digits(d.next(), 3)
		e.raw(`","longitude":"-46.63`)
		e.digits(d.next(), 3)
		e.raw(`"},"integration":{"code":"vtex"},`)
	}
	if d.chance(25) {
		e.checkout(o)
	}
	if e.s.OrderField {
		e.raw(`"fulfillment":{"kind":"pickup"},`)
	}
	if e.s.UnknownFields {
		e.raw(`"risk_score":0.25,"channel_v2":{"name":"loja","tags":["a","b"]},`)
	}
}

func (e *enc) shippingOf(o *order, d *draw) {
	e.raw(`"shipping":{`)
	e.int(`"amount":`, o.shipping)
	e.choice(d.chance(500), `"description":"Econ\u00f4mico",`, `"description":"Expresso",`)
	e.raw(`"recipient_name":"`)
	e.raw(firstNames[d.n(len(firstNames))])
	e.raw(" ")
	e.raw(lastNames[d.n(len(lastNames))])
	e.raw(`","recipient_phone":"55119`)
	e.digits(d.next(), 8)
	e.raw(`","address":{`)
	e.place(d)
	e.end("}")
	e.time(`"estimated_delivery_date":`, o.created+int64(2+d.n(9))*oneDay)
	e.end("}")
}

func (e *enc) checkout(o *order) {
	e.raw(`"checkouts":[{`)
	e.id(`"id":`, "chk_", o.h^saltCheckout)
	e.int(`"amount":`, o.amount)
	e.raw(`"currency":"BRL","default_payment_method":"credit_card","success_url":"https://loja.example.com/ok","payment_url":"https://pay.example.com/c",`)
	e.raw(`"accepted_payment_methods":["credit_card","pix","boleto"],"accepted_brands":["visa","mastercard"],"status":"closed","customer_editable":false,"billing_address_editable":true,"shippable":true,"skip_checkout_success_page":false,`)
	e.raw(`"credit_card":{"statementDescriptor":"LOJA","installments":[{"number":1,"total":`)
	e.num(o.amount)
	e.raw(`}]},"pix":{"additional_information":[{"Name":"Pedido","Value":"web"}]},"bank_transfer":{"bank":["001","237"]},`)
	e.time(`"created_at":`, o.created)
	e.time(`"updated_at":`, o.created)
	e.time(`"expires_at":`, o.created+3*oneDay)
	e.end("}]")
}
