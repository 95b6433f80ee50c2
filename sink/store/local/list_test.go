package local

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListReadsOnlyDirectoriesItNeeds(t *testing.T) {
	for _, c := range []struct {
		prefix, after, dir string
		want               bool
	}{
		{"", "", "a/", true},
		{"log/", "", "log/", true},
		{"log/", "", "lo/", false},
		{"log/", "", "log-old/", false},
		{"log", "", "log-old/", true},
		{"t/log/0", "", "t/", true},
		{"t/log/0", "", "t/log/", true},
		{"t/log/0", "", "t/data/", false},
		{"", "b/5", "a/", false},
		{"", "b/5", "b/", true},
		{"", "b/5", "c/", true},
		{"", "b/5/x", "b/5/", true},
		{"", "b/5/x", "b/4/", false},
		{"", "b0", "b/", false}, // "b/..." comes before "b0"
	} {
		l := &lister{prefix: c.prefix, after: c.after}
		require.Equal(t, c.want, l.wanted(c.dir), "%+v", c)
	}
}
