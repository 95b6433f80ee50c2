package pagarme

import (
	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// recipientBalance asks the balance of each recipient. The answer is true for
// the moment only, so every run appends a snapshot:
// https://docs.pagar.me/reference/obter-saldo.
func recipientBalance() extract.Endpoint {
	return extract.Endpoint{
		Table:        recipientBalanceTable(),
		Path:         "/recipients/{id}/balance",
		Limit:        extract.Limit{Row: "/recipients/*", PerMinute: 150},
		Write:        extract.AppendSnapshot,
		Paging:       extract.SingleObject,
		Parent:       "recipients",
		ParentColumn: "recipient_id",
		SnapshotTime: "snapshot_at",
		Partition:    "snapshot",
	}
}

func recipientBalanceTable() *schema.Table {
	snapshot := schema.Instant("snapshot_at", "When the run took the snapshot (UTC); one value per run.").Inject()
	snapshot.Required = true
	return &schema.Table{
		Name:        "recipient_balance",
		Description: "Balance of each recipient, one snapshot per run.",
		Key:         []string{"recipient_id", "snapshot_at"},
		Time:        "snapshot_at",
		Version:     1,
		Fields: []schema.Field{
			schema.ID("recipient_id", "Recipient id that the balance was asked for.").Inject(),
			snapshot,
			schema.Integer("available_amount", "Amount that can be withdrawn, in cents."),
			schema.Integer("waiting_funds_amount", "Amount that is still to come, in cents."),
			schema.Integer("transferred_amount", "Amount transferred so far, in cents; null since 2026-08-28."),
			schema.Enumeration("currency", "Currency code, BRL."),
			schema.Text("payment_profile_id", "The merchant's id in the payment platform; since 2026-08-28."),
			recipientSummary(),
		},
	}
}
