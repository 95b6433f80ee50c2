package pagarme

import "github.com/paylake/paylake/schema"

// address is an address that is an object of its own, with id and times.
func address(name, description string) schema.Field {
	fields := []schema.Field{
		schema.Text("id", "Address id (addr_...)."),
		schema.Instant("created_at", "When the address was created (UTC)."),
		schema.Instant("updated_at", "When the address last changed (UTC)."),
		schema.Instant("deleted_at", "When the address was deleted (UTC)."),
		schema.Enumeration("status", "Status of the address."),
	}
	fields = append(fields, addressLines()...)
	return schema.Object(name, description, append(fields, metadata())...)
}

// billingAddress is an address inside a card or a boleto.
func billingAddress() schema.Field {
	return schema.Object("billing_address", "Billing address.", addressLines()...)
}

func addressLines() []schema.Field {
	return []schema.Field{
		schema.Enumeration("country", "Country, ISO 3166-1 alpha-2."),
		schema.Enumeration("state", "State, ISO 3166-2."),
		schema.Text("city", "City."),
		schema.Text("zip_code", "Postal code."),
		schema.Text("line_1", "Number, street and district."),
		schema.Text("line_2", "Complement."),
		schema.Text("street", "Street; the API advises line_1 instead."),
		schema.Text("number", "House number."),
		schema.Text("neighborhood", "District; the API advises line_1 instead."),
		schema.Text("complement", "Complement; the API advises line_2 instead."),
	}
}

// registeredAddress is an address of a recipient's registration, which is
// spelled differently.
func registeredAddress(name, description string) schema.Field {
	return schema.Object(name, description,
		schema.Enumeration("state", "State, ISO 3166-2."),
		schema.Text("city", "City."),
		schema.Text("zip_code", "Postal code."),
		schema.Text("street", "Street."),
		schema.Text("street_number", "House number."),
		schema.Text("neighborhood", "District."),
		schema.Text("complementary", "Complement."),
		schema.Text("reference_point", "Point of reference."),
	)
}
