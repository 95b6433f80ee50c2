package simapi

// chargeIDSince is the day since which payables carry a charge id.
const chargeIDSince = 19539 * oneDay // 2023-07-01

// payable writes one payable as GET /payables lists it.
func (e *enc) payable(p *payable) {
	status, payment, prepayFee := p.at(e.now)
	e.raw("{")
	if e.bad != BadNoID {
		e.payableID(`"id":`, p, e.s.NumericIDs)
	}
	e.member(`"status":`, e.s.status(p.h, status))
	e.ownAmount(p.amount)
	e.cents(`"fee":`, p.fee)
	e.cents(`"anticipation_fee":`, prepayFee)
	e.int(`"fraud_coverage_fee":`, 0)
	if e.bad == BadType {
		e.raw(`"installment":["primeira"],`)
	} else {
		e.int(`"installment":`, int64(p.inst))
	}
	if e.s.NumericIDs {
		e.int(`"gateway_id":`, int64(mix(p.o.h^saltGateway)>>36))
	} else {
		e.id(`"payment_profile_id":`, "pp_", e.w.recipientHash(p.recipient)+1)
		if status == "paid" {
			e.id(`"settlement_id":`, "stl_", mix(uint64(payment))^uint64(p.recipient))
		}
	}
	e.payableLinks(p)
	e.time(`"payment_date":`, payment)
	if payment != p.payment {
		e.time(`"original_payment_date":`, p.payment)
		e.id(`"anticipation_id":`, "ant_", p.h)
	}
	e.member(`"type":`, payableType[p.kind-isPayment])
	e.member(`"payment_method":`, methodNames[p.o.method])
	e.time(`"accrual_at":`, p.accrual)
	e.ownTime(p.created)
	if e.s.UnknownFields {
		e.raw(`"registry":{"name":"cerc","contracts":[{"id":7}]},`)
	}
	e.end("}")
}

var payableType = [...]string{"credit", "refund", "chargeback", "chargeback_refund"}

func (e *enc) payableID(key string, p *payable, number bool) {
	if number {
		e.int(key, p.number())
		return
	}
	e.id(key, "pay_", p.h)
}

// payableLinks writes what a payable belongs to.
func (e *enc) payableLinks(p *payable) {
	if p.created >= chargeIDSince {
		e.id(`"charge_id":`, "ch_", mix(p.o.h^saltCharge+uint64(p.o.attempts-1)))
	}
	if p.o.parties > 1 {
		e.id(`"split_id":`, "sr_", p.o.h^saltSplit+uint64(p.party))
	}
	e.id(`"recipient_id":`, "re_", e.w.recipientHash(p.recipient))
	switch p.kind {
	case isRefund:
		e.raw(`"originator_model":"refund",`)
		e.id(`"originator_model_id":`, "rf_", p.o.h^saltRefund)
	case isChargeback, isWon:
		e.raw(`"originator_model":"chargeback",`)
		e.id(`"originator_model_id":`, "cb_", p.o.h^saltChargeback)
	}
}

// operation writes one balance operation as GET /balance/operations listed it.
func (e *enc) operation(op *operation, r ref) {
	e.raw("{")
	if e.bad != BadNoID {
		if e.s.BalanceStringIDs {
			e.raw(`"id":"`)
			e.num(op.id)
			e.raw(`",`)
		} else {
			e.int(`"id":`, op.id)
		}
	}
	e.member(`"status":`, op.status)
	e.cents(`"balance_amount":`, 0)
	if op.transfer {
		e.member(`"type":`, "transfer")
	} else if e.s.odd(op.h) {
		e.member(`"type":`, "ajuste_v2")
	} else {
		e.member(`"type":`, "payable")
	}
	e.ownAmount(op.amount)
	e.cents(`"fee":`, op.fee)
	e.ownTime(r.t)
	switch {
	case e.bad == BadType:
		e.raw(`"movement_object":{"amount":[1]},`)
	case op.transfer:
		e.transferMovement(op, r)
	default:
		e.payableMovement(&op.p)
	}
	e.end("}")
}

func (e *enc) payableMovement(p *payable) {
	status, payment, prepayFee := p.at(e.now)
	e.raw(`"movement_object":{"object":"payable","id":"`)
	e.num(p.number())
	e.raw(`",`)
	e.member(`"status":`, status)
	e.cents(`"amount":`, p.amount)
	e.cents(`"fee":`, p.fee)
	e.cents(`"anticipation_fee":`, prepayFee)
	e.cents(`"fraud_coverage_fee":`, 0)
	e.cents(`"installment":`, int64(p.inst))
	e.raw(`"gateway_id":"`)
	e.num(int64(mix(p.o.h^saltGateway) >> 36))
	e.raw(`",`)
	e.payableLinks(p)
	e.time(`"payment_date ":`, payment) // the blank is the platform's
	e.member(`"payment_method":`, methodNames[p.o.method])
	e.member(`"type":`, payableType[p.kind-isPayment])
	e.time(`"created_at":`, p.created)
	if e.s.UnknownFields {
		e.raw(`"ledger_v2":{"book":"b1"},`)
	}
	e.end("}")
}

func (e *enc) transferMovement(op *operation, r ref) {
	e.raw(`"movement_object":{"object":"transfer",`)
	e.int(`"id":`, op.id-900_000_000)
	e.member(`"status":`, "paid")
	e.cents(`"amount":`, -op.amount)
	e.cents(`"fee":`, op.fee)
	e.member(`"type":`, "ted")
	e.raw(`"source_type":"recipient",`)
	e.id(`"source_id":`, "re_", e.w.recipientHash(int(r.idx)))
	e.raw(`"target_type":"bank_account","target_id":"`)
	e.num(int64(r.idx) + 7000)
	e.raw(`",`)
	e.time(`"funding_estimated_date":`, r.t)
	e.time(`"created_at":`, r.t)
	e.end("}")
}
