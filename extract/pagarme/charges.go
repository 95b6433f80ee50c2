package pagarme

import (
	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// charges lists charges with their latest transaction. The page maximum is not
// published: https://docs.pagar.me/reference/listar-cobran%C3%A7as. The summary by
// status stands in the platform's software kit only.
//
// No state of a charge is final: a paid one is refunded or charged back, a
// chargeback may be won, a failed one can be tried again, and whether a card
// holder may still dispute a canceled one is written nowhere.
func charges() extract.Endpoint {
	return extract.Endpoint{
		Table:       chargesTable(),
		Path:        "/charges",
		Limit:       extract.Limit{Row: "/charges", PerMinute: 200},
		Write:       extract.ReplacePartitions,
		Paging:      extract.PageSize,
		AskSize:     100,
		SinceParam:  "created_since",
		UntilParam:  "created_until",
		TotalPath:   "paging.total",
		ItemPath:    "/charges/{id}",
		ItemLimit:   extract.Limit{Row: "/charges/*", PerMinute: 200},
		Objects:     []string{"charge"},
		SummaryPath: "/charges/summary",
		Refresh:     refreshPayments(),
		Lookback:    lookbackPayments,
		Partition:   "created",
	}
}

func chargesTable() *schema.Table {
	return &schema.Table{
		Name:        "charges",
		Description: "Charges, each with its latest transaction and a summary of its order.",
		Key:         []string{"id"},
		Time:        "created_at",
		Updated:     "updated_at",
		State:       "status",
		Version:     1,
		Fields: chargeFields(
			schema.ID("id", "Charge id (ch_...); a charge processed again after an antifraud failure gets a new one."),
			orderSummary(),
		),
	}
}

// chargeFields are the members of a charge, in orders and in its own list,
// which has more of them.
func chargeFields(id schema.Field, more ...schema.Field) []schema.Field {
	fields := []schema.Field{
		id,
		schema.Instant("created_at", "When the charge was created (UTC)."),
		schema.Instant("updated_at", "When the charge last changed (UTC); may be older than paid_at."),
		schema.Instant("due_at", "When the charge is due (UTC)."),
		schema.Instant("paid_at", "When the charge was paid (UTC)."),
		schema.Instant("canceled_at", "When the charge was canceled (UTC)."),
		schema.Enumeration("status", "Status: pending, paid, canceled, processing, failed, overpaid, underpaid, chargedback, and others that may come."),
		schema.Integer("amount", "Amount in cents."),
		schema.Integer("paid_amount", "Paid amount in cents."),
		schema.Integer("canceled_amount", "Canceled or refunded amount in cents."),
		schema.Integer("interest_and_fine_paid", "Interest and fine paid, in cents."),
		schema.Text("code", "The merchant's own code of the charge."),
		schema.Text("gateway_id", "Id at the gateway; digits or letters."),
		schema.Enumeration("currency", "Currency code, BRL."),
		schema.Enumeration("payment_method", "Payment method: credit_card, pix, boleto, ..."),
		schema.Enumeration("recurrency_cycle", "Place in a recurrence: first or subsequent."),
		schema.Flag("pending_cancellation", "Whether a cancellation is under way."),
	}
	fields = append(fields, more...)
	return append(fields,
		schema.Object("payment_origin", "First charge of a recurrence.",
			schema.Text("charge_id", "Charge id (ch_...)."),
			schema.Text("brand_id", "Transaction id of the card brand."),
		),
		lastTransaction(),
		customer(),
		invoiceSummary(),
		metadata(),
	)
}

// orderSummary is the order of a charge, without what lies inside it.
func orderSummary() schema.Field {
	return schema.Object("order", "Order of the charge.",
		schema.Text("id", "Order id (or_...)."),
		schema.Instant("created_at", "When the order was created (UTC)."),
		schema.Instant("updated_at", "When the order last changed (UTC)."),
		schema.Instant("closed_at", "When the order was closed (UTC)."),
		schema.Enumeration("status", "Status of the order."),
		schema.Integer("amount", "Amount in cents."),
		schema.Text("code", "The merchant's own code of the order."),
		schema.Enumeration("currency", "Currency code, BRL."),
		schema.Flag("closed", "Whether the order is closed."),
		schema.Text("customer_id", "Customer id (cus_...)."),
		schema.Text("invoice_url", "URL of the invoice."),
		schema.Text("ip", "IP address of the buyer."),
		schema.Text("session_id", "Session id of the buyer."),
		metadata(),
	)
}

// invoiceSummary is the invoice of a charge that belongs to a subscription.
func invoiceSummary() schema.Field {
	return schema.Object("invoice", "Invoice of the charge, for subscriptions.",
		schema.Text("id", "Invoice id (in_...)."),
		schema.Instant("created_at", "When the invoice was created (UTC)."),
		schema.Instant("billing_at", "When the invoice is billed (UTC)."),
		schema.Instant("due_at", "When the invoice is due (UTC)."),
		schema.Instant("seen_at", "When the invoice was seen (UTC)."),
		schema.Instant("canceled_at", "When the invoice was canceled (UTC)."),
		schema.Enumeration("status", "Status of the invoice."),
		schema.Integer("amount", "Amount in cents."),
		schema.Integer("total_discount", "Sum of the discounts in cents."),
		schema.Integer("total_increment", "Sum of the increments in cents."),
		schema.Integer("installments", "Number of instalments."),
		schema.Enumeration("payment_method", "Payment method."),
		schema.Text("subscription_id", "Subscription id (sub_...)."),
		schema.Text("code", "The merchant's own code of the invoice."),
		schema.Text("url", "URL of the invoice."),
		metadata(),
	)
}
