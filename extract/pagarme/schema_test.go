package pagarme_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/schema"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

const fixtures = "../../testdata/pagarme"

// eachStream runs a test for every stream of the source.
func eachStream(t *testing.T, test func(t *testing.T, ep extract.Endpoint)) {
	t.Helper()
	for _, ep := range pagarme.Source().Streams {
		t.Run(ep.Table.Name, func(t *testing.T) { test(t, ep) })
	}
}

// golden compares got with a file of testdata/pagarme, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(fixtures, name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "a stream needs this golden file; write it with: go test ./extract/pagarme -update")
	require.Equal(t, string(want), got)
}

// A reader of the tables relies on names, types and their order: a change of
// them must be seen in review and must raise the table's version.
func TestTablesHaveTheirGoldenColumns(t *testing.T) {
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		golden(t, ep.Table.Name+".schema.golden", describe(ep.Table))
	})
}

// describe lists a table, a line per field: path, type and marks.
func describe(table *schema.Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, "table %s version %d\nkey %s\ntime %s\nupdated %s\n\n",
		table.Name, table.Version, strings.Join(table.Key, ", "), table.Time, table.Updated)
	for _, f := range table.Fields {
		describeField(&b, f, f.Name)
	}
	return b.String()
}

func describeField(b *strings.Builder, f schema.Field, path string) {
	if f.Type == schema.List {
		elem := *f.Elem
		elem.Key = f.Key
		describeField(b, elem, path+"[]")
		return
	}
	fmt.Fprintf(b, "%s %s%s\n", path, typeName(f.Type), marks(f))
	for _, m := range f.Fields {
		describeField(b, m, path+"."+m.Name)
	}
}

func marks(f schema.Field) string {
	var out string
	if f.Key != "" {
		out += fmt.Sprintf(" key=%s", f.Key)
	}
	for _, mark := range []struct {
		name string
		set  bool
	}{{"required", f.Required}, {"injected", f.Injected}, {"never-stored", f.NeverStore}, {"enum", f.Enum}} {
		if mark.set {
			out += " " + mark.name
		}
	}
	return out
}

func typeName(t schema.Type) string {
	return map[schema.Type]string{
		schema.String: "string", schema.Int64: "int64", schema.Decimal: "decimal(18,6)", schema.Bool: "bool",
		schema.Timestamp: "timestamp", schema.Date: "date", schema.Struct: "struct", schema.Map: "map<string,string>", schema.JSON: "json",
	}[t]
}
