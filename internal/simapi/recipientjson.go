package simapi

// recipient writes one recipient as GET /recipients lists it.
func (e *enc) recipient(i int) {
	h := e.w.recipientHash(i)
	e.raw("{")
	if e.bad != BadNoID {
		e.id(`"id":`, "re_", h)
	}
	e.recipientBody(i, h)
	e.raw(`"transfer_settings":{"transfer_enabled":`)
	e.choice(e.w.transfersDaily(i), `true,"transfer_interval":"Daily",`, `false,"transfer_interval":"Weekly",`)
	if e.bad == BadType {
		e.raw(`"transfer_day":{"n":0}},`)
	} else {
		e.raw(`"transfer_day":0},`)
	}
	e.bankAccount(h, e.w.recipientCreated(i))
	e.raw(`"automatic_anticipation_settings":{"enabled":false,"type":"full","volume_percentage":50,"delay":15,"days":[1,15]},`)
	e.raw(`"gateway_recipients":[{"gateway":"pagarme","status":"active","pgid":"re_`)
	e.word(mix(h+3), 10)
	e.raw(`"}],"payment_mode":"bank_transfer",`)
	e.registration(h)
	e.raw(`"kyc_details":{"status":"approved"},`)
	e.id(`"payment_profile_id":`, "pp_", h+1)
	if e.s.UnknownFields {
		e.raw(`"tax_regime":"simples","limits":{"daily":{"amount":500000}},`)
	}
	e.raw(`"metadata":{"loja":"`)
	e.num(int64(i))
	e.raw(`"}},`)
}

// recipientBody writes what a recipient shows both in the list and inside
// other records.
func (e *enc) recipientBody(i int, h uint64) {
	d := draw(h)
	e.raw(`"name":"`)
	e.raw(lastNames[d.n(len(lastNames))])
	e.raw(" ")
	e.raw(cities[d.n(len(cities))].name)
	e.raw(` Com\u00e9rcio Ltda","email":"`)
	e.word(d.next(), 8)
	e.raw(`@example.com","document":"`)
	e.digits(d.next(), 14)
	e.raw(`","description":"Loja parceira","type":"company","status":"`)
	e.raw(e.s.status(h, e.w.recipientStatus(i, e.now)))
	e.raw(`",`)
	t := e.w.recipientCreated(i)
	e.time(`"created_at":`, t)
	e.time(`"updated_at":`, t+hour)
}

// recipientStatus is "registration" on a recipient's first day.
func (w *World) recipientStatus(i int, now int64) string {
	switch {
	case now < w.recipientCreated(i)+oneDay:
		return "registration"
	case i > 0 && w.recipientHash(i)%17 == 0:
		return "suspended"
	}
	return "active"
}

func (e *enc) bankAccount(h uint64, created int64) {
	d := draw(mix(h ^ saltBank))
	e.raw(`"default_bank_account":{`)
	e.id(`"id":`, "ba_", d.next())
	e.raw(`"holder_name":"Loja parceira","holder_type":"company","holder_document":"`)
	e.digits(d.next(), 14)
	e.raw(`","bank":"237","branch_number":"`)
	e.digits(d.next(), 4)
	e.raw(`","branch_check_digit":"0","account_number":"`)
	e.digits(d.next(), 6)
	e.raw(`","account_check_digit":"7","type":"checking","status":"active",`)
	e.time(`"created_at":`, created)
	e.time(`"updated_at":`, created)
	e.raw(`"metadata":{}},`)
}

func (e *enc) registration(h uint64) {
	d := draw(mix(h ^ saltAddress))
	e.raw(`"register_information":{"type":"corporation","company_name":"Loja parceira Ltda","trading_name":"Loja parceira","annual_revenue":"1200000","phone_numbers":[{"ddd":"11","number":"9`)
	e.digits(d.next(), 8)
	e.raw(`","type":"mobile"}],"main_address":{"street":"Rua do Sol","street_number":"`)
	e.num(int64(1 + d.n(900)))
	e.raw(`","neighborhood":"Centro","city":"Recife","state":"PE","zip_code":"50`)
	e.digits(d.next(), 6)
	e.raw(`"},"managing_partners":[{"name":"S\u00f3cia Exemplo","document":"`)
	e.digits(d.next(), 11)
	e.raw(`","mother_name":"M\u00e3e Exemplo","monthly_income":"9000","self_declared_representative":true}]},`)
}

// recipientBalance writes the answer of GET /recipients/{id}/balance.
func (e *enc) recipientBalance(i int) {
	available, waitingFunds, transferred := e.w.balance(i, e.now)
	h := e.w.recipientHash(i)
	e.raw(`{"currency":"BRL",`)
	e.int(`"available_amount":`, available)
	e.cents(`"waiting_funds_amount":`, waitingFunds)
	if e.s.NumericIDs {
		e.int(`"transferred_amount":`, transferred)
	} else {
		e.id(`"payment_profile_id":`, "pp_", h+1)
	}
	e.raw(`"recipient":{`)
	e.id(`"id":`, "re_", h)
	e.recipientBody(i, h)
	e.end("}")
	e.end("}")
}
