package books

import (
	"strings"

	"github.com/paylake/paylake/schema"
)

// charge is what the books need of a charge. Times are microseconds since 1970,
// 0 for none.
type charge struct {
	id                               string
	status, transaction              string // transaction: status of the last one
	created, paidAt, canceledAt      int64
	updated, extracted               int64
	amount, paid, canceled, interest int64
	hasPaid, hasCanceled             bool
	deleted                          bool
}

func chargeColumns() []string {
	return []string{"id", "status", "last_transaction.status", "created_at", "paid_at", "canceled_at", "updated_at", "amount",
		"paid_amount", "canceled_amount", "interest_and_fine_paid", schema.ColumnExtractedAt, schema.ColumnDeletedAt}
}

func chargeOf(c cells, i int) charge {
	out := charge{
		id: c.text("id", i), status: c.text("status", i), transaction: c.text("last_transaction.status", i),
		created: c.instant("created_at", i), paidAt: c.instant("paid_at", i), canceledAt: c.instant("canceled_at", i),
		updated: c.instant("updated_at", i), extracted: c.instant(schema.ColumnExtractedAt, i),
		amount: c.cents("amount", i), interest: c.cents("interest_and_fine_paid", i),
		deleted: c.instant(schema.ColumnDeletedAt, i) != 0,
	}
	out.paid, out.hasPaid = c.integer("paid_amount", i)
	out.canceled, out.hasCanceled = c.integer("canceled_amount", i)
	return out
}

func (c *charge) pack(p *packed) {
	p.text(c.id)
	p.text(c.status)
	p.text(c.transaction)
	for _, n := range [...]int64{c.created, c.paidAt, c.canceledAt, c.updated, c.extracted, c.amount, c.paid, c.canceled, c.interest} {
		p.number(n)
	}
	for _, f := range [...]bool{c.hasPaid, c.hasCanceled, c.deleted} {
		p.flag(f)
	}
}

func unpackCharge(u *unpacker) charge {
	c := charge{id: u.text(), status: u.text(), transaction: u.text()}
	for _, n := range [...]*int64{&c.created, &c.paidAt, &c.canceledAt, &c.updated, &c.extracted, &c.amount, &c.paid, &c.canceled, &c.interest} {
		*n = u.number()
	}
	for _, f := range [...]*bool{&c.hasPaid, &c.hasCanceled, &c.deleted} {
		*f = u.flag()
	}
	return c
}

// movement is a payable, or the balance operation of one.
type movement struct {
	id, charge, recipient           string
	kind, status, method            string // kind: type of the payable
	originator                      string
	created, payment, extracted     int64 // created: of the payable
	amount, fee, anticipation       int64 // of an operation: its own amount, the fees of the payable
	fraud, installment              int64
	hasAmount, anticipated, deleted bool
	operation                       bool
	own                             string // id of the operation; "" for a payable
}

func payableColumns() []string {
	return []string{"id", "charge_id", "recipient_id", "type", "status", "payment_method", "originator_model", "created_at", "payment_date",
		"original_payment_date", "anticipation_id", "bulk_anticipation_id", "amount", "fee", "anticipation_fee", "fraud_coverage_fee",
		"installment", schema.ColumnExtractedAt, schema.ColumnDeletedAt}
}

func payableOf(c cells, i int) movement {
	m := movement{
		id: c.text("id", i), charge: c.text("charge_id", i), recipient: c.text("recipient_id", i), kind: c.text("type", i),
		status: c.text("status", i), method: c.text("payment_method", i), originator: c.text("originator_model", i),
		created: c.instant("created_at", i), payment: c.instant("payment_date", i), extracted: c.instant(schema.ColumnExtractedAt, i),
		fee: c.cents("fee", i), anticipation: c.cents("anticipation_fee", i), fraud: c.cents("fraud_coverage_fee", i),
		installment: c.cents("installment", i), deleted: c.instant(schema.ColumnDeletedAt, i) != 0,
	}
	m.amount, m.hasAmount = c.integer("amount", i)
	before := c.instant("original_payment_date", i)
	m.anticipated = m.status == "prepaid" || c.text("anticipation_id", i) != "" || c.text("bulk_anticipation_id", i) != "" ||
		before != 0 && before != m.payment
	return m
}

// operation is a balance operation before it became the movement of a payable.
type operation struct {
	movement
	ownFee, objectAmount, objectFee int64
	hasObject                       bool // the movement object tells its amount
}

// objectPaths are the members of the movement object that are read.
func operationColumns() []string {
	out := []string{"id", "status", "created_at", "amount", "fee", schema.ColumnExtractedAt, schema.ColumnDeletedAt}
	for _, name := range strings.Fields("object id recipient_id charge_id type created_at payment_date amount fee anticipation_fee fraud_coverage_fee installment") {
		out = append(out, object+name)
	}
	return out
}

const object = "movement_object."

func operationOf(c cells, i int) operation {
	o := operation{movement: movement{
		own: c.text("id", i), operation: true, id: c.text(object+"id", i), charge: c.text(object+"charge_id", i),
		recipient: c.text(object+"recipient_id", i), kind: c.text(object+"type", i), status: c.text("status", i),
		created: c.instant(object+"created_at", i), payment: c.instant(object+"payment_date", i),
		extracted: c.instant(schema.ColumnExtractedAt, i), fee: c.cents(object+"fee", i),
		anticipation: c.cents(object+"anticipation_fee", i), fraud: c.cents(object+"fraud_coverage_fee", i),
		installment: c.cents(object+"installment", i), deleted: c.instant(schema.ColumnDeletedAt, i) != 0,
	}, ownFee: c.cents("fee", i), objectFee: c.cents(object+"fee", i)}
	o.amount, o.hasAmount = c.integer("amount", i)
	o.objectAmount, o.hasObject = c.integer(object+"amount", i)
	if o.created == 0 {
		o.created = c.instant("created_at", i)
	}
	return o
}

func (m *movement) pack(p *packed) {
	for _, s := range [...]string{m.id, m.own, m.charge, m.recipient, m.kind, m.status, m.method, m.originator} {
		p.text(s)
	}
	for _, n := range [...]int64{m.created, m.payment, m.extracted, m.amount, m.fee, m.anticipation, m.fraud, m.installment} {
		p.number(n)
	}
	for _, f := range [...]bool{m.hasAmount, m.anticipated, m.deleted, m.operation} {
		p.flag(f)
	}
}

func unpackMovement(u *unpacker) movement {
	var m movement
	for _, s := range [...]*string{&m.id, &m.own, &m.charge, &m.recipient, &m.kind, &m.status, &m.method, &m.originator} {
		*s = u.text()
	}
	for _, n := range [...]*int64{&m.created, &m.payment, &m.extracted, &m.amount, &m.fee, &m.anticipation, &m.fraud, &m.installment} {
		*n = u.number()
	}
	for _, f := range [...]*bool{&m.hasAmount, &m.anticipated, &m.deleted, &m.operation} {
		*f = u.flag()
	}
	return m
}
