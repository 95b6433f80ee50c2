package schema_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
)

// The tables of the benchmarks have the shape of a payment platform's: orders
// are wide (about 450 leaf columns) and mostly empty, payables small and full.

func texts(prefix string, n int) []schema.Field {
	out := make([]schema.Field, n)
	for i := range out {
		out[i] = schema.Text(fmt.Sprintf("%s_%d", prefix, i), "")
	}
	return out
}

func times() []schema.Field {
	return []schema.Field{schema.Instant("created_at", ""), schema.Instant("updated_at", "")}
}

func object(name string, groups ...[]schema.Field) schema.Field {
	var fields []schema.Field
	for _, g := range groups {
		fields = append(fields, g...)
	}
	return schema.Object(name, "", fields...)
}

func some(fields ...schema.Field) []schema.Field { return fields }

func addressField(name string) schema.Field {
	return object(name, some(schema.Text("id", ""), schema.Text("line_1", ""), schema.Text("zip_code", ""),
		schema.Text("city", ""), schema.Text("state", ""), schema.Attributes("metadata", "")), texts("other", 8), times())
}

func customerField() schema.Field {
	return object("customer", some(schema.Text("id", ""), schema.Text("name", ""), schema.Text("email", ""),
		schema.Text("document", ""), schema.Flag("delinquent", ""), schema.Secret("access_token", ""),
		addressField("address"), schema.Attributes("metadata", "")), times(), texts("phone", 16))
}

func transactionField() schema.Field {
	return object("last_transaction", some(schema.Text("id", ""), schema.Enumeration("transaction_type", ""),
		schema.Integer("amount", ""), schema.Enumeration("status", ""), schema.Flag("success", ""),
		schema.Integer("installments", ""), schema.Number("interest", ""), schema.Raw("gateway_response", "")),
		times(), texts("card", 25), some(addressField("billing_address")), texts("pix", 30), texts("boleto", 30),
		some(schema.ListOf("splits", "", object("element", texts("split", 12), some(schema.Integer("amount", ""))))))
}

func chargeFields() []schema.Field {
	return append([]schema.Field{schema.Text("id", ""), schema.Instant("created_at", ""),
		schema.Instant("updated_at", ""), schema.Enumeration("status", ""), schema.Integer("amount", ""),
		schema.Integer("paid_amount", ""), schema.Text("code", ""), schema.Text("gateway_id", ""),
		schema.Enumeration("currency", ""), schema.Enumeration("payment_method", ""), schema.Instant("paid_at", ""),
		customerField(), transactionField(), schema.Attributes("metadata", "")}, texts("more", 20)...)
}

func ordersTable() *schema.Table {
	item := object("element", some(schema.Text("id", ""), schema.Text("description", ""), schema.Integer("amount", ""),
		schema.Integer("quantity", ""), schema.Enumeration("status", "")), times(), texts("more", 6))
	fields := []schema.Field{schema.ID("id", ""), schema.Instant("created_at", ""), schema.Instant("updated_at", ""),
		schema.Enumeration("status", ""), schema.Integer("amount", ""), schema.Text("code", ""),
		schema.Enumeration("currency", ""), schema.Flag("closed", ""), schema.Instant("closed_at", ""),
		schema.ListOf("items", "", item), customerField(),
		schema.ListOf("charges", "", object("element", chargeFields())), schema.Attributes("metadata", ""),
		schema.ListOf("checkouts", "", object("element", texts("checkout", 60), some(customerField()))),
		addressField("shipping"), object("device", texts("device", 40)), object("location", texts("location", 20))}
	return &schema.Table{Name: "orders", Key: []string{"id"}, Time: "created_at", Updated: "updated_at", Fields: fields}
}

func chargesTable() *schema.Table {
	fields := chargeFields()
	fields[0] = schema.ID("id", "")
	return &schema.Table{Name: "charges", Key: []string{"id"}, Time: "created_at", Updated: "updated_at", Fields: fields}
}

func payablesTable() *schema.Table {
	return &schema.Table{Name: "payables", Key: []string{"id"}, Time: "created_at", Fields: []schema.Field{
		schema.ID("id", ""), schema.Instant("created_at", ""), schema.Enumeration("status", ""),
		schema.Integer("amount", ""), schema.Integer("fee", ""), schema.Integer("anticipation_fee", ""),
		schema.Integer("installment", ""), schema.Text("gateway_id", ""), schema.Text("charge_id", ""),
		schema.Text("split_id", ""), schema.Text("bulk_anticipation_id", ""), schema.Text("recipient_id", ""),
		schema.Instant("payment_date", ""), schema.Instant("accrual_at", ""), schema.Enumeration("type", ""),
		schema.Enumeration("payment_method", ""), schema.Text("settlement_id", "")}}
}

// writer writes random records that look like a platform's answers.
type writer struct {
	r *rand.Rand
	n int
}

func (w *writer) id(prefix string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := []byte(prefix)
	for range 16 {
		b = append(b, alphabet[w.r.IntN(len(alphabet))])
	}
	return string(b)
}

func (w *writer) at() string {
	t := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC).Add(time.Duration(w.n) * 731 * time.Millisecond)
	return t.Format("2006-01-02T15:04:05Z")
}

func (w *writer) customer() string {
	return fmt.Sprintf(`{"id":"%s","name":"Maria da Conceição %d","email":"%s@example.com","document":"%011d","delinquent":false,`+
		`"address":{"id":"%s","line_1":"%d, Rua das Palmeiras, Centro","zip_code":"%08d","city":"São Paulo","state":"SP",`+
		`"created_at":"%s","updated_at":"%s"},"created_at":"%s","updated_at":"%s","phone_0":"55","phone_1":"11","phone_2":"%09d"}`,
		w.id("cus_"), w.n, w.id(""), w.n, w.id("addr_"), w.n%4000, w.n, w.at(), w.at(), w.at(), w.at(), w.n)
}

func (w *writer) charge() string {
	card := ""
	if w.n%3 > 0 {
		card = `"card_0":"411111","card_1":"1111","card_2":"visa","card_3":"MARIA C","card_4":"12","card_5":"2031","installments":3,`
	} else {
		card = `"pix_0":"` + w.id("qr") + w.id("") + w.id("") + `","pix_1":"2026-03-10T00:00:00Z",`
	}
	return fmt.Sprintf(`{"id":"%s","code":"%s","gateway_id":"%d","amount":%d,"status":"paid","currency":"BRL",`+
		`"payment_method":"credit_card","paid_at":"%s","created_at":"%s","updated_at":"%s","customer":%s,`+
		`"last_transaction":{"id":"%s","transaction_type":"credit_card","amount":%d,"status":"captured","success":true,%s`+
		`"created_at":"%s","updated_at":"%s","gateway_response":{"code":"200","errors":[]}},"metadata":{"shop":"12"}}`,
		w.id("ch_"), w.id(""), w.n*7919, w.n%100000, w.at(), w.at(), w.at(), w.customer(), w.id("tran_"), w.n%100000, card, w.at(), w.at())
}

func (w *writer) order() string {
	item := func() string {
		return fmt.Sprintf(`{"id":"%s","description":"Camiseta preta M","amount":%d,"quantity":1,"status":"active","created_at":"%s","updated_at":"%s"}`,
			w.id("oi_"), w.n%9999, w.at(), w.at())
	}
	return fmt.Sprintf(`{"id":"%s","code":"%s","amount":%d,"currency":"BRL","closed":true,"items":[%s,%s],"customer":%s,"status":"paid",`+
		`"created_at":"%s","updated_at":"%s","closed_at":"%s","charges":[%s],"metadata":{"channel":"web"}}`,
		w.id("or_"), w.id(""), w.n%99999, item(), item(), w.customer(), w.at(), w.at(), w.at(), w.charge())
}

func (w *writer) payable() string {
	return fmt.Sprintf(`{"id":"%d","status":"waiting_funds","amount":%d,"fee":%d,"anticipation_fee":0,"installment":%d,`+
		`"gateway_id":%d,"charge_id":"%s","split_id":"%s","recipient_id":"%s","payment_date":"2026-04-09T03:00:00Z",`+
		`"type":"credit","payment_method":"credit_card","accrual_at":"%s","created_at":"%s"}`,
		w.n+1000000, w.n%99999, w.n%999, w.n%12+1, w.n*31, w.id("ch_"), w.id("sr_"), w.id("re_"), w.at(), w.at())
}

// pages writes lists of records, newest last.
func pages(n, size int, record func(*writer) string) (out [][]byte, bytes int) {
	w := &writer{r: rand.New(rand.NewPCG(1, 2))}
	for range n {
		records := make([]string, size)
		for i := range records {
			records[i] = record(w)
			w.n++
		}
		page := []byte(`{"data":[` + strings.Join(records, ",") + `],"paging":{"total":100000}}`)
		out, bytes = append(out, page), bytes+len(page)
	}
	return out, bytes
}

func benchmarkDecode(b *testing.B, t *schema.Table, count, size int, record func(*writer) string) {
	bodies, bytes := pages(count, size, record)
	d, err := schema.NewDecoder(t, &schema.DecoderOptions{Connection: "shop"})
	require.NoError(b, err)
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		d.Reset(since, since.AddDate(1, 0, 0), since)
		for _, body := range bodies {
			_, err := d.Page(body, schema.Layout{}, "")
			require.NoError(b, err)
		}
		batch, err := d.Build()
		require.NoError(b, err)
		require.EqualValues(b, count*size, batch.NumRows())
		batch.Release()
	}
	report(b, count*size, bytes)
}

func report(b *testing.B, records, bytes int) {
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(bytes)/float64(records), "bytes/record")
}

func BenchmarkDecodeOrders(b *testing.B) {
	benchmarkDecode(b, ordersTable(), 50, 30, (*writer).order)
}

func BenchmarkDecodeCharges(b *testing.B) {
	benchmarkDecode(b, chargesTable(), 50, 30, (*writer).charge)
}

func BenchmarkDecodePayables(b *testing.B) {
	benchmarkDecode(b, payablesTable(), 10, 1000, (*writer).payable)
}

// benchmarkStructs is the baseline: encoding/json into Go structs of the same
// fields, which is where others start to build rows from.
func benchmarkStructs(b *testing.B, t *schema.Table, count, size int, record func(*writer) string) {
	bodies, bytes := pages(count, size, record)
	envelope := reflect.StructOf([]reflect.StructField{{Name: "Data", Type: reflect.SliceOf(structOf(t.Fields)), Tag: `json:"data"`}})
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		for _, body := range bodies {
			v := reflect.New(envelope)
			require.NoError(b, json.Unmarshal(body, v.Interface()))
			require.Equal(b, size, v.Elem().Field(0).Len())
		}
	}
	report(b, count*size, bytes)
}

func structOf(fields []schema.Field) reflect.Type {
	out := make([]reflect.StructField, len(fields))
	for i, f := range fields {
		out[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: goType(f), Tag: reflect.StructTag(`json:"` + f.Name + `"`)}
	}
	return reflect.StructOf(out)
}

func goType(f schema.Field) reflect.Type {
	switch f.Type {
	case schema.Int64:
		return reflect.TypeFor[int64]()
	case schema.Bool:
		return reflect.TypeFor[bool]()
	case schema.Timestamp:
		return reflect.TypeFor[time.Time]()
	case schema.Struct:
		return reflect.PointerTo(structOf(f.Fields))
	case schema.List:
		return reflect.SliceOf(goType(*f.Elem))
	case schema.Map:
		return reflect.TypeFor[map[string]string]()
	case schema.JSON, schema.Decimal:
		return reflect.TypeFor[json.RawMessage]()
	}
	if f.Name == "gateway_id" {
		return reflect.TypeFor[json.RawMessage]() // a number in some answers, text in others
	}
	return reflect.TypeFor[string]()
}

func BenchmarkStructsOrders(b *testing.B) {
	benchmarkStructs(b, ordersTable(), 50, 30, (*writer).order)
}

func BenchmarkStructsCharges(b *testing.B) {
	benchmarkStructs(b, chargesTable(), 50, 30, (*writer).charge)
}

func BenchmarkStructsPayables(b *testing.B) {
	benchmarkStructs(b, payablesTable(), 10, 1000, (*writer).payable)
}

func TestBenchmarkTableIsWide(t *testing.T) {
	leaves := len(ordersTable().Leaves())
	require.InDelta(t, 448, leaves, 60, "leaf columns of orders: %d", leaves)
}
