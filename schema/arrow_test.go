package schema_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
)

func sale() *schema.Table {
	return &schema.Table{
		Name: "sales", Key: []string{"id"}, Time: "created_at", Version: 1,
		Fields: []schema.Field{
			schema.ID("id", "Number of the sale."),
			schema.Instant("created_at", "When it was made."),
			schema.Integer("amount", "Cents."),
			schema.Number("rate", "Per cent."),
			schema.Flag("paid", ""),
			schema.Day("due", ""),
			schema.Secret("token", ""),
			schema.Object("buyer", "Who buys.", schema.Text("name", "").FromKey("full name"), schema.Secret("document", "")),
			schema.Object("vault", "", schema.Secret("pin", "")),
			schema.ListOf("items", "", schema.Object("", "", schema.Enumeration("kind", ""), schema.Secret("code", ""))),
			schema.ListOf("keys", "", schema.Secret("", "")),
			schema.Attributes("metadata", ""),
			schema.Raw("raw", ""),
			schema.Instant("read_at", "").Inject(),
		},
	}
}

func TestArrowSchemaHasEveryTypeAndNoSecret(t *testing.T) {
	us := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	text := arrow.BinaryTypes.String
	nullable := func(name string, typ arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: typ, Nullable: true}
	}
	want := []arrow.Field{
		{Name: "id", Type: text},
		nullable("created_at", us),
		nullable("amount", arrow.PrimitiveTypes.Int64),
		nullable("rate", &arrow.Decimal128Type{Precision: 18, Scale: 6}),
		nullable("paid", arrow.FixedWidthTypes.Boolean),
		nullable("due", arrow.FixedWidthTypes.Date32),
		nullable("buyer", arrow.StructOf(nullable("name", text))),
		nullable("items", arrow.ListOfField(nullable("element", arrow.StructOf(nullable("kind", text))))),
		nullable("metadata", arrow.MapOf(text, text)),
		nullable("raw", text),
		nullable("read_at", us),
		nullable("_extracted_at", us),
		nullable("_connection", text),
		nullable("_extra", text),
	}
	got := sale().ArrowSchema()
	require.Len(t, got.Fields(), len(want))
	for i, f := range want {
		require.Truef(t, f.Equal(got.Field(i)), "column %d is %s, want %s", i, got.Field(i), f)
	}
}

func TestLeavesAreThoseOfParquet(t *testing.T) {
	var paths []string
	for _, l := range sale().Leaves() {
		paths = append(paths, l.Path)
		require.Equal(t, l.Path != "items.list.element.kind" && l.Path != "metadata.key_value.key" && l.Path != "metadata.key_value.value",
			!l.Repeated, l.Path)
		require.Equal(t, l.Path == "items.list.element.kind" || l.Path == "_connection", l.Field.Enum, l.Path)
	}
	require.Equal(t, []string{
		"id", "created_at", "amount", "rate", "paid", "due", "buyer.name", "items.list.element.kind",
		"metadata.key_value.key", "metadata.key_value.value", "raw", "read_at", "_extracted_at", "_connection", "_extra",
	}, paths)
}

func TestColumnsLeaveTheTableAsItIs(t *testing.T) {
	table := sale()
	table.Columns()
	require.Equal(t, sale(), table)
}
