package books

// checkPayable checks what concerns one payable alone.
func (b *book) checkPayable(m *movement) {
	if m.deleted {
		b.signs.except("deleted_rows")
		b.fees.except("deleted_rows")
		return
	}
	b.checkSign(m)
	b.checkFees(m)
}

// checkSign follows the table of types, which says what adds to the balance and
// what takes from it.
func (b *book) checkSign(m *movement) {
	wrong := false
	switch m.kind {
	case "credit", "refund_reversal", "chargeback_refund":
		wrong = m.amount < 0
	case "refund", "chargeback":
		wrong = m.amount > 0
	default:
		b.signs.except("payable_of_another_type")
		return
	}
	right := m.amount
	if wrong {
		right = -m.amount
		b.signs.fail(Break{Charge: m.charge, Recipient: m.recipient, Keys: []string{m.id}, Left: m.amount, Right: right,
			Reason: "the amount of a " + m.kind + " has the wrong sign"})
	}
	b.signs.add(m.amount, right)
}

// checkFees: the documentation gives no rate, and a fixed fee may be more than
// the share that bears it, so that only sign and occasion can be checked.
func (b *book) checkFees(m *movement) {
	sum := plus(plus(m.fee, m.anticipation), m.fraud)
	reason := ""
	switch {
	case m.anticipation != 0 && !m.anticipated:
		reason = "an anticipation fee without an anticipation"
	case m.kind != "credit":
		if sum != 0 {
			b.fees.except("fee_of_a_reversal")
		}
	case m.fee < 0 || m.anticipation < 0 || m.fraud < 0:
		reason = "a negative fee"
	case sum > m.amount:
		b.fees.except("fee_above_amount")
	}
	right := sum
	if reason != "" {
		right = plus(max(m.fee, 0), max(m.fraud, 0))
		if m.anticipated {
			right = plus(right, max(m.anticipation, 0))
		}
		b.fees.fail(Break{Charge: m.charge, Recipient: m.recipient, Keys: []string{m.id}, Left: sum, Right: right, Reason: reason})
	}
	b.fees.add(sum, right)
}

// checkOperation compares an operation with the payable that it shows.
func (b *book) checkOperation(o *operation) {
	switch {
	case o.deleted:
		b.objects.except("deleted_rows")
		return
	case !o.hasObject || !o.hasAmount:
		b.objects.except("no_amount")
		return
	}
	own, shown := plus(o.amount, -o.ownFee), plus(o.objectAmount, -o.objectFee)
	broken := Break{Charge: o.charge, Recipient: o.recipient, Keys: []string{o.own}}
	switch {
	case o.amount != o.objectAmount:
		broken.Left, broken.Right, broken.Reason = o.amount, o.objectAmount, "its amount is not that of its movement object"
	case o.ownFee != o.objectFee && o.ownFee == plus(plus(o.objectFee, o.anticipation), o.fraud):
		b.objects.except("fee_with_anticipation")
		own = shown
	case o.ownFee != o.objectFee:
		broken.Left, broken.Right, broken.Reason = o.ownFee, o.objectFee, "its fee is not that of its movement object"
	}
	b.objects.add(own, shown)
	if broken.Reason != "" {
		b.objects.fail(broken)
	}
}
