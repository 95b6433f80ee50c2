package pagarme

import (
	"time"

	"github.com/paylake/paylake/extract"
)

const (
	day = 24 * time.Hour

	// lookbackPayments covers what commonly happens to an order after its
	// creation: boletos paid late, first refunds. Chargebacks come months later
	// and have no bound.
	lookbackPayments = 45 * day
	lookbackRecords  = 3 * day
)

// refreshPayments is how often orders and charges behind the lookback are read
// again. Nothing but their creation can be asked for, and no time in them tells
// that they changed (API notes, section 4). Refunds and chargebacks of a card come
// mostly within 120 days and hardly ever after 400 (an instalment sale is disputed
// until its last instalment, twelve months on): once a month finds them. After
// that it is corrections by hand, of which a quarter of a year is soon enough.
func refreshPayments() []extract.Tier {
	return []extract.Tier{{YoungerThan: 400 * day, Every: 30 * day}, {Every: 90 * day}}
}

// refreshSettlements is the same for the money that follows from them: an
// instalment is settled up to twelve months after its sale. What payables
// changed is found by its time of change at every run, so that their tiers only
// find what that misses, such as records that are gone. Where all is settled
// nothing is expected any more, and a look now and then is a safeguard.
func refreshSettlements() []extract.Tier {
	return []extract.Tier{{YoungerThan: 400 * day, Every: 30 * day, Settled: 90 * day}, {Every: 90 * day, Settled: 180 * day}}
}

// Source returns the platform with all its streams, a parent before its
// children. The result is the caller's own; its tables are read-only.
func Source() extract.Source {
	return extract.Source{
		Name:    "pagarme",
		BaseURL: "https://api.pagar.me/core/v5",
		Streams: []extract.Endpoint{
			orders(),
			charges(),
			payables(),
			balanceOperations(),
			recipients(),
			recipientBalance(),
			hooks(),
		},
	}
}
