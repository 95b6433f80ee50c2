package pagarme

import (
	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// recipients lists who receives money. The list has no date filter and a record
// changes at any time, so it is read as a whole and the table has no time:
// https://docs.pagar.me/reference/listar-recebedores-1.
func recipients() extract.Endpoint {
	return extract.Endpoint{
		Table:     recipientsTable(),
		Path:      "/recipients",
		Limit:     extract.Limit{Row: "/recipients", PerMinute: 100},
		Write:     extract.OverwriteTable,
		Paging:    extract.PageSize,
		AskSize:   100,
		TotalPath: "paging.total",
	}
}

func recipientsTable() *schema.Table {
	fields := recipientFields(schema.ID("id", "Recipient id (rp_..., re_... or a newer form)."))
	fields = append(fields,
		schema.Text("payment_profile_id", "The merchant's id in the payment platform; since 2026-08-28."),
		schema.Object("kyc_details", "State of the identity check.",
			schema.Enumeration("status", "Status of the identity check, e.g. approved."),
		),
		schema.Object("transfer_settings", "Settings of the automatic transfer.",
			schema.Flag("transfer_enabled", "Whether transfers are automatic."),
			schema.Enumeration("transfer_interval", "Interval: daily, weekly or monthly, with or without a capital."),
			schema.Integer("transfer_day", "Day of the transfer."),
		),
		anticipationSettings(),
		bankAccount("default_bank_account", "Bank account that transfers go to."),
		registerInformation(),
		schema.ListOf("gateway_recipients", "The recipient at its gateways.", gatewayRecipient()),
		metadata(),
	)
	return &schema.Table{
		Name:        "recipients",
		Description: "Recipients of money with their bank account, settings and registration.",
		Key:         []string{"id"},
		Updated:     "updated_at",
		State:       "status",
		Version:     1,
		Fields:      fields,
	}
}

// recipientFields are the scalar members that every form of a recipient has.
func recipientFields(id schema.Field) []schema.Field {
	return []schema.Field{
		id,
		schema.Instant("created_at", "When the recipient was created (UTC)."),
		schema.Instant("updated_at", "When the recipient last changed (UTC)."),
		schema.Instant("deleted_at", "When the recipient was deleted (UTC)."),
		schema.Enumeration("status", "Status of the recipient."),
		schema.Text("name", "Name."),
		schema.Text("email", "E-mail address."),
		schema.Text("document", "CPF or CNPJ; may hold letters."),
		schema.Enumeration("type", "Type: individual or company."),
		schema.Text("code", "The merchant's own code of the recipient."),
		schema.Text("description", "Description."),
		schema.Enumeration("payment_mode", "Mode of payment, e.g. bank_transfer."),
	}
}

// recipientSummary is the recipient inside a split rule or a balance.
func recipientSummary() schema.Field {
	fields := recipientFields(schema.Text("id", "Recipient id (rp_..., re_... or a newer form)."))
	return schema.Object("recipient", "Recipient.", append(fields, metadata())...)
}

func anticipationSettings() schema.Field {
	return schema.Object("automatic_anticipation_settings", "Settings of the automatic anticipation.",
		schema.Flag("enabled", "Whether anticipation is automatic."),
		schema.Enumeration("type", "Type of the anticipation."),
		schema.Integer("volume_percentage", "Share of the volume that is anticipated, in percent."),
		schema.Integer("delay", "Days that the anticipation leaves out."),
		schema.ListOf("days", "Days of the month on which it runs.", schema.Integer("element", "")),
	)
}

func gatewayRecipient() schema.Field {
	return schema.Object("element", "",
		schema.Text("pgid", "Id at the gateway."),
		schema.Instant("created_at", "When it was created there (UTC)."),
		schema.Instant("updated_at", "When it last changed there (UTC)."),
		schema.Enumeration("status", "Status at the gateway."),
		schema.Enumeration("gateway", "Name of the gateway."),
	)
}

func bankAccount(name, description string) schema.Field {
	return schema.Object(name, description,
		schema.Text("id", "Bank account id (ba_... or digits)."),
		schema.Instant("created_at", "When the account was created (UTC)."),
		schema.Instant("updated_at", "When the account last changed (UTC)."),
		schema.Instant("deleted_at", "When the account was deleted (UTC)."),
		schema.Enumeration("status", "Status of the account."),
		schema.Enumeration("type", "Type: checking, savings, ..."),
		schema.Enumeration("bank", "Code of the bank."),
		schema.Text("branch_number", "Number of the branch."),
		schema.Text("branch_check_digit", "Check digit of the branch."),
		schema.Text("account_number", "Number of the account."),
		schema.Text("account_check_digit", "Check digit of the account."),
		schema.Text("pix_key", "Pix key."),
		schema.Text("holder_name", "Name of the holder."),
		schema.Enumeration("holder_type", "Type of the holder: individual or company."),
		schema.Text("holder_document", "CPF or CNPJ of the holder."),
		metadata(),
	)
}
