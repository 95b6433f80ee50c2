package simapi

import "math"

// customers is the number of people who buy. Some buy often.
func (w *World) customers() int { return 20 + int(math.Sqrt(float64(w.size))*6) }

func (w *World) customerHash(i int) uint64 { return mix(w.seed ^ saltCustomer + uint64(i)<<8) }

// customerCreated is before the world began.
func (w *World) customerCreated(h uint64) int64 {
	return w.start*oneDay - int64(pick(mix(h), 400*86400))*second
}

// The texts below are JSON already: no quotes or backslashes but escapes.
var (
	firstNames = [...]string{"Ana", "Jo\u00e3o", "Maria", "Jos\u00e9", "Beatriz", "Ant\u00f4nio", "Fl\u00e1via", "L\u00facia", "Rafael", "Camila", "Thiago", "In\u00eas", "Caio", "Let\u00edcia", "Gon\u00e7alo", "Vit\u00f3ria"}
	lastNames  = [...]string{"Silva", "Souza", "Concei\u00e7\u00e3o", "Oliveira", "Ara\u00fajo", "Pereira", "Guimar\u00e3es", "Falc\u00e3o", "Ribeiro", "Magalh\u00e3es", "Nunes", "Brand\u00e3o", "D'\u00c1vila", "Peixoto", "Teixeira", "Sim\u00f5es"}
	streets    = [...]string{"Rua das Ac\u00e1cias", "Avenida Ipiranga", "Rua Quinze de Novembro", "Travessa do Com\u00e9rcio", "Alameda dos Ip\u00eas", "Rua S\u00e3o Jo\u00e3o", "Avenida Brasil", "Rua do Sol"}
	districts  = [...]string{"Centro", "Jardim Am\u00e9rica", "Vila Nova", "Boa Vista", "S\u00e3o Crist\u00f3v\u00e3o", "Pinheiros"}
	cities     = [...]struct{ name, state, zip, area string }{
		{"S\u00e3o Paulo", "SP", "01", "11"}, {"Rio de Janeiro", "RJ", "20", "21"}, {"Belo Horizonte", "MG", "30", "31"}, {"Bel\u00e9m", "PA", "66", "91"},
		{"Florian\u00f3polis", "SC", "88", "48"}, {"Goi\u00e2nia", "GO", "74", "62"}, {"Macei\u00f3", "AL", "57", "82"}, {"Curitiba", "PR", "80", "41"},
		{"Recife", "PE", "50", "81"}, {"Cuiab\u00e1", "MT", "78", "65"},
	}
)

// customerHead writes the members that every form of a customer has.
func (e *enc) customerHead(d *draw, h uint64) {
	e.raw(`"customer":{`)
	e.id(`"id":`, "cus_", h)
	e.raw(`"name":"`)
	e.raw(firstNames[d.n(len(firstNames))])
	e.raw(" ")
	e.raw(lastNames[d.n(len(lastNames))])
	e.raw(`","email":"`)
	e.word(d.next(), 8)
	e.raw(`@example.com.br",`)
}

// briefCustomer writes a customer as the charges inside an order have it.
func (e *enc) briefCustomer(i int) {
	h := e.w.customerHash(i)
	d := draw(h)
	e.customerHead(&d, h)
	created := e.w.customerCreated(h)
	e.raw(`"delinquent":false,`)
	e.time(`"created_at":`, created)
	e.time(`"updated_at":`, created)
	e.raw(`"phones":{}},`)
}

// customer writes the customer of an order or of a charge.
func (e *enc) customer(i int) {
	h := e.w.customerHash(i)
	d := draw(h)
	created := e.w.customerCreated(h)
	e.customerHead(&d, h)
	e.raw(`"code":"C`)
	e.num(int64(i))
	e.raw(`","document":"`)
	company := d.chance(60)
	if company {
		e.word(d.next(), 8)
		e.digits(d.next(), 6)
		e.raw(`","document_type":"CNPJ","type":"company",`)
	} else {
		e.digits(d.next(), 11)
		e.raw(`","document_type":"CPF","type":"individual",`)
		e.choice(d.chance(500), `"gender":"female",`, `"gender":"male",`)
	}
	e.choice(d.chance(20), `"delinquent":true,`, `"delinquent":false,`)
	if d.chance(300) {
		e.raw(`"fb_id":`)
		e.num(100_000_000_000_000 + int64(d.next()>>18))
		e.raw(`,"fb_access_token":"`)
		e.raw(e.canary)
		e.raw(`",`)
	}
	if !company && d.chance(500) {
		e.time(`"birthdate":`, -int64(d.n(12_000))*oneDay+10_000*oneDay)
	}
	e.address(&d, h, created)
	e.phones(&d)
	e.time(`"created_at":`, created)
	e.time(`"updated_at":`, created+int64(d.n(200_000))*second)
	if e.s.UnknownFields {
		e.raw(`"loyalty":{"tier":"ouro","points":`)
		e.num(int64(d.n(9000)))
		e.raw(`},`)
	}
	e.raw(`"metadata":{}`)
	e.raw(`},`)
}

// address writes a full address object.
func (e *enc) address(d *draw, h uint64, created int64) {
	e.raw(`"address":{`)
	e.id(`"id":`, "addr_", h^saltAddress)
	e.place(d)
	e.raw(`"status":"active",`)
	e.time(`"created_at":`, created)
	e.time(`"updated_at":`, created)
	e.raw(`"metadata":{}},`)
}

// place writes the lines of an address, without the object around them.
func (e *enc) place(d *draw) {
	c := &cities[d.n(len(cities))]
	number := int64(1 + d.n(2400))
	e.raw(`"line_1":"`)
	e.num(number)
	e.raw(", ")
	e.raw(streets[d.n(len(streets))])
	e.raw(", ")
	e.raw(districts[d.n(len(districts))])
	e.raw(`",`)
	if number%3 == 0 {
		e.raw(`"line_2":"Apto `)
		e.num(number % 97)
		e.raw(`",`)
	}
	e.raw(`"zip_code":"`)
	e.raw(c.zip)
	e.digits(d.next(), 6)
	e.raw(`","city":"`)
	e.raw(c.name)
	e.raw(`","state":"`)
	e.raw(c.state)
	e.raw(`","country":"BR",`)
}

func (e *enc) phones(d *draw) {
	if d.chance(250) {
		e.raw(`"phones":{},`)
		return
	}
	e.raw(`"phones":{"mobile_phone":{"country_code":"55","number":"9`)
	e.digits(d.next(), 8)
	e.raw(`","area_code":"`)
	e.raw(cities[d.n(len(cities))].area)
	e.raw(`"}},`)
}
