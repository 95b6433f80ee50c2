package pagarme

import (
	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// hooks lists the events that the platform delivered to the merchant's webhooks,
// each with its object as it was then. It is the only place that tells which old
// order or charge changed: https://docs.pagar.me/reference/listar-webhooks. There
// are entries only for events that the merchant enabled, nobody says how long
// they are kept, and the page maximum is not published.
//
// A hook changes only while it is delivered, in the hours after its creation:
// what lies behind the lookback of a day is not read again, since the source may
// have forgotten it by then.
func hooks() extract.Endpoint {
	return extract.Endpoint{
		Table:      hooksTable(),
		Path:       "/hooks",
		Limit:      extract.Limit{Row: "/hooks", PerMinute: 50},
		Write:      extract.ReplacePartitions,
		Paging:     extract.PageSize,
		AskSize:    100,
		SinceParam: "created_since",
		UntilParam: "created_until",
		TotalPath:  "paging.total",
		Feed:       true,
		Lookback:   day,
		Partition:  "created",
	}
}

// hooksTable keeps the object as JSON text, since its shape depends on the event.
// The credentials that objects of any kind may hold are named at its top: a name
// that is never stored is dropped at any depth of JSON text.
func hooksTable() *schema.Table {
	return &schema.Table{
		Name:        "hooks",
		Description: "Events that were delivered to the merchant's webhooks, each with its object as it was then.",
		Key:         []string{"id"},
		Time:        "created_at",
		Updated:     "last_attempt",
		Version:     1,
		Fields: []schema.Field{
			schema.ID("id", "Hook id (hook_...)."),
			schema.Instant("created_at", "When the hook was created (UTC)."),
			schema.Instant("last_attempt", "When delivery was last tried (UTC)."),
			schema.Enumeration("status", "Status of the delivery: pending, sent, failed."),
			schema.Enumeration("event", "Name of the event, e.g. order.paid; in the list."),
			schema.Enumeration("type", "Name of the event; in delivered payloads."),
			schema.Text("attempts", "Attempts as text, e.g. 3/3."),
			schema.Text("response_status", "HTTP status that the receiver answered."),
			schema.Text("url", "Address that the event was sent to."),
			schema.Object("account", "Account of the shop.",
				schema.Text("id", "Account id (acc_...)."),
				schema.Text("name", "Name of the account."),
			),
			schema.Text("response_raw", "What the receiver answered."),
			schema.Raw("data", "The object of the event as it was then; its members depend on the event."),
			schema.Secret("fb_access_token", "Facebook token, a credential."),
			schema.Secret("pdf_password", "Password of a PDF, a credential."),
		},
	}
}
