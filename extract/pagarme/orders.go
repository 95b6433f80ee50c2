package pagarme

import (
	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// orders lists orders with their items, charges and checkouts inside. A page
// holds at most 30: https://docs.pagar.me/reference/listar-pedidos.
//
// No state of an order is final: a paid one is refunded or charged back, a failed
// one may gain a charge while it is open, and a merchant who closes an order names
// its state, whatever it was.
func orders() extract.Endpoint {
	return extract.Endpoint{
		Table:      ordersTable(),
		Path:       "/orders",
		Limit:      extract.Limit{Row: "/orders", PerMinute: 200},
		Write:      extract.ReplacePartitions,
		Paging:     extract.PageSize,
		MaxSize:    30,
		AskSize:    30,
		SinceParam: "created_since",
		UntilParam: "created_until",
		TotalPath:  "paging.total",
		ItemPath:   "/orders/{id}",
		ItemLimit:  extract.Limit{Row: "/orders/*", PerMinute: 200},
		Objects:    []string{"order"},
		Refresh:    refreshPayments(),
		Lookback:   lookbackPayments,
		Partition:  "created",
	}
}

func ordersTable() *schema.Table {
	return &schema.Table{
		Name:        "orders",
		Description: "Orders, each with its items, charges and checkouts.",
		Key:         []string{"id"},
		Time:        "created_at",
		Updated:     "updated_at",
		State:       "status",
		Version:     1,
		Fields: []schema.Field{
			schema.ID("id", "Order id (or_...)."),
			schema.Instant("created_at", "When the order was created (UTC)."),
			schema.Instant("updated_at", "When the order last changed (UTC); not every change moves it."),
			schema.Instant("closed_at", "When the order was closed (UTC)."),
			schema.Enumeration("status", "Status: pending, paid, canceled, failed, and others that may come."),
			schema.Integer("amount", "Amount in cents."),
			schema.Text("code", "The merchant's own code of the order."),
			schema.Enumeration("currency", "Currency code, BRL."),
			schema.Flag("closed", "Whether the order is closed; an open one may gain items and charges."),
			schema.Text("invoice_url", "URL of the invoice."),
			schema.Text("ip", "IP address of the buyer."),
			schema.Text("session_id", "Session id of the buyer."),
			customer(),
			shipping(),
			schema.Object("location", "Location of the buyer.",
				schema.Text("latitude", "Latitude."),
				schema.Text("longitude", "Longitude."),
			),
			schema.Object("device", "Device of the buyer.",
				schema.Enumeration("platform", "Platform of the device."),
			),
			schema.Object("integration", "Integration that created the order.",
				schema.Text("code", "Code of the integration."),
			),
			schema.ListOf("items", "Items of the order.", orderItem()),
			schema.ListOf("charges", "Charges of the order.",
				schema.Object("element", "", chargeFields(schema.Text("id", "Charge id (ch_...)."))...)),
			schema.ListOf("checkouts", "Checkouts of the order.", checkout()),
			metadata(),
		},
	}
}

func orderItem() schema.Field {
	return schema.Object("element", "",
		schema.Text("id", "Item id (oi_...)."),
		schema.Instant("created_at", "When the item was created (UTC)."),
		schema.Instant("updated_at", "When the item last changed (UTC)."),
		schema.Instant("deleted_at", "When the item was deleted (UTC)."),
		schema.Enumeration("status", "Status of the item."),
		schema.Integer("amount", "Price of one unit in cents."),
		schema.Integer("quantity", "Quantity."),
		schema.Enumeration("type", "Type of the item."),
		schema.Text("code", "The merchant's own code of the item."),
		schema.Text("description", "Description of the item."),
		schema.Text("category", "Category of the item."),
	)
}
