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

// latePayment is what is added to an amount paid late.
func latePayment(name, description string) schema.Field {
	return schema.Object(name, description,
		schema.Integer("days", "Days after which it applies."),
		schema.Enumeration("type", "Type: flat or percentage."),
		schema.Number("amount", "Cents when flat, percent when the type is percentage."),
	)
}

func gatewayResponse() schema.Field {
	return schema.Object("gateway_response", "Answer of the gateway.",
		schema.Enumeration("code", "Code of the answer."),
		schema.ListOf("errors", "Errors of the gateway.",
			schema.Object("element", "",
				schema.Text("message", "Text of the error."),
			)),
	)
}

func antifraudResponse() schema.Field {
	return schema.Object("antifraud_response", "Answer of the antifraud provider.",
		schema.Enumeration("status", "Status."),
		schema.Enumeration("return_code", "Return code."),
		schema.Text("return_message", "Message."),
		schema.Enumeration("provider_name", "Name of the provider."),
		schema.Text("score", "Score, as the provider writes it."),
	)
}
