package pagarme

import (
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// payables lists what the platform owes to recipients, one row per instalment
// and recipient. Since 2026-08-28 the list goes by cursor and answers 24 months
// back; before, it went by page with an empty paging object. Ids were numbers
// then and are strings now, and the same payable may be known by both:
// https://docs.pagar.me/reference/retornando-receb%C3%ADveis and the change note.
//
// A payable goes from waiting_funds, over prepaid where it is anticipated, to paid,
// and stays there: the money has left. A refund or a chargeback of it is a payable
// of its own, with a negative amount. suspended is no end: it is lifted.
func payables() extract.Endpoint {
	return extract.Endpoint{
		Table:         payablesTable(),
		Path:          "/payables",
		Limit:         extract.Limit{Row: "/payables", PerMinute: 700},
		Write:         extract.ReplacePartitions,
		Paging:        extract.ForwardCursor,
		MaxSize:       1000,
		AskSize:       1000,
		SinceParam:    "created_since",
		UntilParam:    "created_until",
		CursorParam:   "forward_cursor",
		CursorPath:    "paging.forward_cursor",
		UpdatedSince:  "updated_since",
		UpdatedUntil:  "updated_until",
		IDBreak:       time.Date(2026, 8, 28, 0, 0, 0, 0, time.UTC),
		Refresh:       refreshSettlements(),
		Final:         []string{"paid"},
		HorizonMonths: 24,
		Lookback:      lookbackRecords,
		Partition:     "created",
	}
}

func payablesTable() *schema.Table {
	return &schema.Table{
		Name:        "payables",
		Description: "Payables: what is owed to each recipient, per charge and instalment.",
		Key:         []string{"id"},
		Time:        "created_at",
		State:       "status",
		Version:     1,
		Fields: []schema.Field{
			schema.ID("id", "Payable id; digits before 2026-08-28."),
			schema.Instant("created_at", "When the payable was created (UTC)."),
			schema.Instant("payment_date", "Day of payment, as midnight in Brazil (UTC); an anticipation moves it."),
			schema.Instant("original_payment_date", "Day of payment before an anticipation (UTC)."),
			schema.Instant("accrual_at", "When the issuer recognised the payment (UTC)."),
			schema.Enumeration("status", "Status: waiting_funds, prepaid, paid, suspended, and others that may come."),
			schema.Integer("amount", "Amount in cents; negative for refunds and chargebacks."),
			schema.Integer("fee", "Fee in cents."),
			schema.Integer("anticipation_fee", "Fee of the anticipation in cents."),
			schema.Integer("fraud_coverage_fee", "Fee of the fraud coverage in cents."),
			schema.Integer("installment", "Number of the instalment."),
			schema.Enumeration("type", "Type: credit, refund, chargeback, ..."),
			schema.Enumeration("payment_method", "Payment method."),
			schema.Text("recipient_id", "Recipient id (rp_..., re_... or a newer form)."),
			schema.Text("charge_id", "Charge id (ch_...); absent for charges created before 2023-07-01."),
			schema.Text("split_id", "Split rule id (sr_...)."),
			schema.Text("anticipation_id", "Anticipation id."),
			schema.Text("bulk_anticipation_id", "Bulk anticipation id; null since 2026-08-28."),
			schema.Text("settlement_id", "Settlement id; since 2026-08-28."),
			schema.Text("payment_profile_id", "The merchant's id in the payment platform; since 2026-08-28."),
			schema.Text("liquidation_arrangement_id", "Liquidation arrangement id; null since 2026-08-28."),
			schema.Text("gateway_id", "Id at the gateway; null since 2026-08-28."),
			schema.Enumeration("originator_model", "Kind of operation that made the payable."),
			schema.Text("originator_model_id", "Id of that operation."),
		},
	}
}
