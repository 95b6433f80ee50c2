package pagarme

import "github.com/paylake/paylake/schema"

// card is the card of a transaction. It never has the whole number.
func card() schema.Field {
	return schema.Object("card", "Card.",
		schema.Text("id", "Card id (card_...)."),
		schema.Instant("created_at", "When the card was saved (UTC)."),
		schema.Instant("updated_at", "When the card last changed (UTC)."),
		schema.Instant("deleted_at", "When the card was deleted (UTC)."),
		schema.Enumeration("status", "Status of the card."),
		schema.Enumeration("brand", "Brand of the card."),
		schema.Enumeration("type", "Type: credit, debit or voucher."),
		schema.Text("first_six_digits", "First six digits."),
		schema.Text("last_four_digits", "Last four digits."),
		schema.Text("masked_number", "Masked number; in old answers only."),
		schema.Integer("exp_month", "Month of expiry."),
		schema.Integer("exp_year", "Year of expiry, of two or four digits."),
		schema.Flag("expired", "Whether the card has expired; in old answers only."),
		schema.Flag("private_label", "Whether it is a private label card."),
		schema.Text("holder_name", "Name of the holder."),
		schema.Text("holder_document", "CPF or CNPJ of the holder."),
		schema.Text("label", "Label of the card."),
		billingAddress(),
		metadata(),
	)
}
