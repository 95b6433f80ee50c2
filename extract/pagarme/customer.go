package pagarme

import "github.com/paylake/paylake/schema"

// customer is the customer inside orders, charges and checkouts.
func customer() schema.Field {
	return schema.Object("customer", "Customer.",
		schema.Text("id", "Customer id (cus_...)."),
		schema.Instant("created_at", "When the customer was created (UTC)."),
		schema.Instant("updated_at", "When the customer last changed (UTC)."),
		schema.Text("name", "Name."),
		schema.Text("email", "E-mail address."),
		schema.Text("document", "CPF, CNPJ or passport; may hold letters."),
		schema.Enumeration("document_type", "Type of the document: CPF, CNPJ or PASSPORT."),
		schema.Enumeration("type", "Type: individual or company."),
		schema.Text("code", "The merchant's own code of the customer."),
		schema.Enumeration("gender", "Gender: male or female."),
		schema.Text("birthdate", "Date of birth as sent: the reference shows mm/dd/yy, answers a time of day zero."),
		schema.Flag("delinquent", "Whether the customer is in default."),
		schema.Integer("fb_id", "Facebook id."),
		schema.Secret("fb_access_token", "Facebook token, a credential."),
		address("address", "Address of the customer."),
		schema.Object("phones", "Phone numbers.",
			phone("home_phone", "Phone at home."),
			phone("mobile_phone", "Mobile phone."),
		),
		metadata(),
	)
}

func phone(name, description string) schema.Field {
	return schema.Object(name, description,
		schema.Text("country_code", "Country code of the phone number."),
		schema.Text("area_code", "Area code, digits only."),
		schema.Text("number", "Number without country and area."),
	)
}

// metadata are the merchant's own key and value pairs, which most objects have.
func metadata() schema.Field {
	return schema.Attributes("metadata", "The merchant's own keys and values.")
}
