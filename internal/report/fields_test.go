package report_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
)

// fieldsOf lists the JSON names of a struct.
func fieldsOf(t *testing.T, typ reflect.Type) []string {
	t.Helper()
	var names []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		require.NotEmpty(t, name, "%s.%s has no JSON name", typ.Name(), f.Name)
		names = append(names, name)
	}
	return names
}

// A field that programs may read is described, and what is described exists.
func TestEveryFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/report.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^|]+ \\| [^|]{5,} \\|$")
	documented := map[string][]string{}
	for section := range strings.SplitSeq(string(text), "\n## ") {
		title, _, _ := strings.Cut(section, "\n")
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			documented[title] = append(documented[title], m[1])
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[report.Run](), reflect.TypeFor[report.Stream](), reflect.TypeFor[report.Window](),
		reflect.TypeFor[report.Feed](), reflect.TypeFor[report.Refresh](), reflect.TypeFor[report.Kept]()} {
		require.ElementsMatch(t, fieldsOf(t, typ), documented[typ.Name()], "the fields of report.%s and those of internal/docs/report.md", typ.Name())
	}
}

func TestTheDocumentedVersionIsTheCurrentOne(t *testing.T) {
	text, err := os.ReadFile("../docs/report.md")
	require.NoError(t, err)
	require.Equal(t, 1, report.Version)
	require.Contains(t, string(text), "- `version` is 1.")
	require.Contains(t, string(text), "| `version` | number | version of this form: 1 |")
}
