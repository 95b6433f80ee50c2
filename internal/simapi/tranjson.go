package simapi

// transaction writes the last transaction of a charge, in the variant of its
// payment method.
func (e *enc) transaction(c *charge) {
	o := c.o
	d := draw(mix(c.hash() ^ saltTran))
	e.raw(`"last_transaction":{`)
	e.id(`"id":`, "tran_", d.next())
	if e.s.odd(c.hash() + 1) {
		e.member(`"transaction_type":`, "carteira_digital")
	} else {
		e.member(`"transaction_type":`, methodNames[o.method])
	}
	e.gateway(d.next())
	e.int(`"amount":`, o.amount)
	e.member(`"status":`, c.tran)
	e.choice(c.success, `"success":true,`, `"success":false,`)
	e.time(`"created_at":`, c.created)
	e.time(`"updated_at":`, c.updated)
	if o.parties > 1 {
		e.splits(o)
	}
	switch o.method {
	case pix:
		e.pixPart(c, &d)
	case boleto:
		e.boletoPart(c, &d)
	case bankTransfer:
		e.raw(`"url":"https://pay.example.com/ted","bank":"237",`)
		e.optional(`"paid_at":`, c.paidAt)
	case cash:
		e.raw(`"description":"Pago no caixa",`)
	default:
		e.cardPart(c, &d)
	}
	if e.s.UnknownFields {
		e.raw(`"network_token":{"cryptogram":"AgAAAAAA","eci_v2":5},`)
	}
	e.raw(`"gateway_response":{"code":"200","errors":[]},"antifraud_response":{},"metadata":{}},`)
}

func (e *enc) splits(o *order) {
	e.raw(`"split":[`)
	for i := range o.parties {
		r := o.recipient[i]
		e.raw("{")
		e.id(`"id":`, "sr_", o.h^saltSplit+uint64(i))
		e.raw(`"type":"flat",`)
		e.int(`"amount":`, part(o.amount, i, o.parties))
		e.raw(`"recipient":{`)
		e.id(`"id":`, "re_", e.w.recipientHash(r))
		e.raw(`"name":"Loja parceira","type":"company","status":"active"`)
		e.end("}")
		e.choice(i == 0, `"options":{"liable":true,"charge_processing_fee":true,"charge_remainder_fee":true}},`, `"options":{"liable":false,"charge_processing_fee":false,"charge_remainder_fee":false}},`)
	}
	e.end("]")
}

var brands = [...]string{"Visa", "Mastercard", "Elo", "Hipercard", "Amex"}

func (e *enc) cardPart(c *charge, d *draw) {
	o := c.o
	if o.method == creditCard {
		e.int(`"installments":`, int64(o.inst))
		e.raw(`"funding_source":"credit",`)
	}
	e.raw(`"statement_descriptor":"LOJA","acquirer_name":"simulador","acquirer_tid":"`)
	e.digits(d.next(), 14)
	e.raw(`","acquirer_nsu":"`)
	e.digits(d.next(), 9)
	e.raw(`","acquirer_auth_code":"`)
	e.digits(d.next(), 6)
	e.choice(c.success, `","acquirer_message":"Transa\u00e7\u00e3o aprovada","acquirer_return_code":"00",`, `","acquirer_message":"N\u00e3o autorizada","acquirer_return_code":"51",`)
	e.raw(`"operation_type":"auth_and_capture","card":{`)
	card := mix(e.w.customerHash(o.customer) ^ saltCard)
	e.id(`"id":`, "card_", card)
	e.raw(`"first_six_digits":"4`)
	e.digits(card, 5)
	e.raw(`","last_four_digits":"`)
	e.digits(card>>20, 4)
	e.raw(`",`)
	e.member(`"brand":`, brands[pick(card, len(brands))])
	e.member(`"holder_name":`, "CLIENTE DA LOJA")
	e.int(`"exp_month":`, 1+int64(card%12))
	e.int(`"exp_year":`, 2027+int64(card%7))
	e.member(`"status":`, "active")
	e.choice(o.method == debitCard, `"type":"debit",`, `"type":"credit",`)
	created := e.w.customerCreated(e.w.customerHash(o.customer))
	e.time(`"created_at":`, created)
	e.time(`"updated_at":`, created)
	place := draw(card)
	e.raw(`"billing_address":{`)
	e.place(&place)
	e.end("}")
	e.end("}")
}

func (e *enc) pixPart(c *charge, d *draw) {
	e.raw(`"qr_code":"00020126br.gov.bcb.pix2563pix.example.com/`)
	e.word(d.next(), 10)
	e.raw(`5204000053039865802BR","qr_code_url":"https://pay.example.com/qr/`)
	e.word(d.next(), 10)
	e.raw(`",`)
	e.time(`"expires_at":`, c.created+hour)
	e.raw(`"additional_information":[{"Name":"Pedido","Value":"`)
	e.orderCode(c.o)
	e.raw(`"}],`)
	if c.paidAt == 0 {
		return
	}
	e.raw(`"end_to_end_id":"E`)
	e.digits(d.next(), 18)
	e.raw(`","pix_provider_tid":"`)
	e.word(d.next(), 10)
	e.raw(`","payer":{"name":"Pagador da Silva","document":"***`)
	e.digits(d.next(), 6)
	e.raw(`**","document_type":"CPF","bank_account":{"bank_name":"Banco Exemplo","ispb":"`)
	e.digits(d.next(), 8)
	e.raw(`"}},`)
}

func (e *enc) boletoPart(c *charge, d *draw) {
	e.raw(`"url":"https://pay.example.com/boleto/1","pdf":"https://pay.example.com/boleto/1/pdf","pdf_password":"`)
	e.raw(e.canary)
	e.raw(`","line":"03399.`)
	e.digits(d.next(), 18)
	e.raw(`","barcode":"https://pay.example.com/boleto/1/barcode","nosso_numero":"`)
	e.digits(d.next(), 10)
	e.raw(`","bank":"033","document_number":"`)
	e.digits(d.next(), 9)
	e.raw(`","instructions":"Pagar at\u00e9 o vencimento","type":"DM",`)
	if c.o.h%2 == 0 {
		e.raw(`"interest":{"days":1,"type":"percentage","amount":1.5},"fine":{"days":1,"type":"flat","amount":200},`)
	}
	e.time(`"due_at":`, c.o.due())
	if c.paidAt != 0 {
		e.time(`"paid_at":`, c.paidAt)
		e.time(`"credit_at":`, c.paidAt+oneDay)
		e.cents(`"paid_amount":`, c.o.amount)
	}
}
