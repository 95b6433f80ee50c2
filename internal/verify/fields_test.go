package verify_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/verify"
)

// fieldsOf lists the JSON names of a struct.
func fieldsOf(t *testing.T, typ reflect.Type) []string {
	t.Helper()
	var names []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		require.NotEmpty(t, name, "%s.%s has no JSON name", typ.Name(), f.Name)
		names = append(names, name)
	}
	return names
}

// A field that programs may read is described, and what is described exists.
func TestEveryFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/verify.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^|]+ \\| [^|]{5,} \\|$")
	documented := map[string][]string{}
	for section := range strings.SplitSeq(string(text), "\n## ") {
		title, _, _ := strings.Cut(section, "\n")
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			documented[title] = append(documented[title], m[1])
		}
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[verify.Report](), reflect.TypeFor[verify.Stream](), reflect.TypeFor[verify.Skip](), reflect.TypeFor[verify.Finding](), reflect.TypeFor[verify.Repair](),
	} {
		require.ElementsMatch(t, fieldsOf(t, typ), documented[typ.Name()], "the fields of verify.%s and those of internal/docs/verify.md", typ.Name())
	}
	require.Equal(t, 1, verify.Version)
	require.Contains(t, string(text), "- `version` is 1.")
	for _, kind := range []string{verify.Missing, verify.Extra, verify.Doubled, verify.Changed, verify.Stale, verify.Misplaced, verify.Lost, verify.Cut,
		verify.Unreadable, verify.RowCount, verify.Statistics, verify.Tags, verify.Order} {
		require.Contains(t, string(text), "`"+kind+"`")
	}
}
