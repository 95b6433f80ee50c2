package pagarme

import "github.com/paylake/paylake/schema"

// lastTransaction is the latest attempt to take a charge's money. Its shape
// depends on transaction_type (credit_card, debit_card, voucher, private_label,
// pix, boleto, cash, bank_transfer, safetypay); this is one wide struct of all
// of them. Members that only a new type has go to _extra.
func lastTransaction() schema.Field {
	var fields []schema.Field
	fields = append(fields, transactionFields()...)
	fields = append(fields, cardPaymentFields()...)
	fields = append(fields, pixFields()...)
	fields = append(fields, boletoFields()...)
	fields = append(fields,
		gatewayResponse(),
		antifraudResponse(),
		latePayment("interest", "Interest on late payment."),
		latePayment("fine", "Fine on late payment."),
		schema.ListOf("split", "Rules that divide the amount among recipients.", splitRule()),
		schema.ListOf("splits", "Rules that divide the amount, under their older name.", splitRule()),
		metadata(),
	)
	return schema.Object("last_transaction", "Latest transaction; transaction_type tells which members it has.", fields...)
}

// transactionFields are the scalar members that every type has.
func transactionFields() []schema.Field {
	return []schema.Field{
		schema.Text("id", "Transaction id (tran_...)."),
		schema.Instant("created_at", "When the transaction was created (UTC)."),
		schema.Instant("updated_at", "When the transaction last changed (UTC)."),
		schema.Instant("paid_at", "When it was paid (UTC); boleto, bank_transfer, safetypay."),
		schema.Instant("due_at", "When it is due (UTC); boleto."),
		schema.Instant("expires_at", "When the code expires (UTC); pix."),
		schema.Instant("credit_at", "When the money is credited (UTC); boleto."),
		schema.Instant("next_attempt", "When the next attempt is made (UTC)."),
		schema.Enumeration("status", "Status of the transaction; its values differ by type."),
		schema.Integer("amount", "Amount in cents."),
		schema.Integer("paid_amount", "Paid amount in cents; boleto, bank_transfer, safetypay."),
		schema.Enumeration("transaction_type", "Type: credit_card, pix, boleto, ..."),
		schema.Flag("success", "Whether the transaction succeeded."),
		schema.Text("gateway_id", "Id at the gateway; digits or letters."),
		schema.Integer("attempt_count", "Attempts made so far."),
		schema.Integer("max_attempts", "Attempts at most."),
		schema.Integer("max_days_to_pay_past_due", "Days after the due date on which it can be paid."),
		schema.Text("description", "Description; cash."),
	}
}

// cardPaymentFields belong to credit_card, debit_card, voucher and private_label.
func cardPaymentFields() []schema.Field {
	return []schema.Field{
		schema.Enumeration("operation_type", "Operation: auth_only, auth_and_capture, pre_auth, capture, cancel."),
		schema.Integer("installments", "Number of instalments."),
		schema.Enumeration("funding_source", "Source of the money: credit, debit or prepaid."),
		schema.Text("statement_descriptor", "Text on the payer's statement."),
		schema.Enumeration("acquirer_name", "Name of the acquirer."),
		schema.Text("acquirer_affiliation_code", "The merchant's code at the acquirer."),
		schema.Text("acquirer_tid", "Transaction id at the acquirer."),
		schema.Text("acquirer_nsu", "Sequence number (NSU) at the acquirer."),
		schema.Text("acquirer_auth_code", "Authorisation code of the acquirer."),
		schema.Text("acquirer_message", "Message of the acquirer."),
		schema.Enumeration("acquirer_return_code", "Return code of the acquirer; ABECS codes since 2026-08-28."),
		schema.Text("brand_id", "Transaction id of the card brand."),
		schema.Text("indirect_acceptor", "Identifier of the business model."),
		schema.Text("threed_authentication_url", "URL of the 3DS authentication."),
		schema.Text("mpi", "3DS merchant plug-in."),
		schema.Text("eci", "3DS electronic commerce indicator."),
		schema.Enumeration("authentication_type", "Type of authentication."),
		schema.Object("retry_info", "What is known about trying again.",
			schema.Enumeration("brand_failure_return_code", "Return code of the card brand."),
			schema.Integer("transaction_limit", "Attempts that the brand allows."),
			schema.Instant("transaction_date_limit", "Until when it may be tried again (UTC)."),
		),
		card(),
	}
}

func pixFields() []schema.Field {
	return []schema.Field{
		schema.Text("qr_code", "QR code, as text or URL; boleto has one too."),
		schema.Text("qr_code_url", "URL of the QR code's image."),
		schema.Text("end_to_end_id", "End-to-end id of the Pix."),
		schema.Text("pix_provider_tid", "Transaction id at the Pix provider."),
		schema.Object("payer", "Payer of the Pix.",
			schema.Text("name", "Name."),
			schema.Text("document", "CPF, CNPJ or passport; may hold letters."),
			schema.Enumeration("document_type", "Type of the document: CPF, CNPJ or PASSPORT."),
			schema.Object("bank_account", "Bank account of the payer.",
				schema.Enumeration("bank_name", "Name of the bank."),
				schema.Text("ispb", "ISPB code of the bank."),
				schema.Text("branch_code", "Code of the branch."),
				schema.Text("account_number", "Number of the account."),
			),
		),
		additionalInformation(),
	}
}

// additionalInformation has keys with capitals in the API.
func additionalInformation() schema.Field {
	return schema.ListOf("additional_information", "Keys and values shown to the payer.",
		schema.Object("element", "",
			schema.Text("name", "Key shown to the payer.").FromKey("Name"),
			schema.Text("value", "Value shown to the payer.").FromKey("Value"),
		))
}

// boletoFields belong to boleto; bank_transfer and safetypay have some of them.
func boletoFields() []schema.Field {
	return []schema.Field{
		schema.Enumeration("type", "Type of the boleto."),
		schema.Enumeration("bank", "Code of the bank."),
		schema.Text("bank_tid", "Transaction id at the bank; bank_transfer, safetypay."),
		schema.Text("url", "URL of the boleto or of the bank's page."),
		schema.Text("pdf", "URL of the boleto as PDF."),
		schema.Secret("pdf_password", "Password of the PDF, a credential."),
		schema.Text("barcode", "Barcode, as digits or URL."),
		schema.Text("line", "Digits to type in."),
		schema.Text("nosso_numero", "The bank's number of the boleto."),
		schema.Text("document_number", "Document number on the boleto."),
		schema.Text("instructions", "Instructions on the boleto."),
		billingAddress(),
	}
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
