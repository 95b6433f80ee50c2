package pagarme

import "github.com/paylake/paylake/schema"

// checkout is a payment page that an order was created with.
func checkout() schema.Field {
	return schema.Object("element", "",
		schema.Text("id", "Checkout id."),
		schema.Instant("created_at", "When the checkout was created (UTC)."),
		schema.Instant("updated_at", "When the checkout last changed (UTC)."),
		schema.Instant("closed_at", "When the checkout was closed (UTC)."),
		schema.Instant("canceled_at", "When the checkout was canceled (UTC)."),
		schema.Instant("expires_at", "When the checkout expires (UTC)."),
		schema.Enumeration("status", "Status of the checkout."),
		schema.Integer("amount", "Amount in cents."),
		schema.Enumeration("currency", "Currency code, BRL."),
		schema.Enumeration("default_payment_method", "Payment method that is chosen at first."),
		schema.Text("success_url", "URL that the buyer is sent to after success."),
		schema.Text("payment_url", "URL of the payment page."),
		schema.Text("gateway_affiliation_id", "Affiliation id at the gateway."),
		schema.Flag("skip_checkout_success_page", "Whether the page of success is left out."),
		schema.Flag("customer_editable", "Whether the buyer may edit the customer."),
		schema.Flag("billing_address_editable", "Whether the buyer may edit the billing address."),
		schema.Flag("shippable", "Whether something is shipped."),
		schema.Object("credit_card", "Settings for credit cards.",
			schema.Text("statement_descriptor", "Text on the payer's statement.").FromKey("statementDescriptor"),
			authentication(),
			schema.ListOf("installments", "Instalments offered.",
				schema.Object("element", "",
					schema.Integer("number", "Number of instalments."),
					schema.Integer("total", "Total in cents."),
				)),
		),
		schema.Object("debit_card", "Settings for debit cards.",
			schema.Text("statement_descriptor", "Text on the payer's statement."),
			authentication(),
		),
		schema.Object("pix", "Settings for Pix.",
			schema.Instant("expires_at", "When the code expires (UTC)."),
			additionalInformation(),
		),
		schema.Object("boleto", "Settings for boletos.",
			schema.Instant("due_at", "When the boleto is due (UTC)."),
			schema.Text("instructions", "Instructions on the boleto."),
		),
		schema.Object("bank_transfer", "Settings for bank transfers.",
			schema.ListOf("bank", "Codes of the banks.", schema.Enumeration("element", "")),
		),
		customer(),
		address("billingaddress", "Billing address; the API spells it so."),
		shipping(),
		schema.ListOf("accepted_payment_methods", "Payment methods that are offered.", schema.Enumeration("element", "")),
		schema.ListOf("accepted_brands", "Card brands that are accepted.", schema.Enumeration("element", "")),
	)
}

func authentication() schema.Field {
	return schema.Object("authentication", "Authentication of the payment.",
		schema.Enumeration("type", "Type of authentication."),
		schema.Object("threed_secure", "3DS data.",
			schema.Text("mpi", "3DS merchant plug-in."),
			schema.Text("eci", "3DS electronic commerce indicator."),
			schema.Text("cavv", "3DS cryptogram."),
			schema.Text("transaction_id", "3DS transaction id.").FromKey("transaction_Id"),
			schema.Text("success_url", "URL that the buyer is sent to after success."),
		),
	)
}

// shipping is how an order is delivered.
func shipping() schema.Field {
	return schema.Object("shipping", "Shipping.",
		schema.Integer("amount", "Price of the shipping in cents."),
		schema.Enumeration("type", "Type of the shipping."),
		schema.Text("description", "Description of the shipping."),
		schema.Instant("estimated_delivery_date", "When delivery is expected (UTC)."),
		schema.Instant("max_delivery_date", "Latest delivery (UTC)."),
		schema.Text("recipient_name", "Name of the person who receives it."),
		schema.Text("recipient_phone", "Phone of the person who receives it."),
		address("address", "Address of delivery."),
	)
}
