package pagarme

import (
	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// balanceOperations lists the movements of the balance. Without a status the
// list holds available ones only, so it is asked state by state. The platform
// announced its end for 2026-08-28:
// https://docs.pagar.me/reference/obter-hist%C3%B3rico-das-opera%C3%A7%C3%B5es.
//
// A movement goes from waiting_funds to available to transferred, the last of the
// states in the documentation. Money that comes back is a movement of its own.
func balanceOperations() extract.Endpoint {
	return extract.Endpoint{
		Table:      balanceOperationsTable(),
		Path:       "/balance/operations",
		Limit:      extract.Limit{Row: "/balance/operations", PerMinute: 300},
		Write:      extract.ReplacePartitions,
		Paging:     extract.PageSize,
		MaxSize:    1000,
		AskSize:    1000,
		SinceParam: "created_since",
		UntilParam: "created_until",
		StateParam: "status",
		States:     []string{"waiting_funds", "available", "transferred"},
		Refresh:    refreshSettlements(),
		Final:      []string{"transferred"},
		Lookback:   lookbackRecords,
		Partition:  "created",
		Gone:       &extract.Gone{Since: "2026-08-28", Replacement: "payables, settlements and transfers"},
	}
}

func balanceOperationsTable() *schema.Table {
	return &schema.Table{
		Name:        "balance_operations",
		Description: "Movements of the balance, each with the object that caused it.",
		Key:         []string{"id"},
		Time:        "created_at",
		State:       "status",
		Version:     1,
		Fields: []schema.Field{
			schema.ID("id", "Operation id."),
			schema.Instant("created_at", "When the operation was created (UTC)."),
			schema.Enumeration("status", "Status: waiting_funds, available, transferred."),
			schema.Integer("amount", "Amount in cents; negative for money that leaves."),
			schema.Integer("fee", "Fee in cents."),
			schema.Integer("balance_amount", "Balance after the operation in cents; no longer kept up."),
			schema.Integer("balance_old_amount", "Balance before the operation in cents; no longer kept up."),
			schema.Enumeration("type", "Type: payable, transfer, refund, fee_collection, ..."),
			movementObject(),
		},
	}
}

// movementObject is the payable, transfer, refund, fee collection or settlement
// that moved the balance; this is one wide struct of all of them.
func movementObject() schema.Field {
	return schema.Object("movement_object", "Object that moved the balance; its member object tells which members it has.",
		schema.Text("id", "Id of the object."),
		schema.Instant("created_at", "When the object was created (UTC)."),
		schema.Instant("updated_at", "When the object last changed (UTC); refund."),
		schema.Instant("payment_date", "Day of payment, as midnight in Brazil (UTC); payable, fee collection, settlement."),
		schema.Instant("original_payment_date", "Day of payment before an anticipation (UTC); payable."),
		schema.Instant("accrual_at", "When the issuer recognised the payment (UTC); payable."),
		schema.Instant("funding_date", "When the transfer was funded (UTC)."),
		schema.Instant("funding_estimated_date", "When the transfer is expected to be funded (UTC)."),
		schema.Enumeration("object", "Kind of object: payable, transfer, refund, feeCollection, settlement, ..."),
		schema.Enumeration("status", "Status of the object."),
		schema.Integer("amount", "Amount in cents."),
		schema.Integer("fee", "Fee in cents; payable, transfer."),
		schema.Integer("anticipation_fee", "Fee of the anticipation in cents; payable."),
		schema.Integer("fraud_coverage_fee", "Fee of the fraud coverage in cents; payable, refund."),
		schema.Integer("installment", "Number of the instalment; payable."),
		schema.Enumeration("type", "Type of the object."),
		schema.Enumeration("payment_method", "Payment method; payable."),
		schema.Text("charge_id", "Charge id (ch_...)."),
		schema.Text("gateway_id", "Id at the gateway; digits or letters."),
		schema.Text("recipient_id", "Recipient id; payable, fee collection, settlement."),
		schema.Text("split_id", "Split rule id (sr_...); payable."),
		schema.Text("anticipation_id", "Anticipation id; payable."),
		schema.Text("bulk_anticipation_id", "Bulk anticipation id; payable."),
		schema.Text("liquidation_arrangement_id", "Liquidation arrangement id; payable, settlement."),
		schema.Enumeration("originator_model", "Kind of operation that made the payable."),
		schema.Text("originator_model_id", "Id of that operation; payable."),
		schema.Text("charge_fee_recipient_id", "Recipient that pays the fee; refund."),
		schema.Text("bank_account_id", "Bank account id; refund."),
		schema.Text("local_transaction_id", "Local transaction id; refund."),
		schema.Enumeration("source_type", "Type of the source; transfer."),
		schema.Text("source_id", "Id of the source; transfer."),
		schema.Enumeration("target_type", "Type of the target; transfer."),
		schema.Text("target_id", "Id of the target; transfer."),
		schema.Text("bank_account", "Bank account; transfer."),
		schema.Text("description", "Description; fee collection."),
		schema.Enumeration("product", "Product that was settled; settlement."),
		schema.Enumeration("brand", "Brand of the cards; settlement."),
		schema.Enumeration("document_type", "Type of the document: CPF or CNPJ; settlement."),
		schema.Text("document", "CPF or CNPJ; may hold letters; settlement."),
		schema.Text("contract_obligation_id", "Obligation id at the registry; settlement."),
		schema.Text("external_engine_payment_id", "Payment id at the settlement engine; settlement."),
	)
}
