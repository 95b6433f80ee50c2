package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateNamesTheFault(t *testing.T) {
	require.NoError(t, shopTable().Validate())
	require.NoError(t, everyKind().Validate())
	for want, change := range map[string]func(*Table){
		"a name is made of":             func(t *Table) { t.Name = "Orders" },
		`field "Up"`:                    func(t *Table) { t.Fields[3].Name = "Up" },
		`field "_connection"`:           func(t *Table) { t.Fields[3].Name = ColumnConnection },
		"field amount: declared twice":  func(t *Table) { t.Fields[2].Name = "amount" },
		"another field has its key":     func(t *Table) { t.Fields[3].Key = "created_at" },
		"has spaces around it":          func(t *Table) { t.Fields[3].Key = "amount " },
		"has a quote":                   func(t *Table) { t.Fields[3].Key = `a"b` },
		"field charges.amount: it has":  func(t *Table) { t.Fields[5].Elem.Fields[0].Type = 0 },
		"customer: a struct needs":      func(t *Table) { t.Fields[4].Fields = nil },
		"only a struct has members":     func(t *Table) { t.Fields[4].Type = Map },
		"charges: a list needs":         func(t *Table) { t.Fields[5].Elem = nil },
		"only a list has an element":    func(t *Table) { t.Fields[5].Type = Raw("", "").Type },
		"amount: Required is for key":   func(t *Table) { t.Fields[3].Required = true },
		"only a top-level field can be": func(t *Table) { t.Fields[4].Fields[0].Injected = true },
		"an Injected field is":          func(t *Table) { t.Fields[4].Injected = true },
		"it has no key":                 func(t *Table) { t.Key = nil },
		"key nope":                      func(t *Table) { t.Key = []string{"nope"} },
		"key amount: named twice":       func(t *Table) { t.Key = []string{"id", "amount", "amount"} },
		"key customer: a key field is":  func(t *Table) { t.Key = []string{"id", "customer"} },
		"time amount":                   func(t *Table) { t.Time = "amount" },
		"time nope":                     func(t *Table) { t.Updated = "nope" },
		"mark the list NeverStore":      func(t *Table) { t.Fields[5].Elem.NeverStore = true },
		"version -1":                    func(t *Table) { t.Version = -1 },
	} {
		table := shopTable()
		change(table)
		require.ErrorContains(t, table.Validate(), want)
		_, err := NewDecoder(table, nil)
		require.Error(t, err)
	}
}

func TestExcludeDropsFieldsWhileDecoding(t *testing.T) {
	table := shopTable()
	out, err := table.Exclude("customer.email", "charges.customer", " updated_at ")
	require.NoError(t, err)
	require.Equal(t, shopTable(), table, "the table itself does not change")
	require.Empty(t, out.Updated)
	d, mem := newChecked(t, out)
	defer mem.AssertSize(t, 0)
	_, err = d.Page([]byte(`[{"id":"a","customer":{"email":"x@y.z","Email":"x@y.z"},"updated_at":"x@y.z","charges":[{"customer":"x@y.z","raw":{"email":"shop"}}],"new":{"email":"x@y.z"}},
		{"id":"b","amount":"bad","customer":{"email":"x@y.z"},"charges":{"customer":{"email":"x@y.z"},"amount":1}}]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, `{"id":"b","amount":"bad","charges":{"amount":1}}`, string(d.Rejects()[0].Record))
	got := lines(t, d)
	require.Len(t, got, 1)
	require.NotContains(t, got[0], "x@y.z")
	require.NotContains(t, got[0], `"customer"`, "a struct without members has no column")
	require.Contains(t, got[0], `{\"email\":\"shop\"}`, "an excluded field is no secret inside a JSON column")
}

func TestExcludeRefuses(t *testing.T) {
	for path, want := range map[string]string{
		"id": "key or time", "created_at": "key or time", "customer.emial": "the nearest is customer.email",
		"charges.element.amount": "the nearest is charges.amount", "": "no such field", "_extra": "no such field",
	} {
		_, err := shopTable().Exclude(path)
		require.ErrorContains(t, err, want, path)
	}
}
