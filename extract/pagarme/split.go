package pagarme

import "github.com/paylake/paylake/schema"

// splitRule gives a part of a transaction to a recipient.
func splitRule() schema.Field {
	return schema.Object("element", "",
		schema.Text("id", "Split rule id (sr_...)."),
		schema.Enumeration("type", "Type: flat or percentage."),
		schema.Integer("amount", "Cents when flat, percent when the type is percentage."),
		schema.Text("gateway_id", "Id at the gateway; digits or letters."),
		schema.Object("options", "Options of the rule.",
			schema.Flag("liable", "Whether the recipient is liable for chargebacks."),
			schema.Flag("charge_processing_fee", "Whether the recipient pays the processing fee."),
			schema.Flag("charge_remainder_fee", "Whether the recipient takes the remainder."),
		),
		recipientSummary(),
	)
}
