package partitioning_test

import (
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
)

func TestDir(t *testing.T) {
	spec := partitioning.Spec{Column: "created_date"}
	for v, want := range map[partitioning.Value]string{
		"2026-11-21": "created_date=2026-11-21",
		"2026-11":    "created_date=2026-11",
		"":           "created_date=__HIVE_DEFAULT_PARTITION__",
		"A.b_c-9":    "created_date=A.b_c-9",
	} {
		require.Equal(t, want, spec.Dir(v))
	}
	seen := map[string]partitioning.Value{}
	for _, v := range []partitioning.Value{"a b", "a%20b", "a+b", "a/b", "são", "a=b", "~", "[x]", "a:b", "__HIVE_DEFAULT_PARTITION__"} {
		dir := spec.Dir(v)
		require.Regexp(t, regexp.MustCompile(`^created_date=~[0-9a-f]{8}$`), dir)
		require.Empty(t, seen[dir])
		seen[dir] = v
		require.Equal(t, dir, partitioning.URI(dir), "a directory is its own URI")
	}
}

func TestURI(t *testing.T) {
	for path, want := range map[string]string{
		"created_date=2026-11-21/part-0.parquet": "created_date=2026-11-21/part-0.parquet",
		"p=a%3Ab/x":                              "p=a%253Ab/x",
		"p=a b+c/ü":                              "p=a%20b%2Bc/%C3%BC",
		"p=~0a1b2c3d/x":                          "p=~0a1b2c3d/x",
	} {
		require.Equal(t, want, partitioning.URI(path))
		back, err := partitioning.FromURI(want)
		require.NoError(t, err)
		require.Equal(t, path, back)
	}
}

func TestFromURIReadsWhatOtherEnginesWrite(t *testing.T) {
	for uri, want := range map[string]string{
		"p=a+b/x":     "p=a+b/x",
		"p=a b/x":     "p=a b/x",
		"p=%c3%bc/x":  "p=ü/x",
		"p=ü/x":       "p=ü/x",
		"p=a%253Ab/x": "p=a%3Ab/x",
	} {
		path, err := partitioning.FromURI(uri)
		require.NoError(t, err)
		require.Equal(t, want, path)
	}
	for _, uri := range []string{"p=%", "p=%zz", "p=%c"} {
		_, err := partitioning.FromURI(uri)
		require.Error(t, err)
		require.Contains(t, err.Error(), uri)
	}
}

func FuzzURI(f *testing.F) {
	for _, path := range []string{"", "a/b", "p=a%3Ab", "100%", "a b+c&d", "são/paulo", "\x00\xff", "p=~00000000"} {
		f.Add(path)
	}
	allowed := regexp.MustCompile(`^[A-Za-z0-9._~/=%-]*$`)
	f.Fuzz(func(t *testing.T, path string) {
		uri := partitioning.URI(path)
		require.Regexp(t, allowed, uri)
		back, err := partitioning.FromURI(uri)
		require.NoError(t, err)
		require.Equal(t, path, back)
		parsed, err := url.Parse("x/" + uri)
		require.NoError(t, err)
		require.Equal(t, "x/"+path, parsed.Path)
	})
}
