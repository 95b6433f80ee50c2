package books_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/books"
)

// A field that programs may read is described, and what is described exists.
func TestEveryFieldOfTheReportIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../docs/books.md")
	require.NoError(t, err)
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| [^|]+ \\| [^|]{5,} \\|$")
	for title, types := range map[string][]reflect.Type{
		"field of an entry":    {reflect.TypeFor[books.Result]()},
		"field of an identity": {reflect.TypeFor[books.Identity]()},
		"field of a break":     {reflect.TypeFor[books.Break]()},
	} {
		_, section, found := strings.Cut(string(text), "| "+title+" |")
		require.True(t, found, title)
		section, _, _ = strings.Cut(section, "\n\n")
		var described []string
		for _, m := range row.FindAllStringSubmatch(section, -1) {
			described = append(described, m[1])
		}
		want := map[bool][]string{true: {"connection", "error"}}[title == "field of an entry"] // of the command
		for _, typ := range types {
			for i := range typ.NumField() {
				name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
				want = append(want, name)
			}
		}
		require.ElementsMatch(t, want, described, title)
	}
}
