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
		},
	}
}
