package pagarme

import "github.com/paylake/paylake/schema"

// registerInformation is what a recipient declared about itself. It holds
// personal data: exclude it where the lake must not have that.
func registerInformation() schema.Field {
	fields := personFields()
	fields = append(fields,
		schema.Text("site_url", "Web site."),
		schema.Text("company_name", "Legal name of the company."),
		schema.Text("trading_name", "Trading name of the company."),
		schema.Text("annual_revenue", "Declared revenue of a year, as text."),
		schema.Enumeration("corporation_type", "Type of the corporation."),
		schema.Text("founding_date", "Date of the foundation, as text."),
		schema.Text("cnae", "Code of the activity (CNAE)."),
		registeredAddress("address", "Address of the person."),
		registeredAddress("main_address", "Address of the company."),
		phoneNumbers(),
		schema.ListOf("managing_partners", "Managing partners of the company.", managingPartner()),
	)
	return schema.Object("register_information", "Registration, with personal data.", fields...)
}

func managingPartner() schema.Field {
	fields := personFields()
	fields = append(fields,
		schema.Flag("self_declared_representative", "Whether the partner is the legal representative."),
		registeredAddress("address", "Address of the partner."),
		phoneNumbers(),
	)
	return schema.Object("element", "", fields...)
}

func personFields() []schema.Field {
	return []schema.Field{
		schema.Enumeration("type", "Type: individual, corporation, ..."),
		schema.Text("name", "Name."),
		schema.Text("email", "E-mail address."),
		schema.Text("document", "CPF or CNPJ; may hold letters."),
		schema.Text("mother_name", "Name of the mother."),
		schema.Text("birthdate", "Date of birth, as text."),
		schema.Text("monthly_income", "Declared income of a month, as text."),
		schema.Text("professional_occupation", "Occupation."),
	}
}

func phoneNumbers() schema.Field {
	return schema.ListOf("phone_numbers", "Phone numbers.",
		schema.Object("element", "",
			schema.Text("ddd", "Area code."),
			schema.Text("number", "Number without the area code."),
			schema.Enumeration("type", "Type of the phone."),
		))
}
