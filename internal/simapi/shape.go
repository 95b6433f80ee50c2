package simapi

// Shape says how records are written. The zero Shape is the documented one.
type Shape struct {
	// Dates is the format of times.
	Dates Dates
	// ZeroDates writes 0001-01-01T00:00:00 for things that have not happened.
	ZeroDates bool
	// Nulls writes null for things that have not happened; the platform omits
	// such keys.
	Nulls bool
	// NumericIDs writes payables as they were before 2026-08-28: numbers for id
	// and gateway_id, no settlement_id or payment_profile_id.
	NumericIDs bool
	// BalanceStringIDs writes the ids of balance operations as strings; the
	// documented examples have numbers.
	BalanceStringIDs bool
	// IDsAsNumbers writes every id (or_..., ch_..., cus_...) as a number of up
	// to 19 digits.
	IDsAsNumbers bool
	// AmountsAsText writes fees, amounts of movement objects and paid amounts
	// of boletos as JSON strings, as the SDKs type them.
	AmountsAsText bool
	// UnknownFields adds members that no schema knows, at several depths.
	UnknownFields bool
	// OrderField adds one member to orders that no schema knows, as a change of
	// the contract brings.
	OrderField bool
	// HookType names the event of a hook "type", as delivered payloads do; the
	// list documents "event".
	HookType bool
	// UnknownEnums writes a status or type nobody documents in every seventh
	// record.
	UnknownEnums bool
	// BadEvery makes about one in so many records undecodable: one of the Bad
	// kinds in turn. 0 = none.
	BadEvery int
}

// What is wrong with an undecodable record.
const (
	BadNoID     = "missing id"
	BadNoTime   = "missing created_at"
	BadType     = "wrong type" // of a nested member
	BadOverflow = "overflow"   // an amount that no 64 bit integer holds
)

// badKind says what is wrong with a record, "" for nothing. Recipients are not
// read by time, so that none lacks only its time.
func (s *Shape) badKind(stream string, h uint64) string {
	h = mix(h ^ 0xbad)
	if s.BadEvery <= 0 || h%uint64(s.BadEvery) != 0 || stream == RecipientBalance {
		return ""
	}
	kind := [...]string{BadNoID, BadType, BadOverflow, BadNoTime}[h>>32%4]
	switch {
	case stream == Recipients && kind != BadNoID:
		kind = BadType
	case stream == Hooks && kind != BadNoID:
		kind = BadNoTime
	}
	return kind
}

// odd tells the records that get an unknown enum value.
func (s *Shape) odd(h uint64) bool { return s.UnknownEnums && mix(h^0x0dd)%7 == 0 }

// status is the status to show: the real one, or one that nobody documents.
func (s *Shape) status(h uint64, real string) string {
	if s.odd(h) {
		return "em_disputa_v2"
	}
	return real
}

// ownID, ownTime and ownAmount write the members of the record itself that a
// bad record lacks or spoils.
func (e *enc) ownID(prefix string, h uint64) {
	if e.bad != BadNoID {
		e.id(`"id":`, prefix, h)
	}
}

func (e *enc) ownTime(t int64) {
	if e.bad != BadNoTime {
		e.time(`"created_at":`, t)
	}
}

func (e *enc) ownAmount(n int64) {
	if e.bad == BadOverflow {
		e.raw(`"amount":92233720368547758070,`)
		return
	}
	e.int(`"amount":`, n)
}
