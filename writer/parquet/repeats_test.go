package parquet

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// strung makes n strings in random order of which at most so many are different.
func strung(n, different int) texts {
	order := rand.New(rand.NewPCG(1, 2)).Perm(n)
	var data strings.Builder
	offsets := []int32{0}
	for i := range n {
		fmt.Fprintf(&data, "customer-%d", order[i]%different)
		offsets = append(offsets, int32(data.Len()))
	}
	return texts{data: []byte(data.String()), offsets: offsets, present: present{n: n}}
}

func TestDictionaryWhereStringsRepeat(t *testing.T) {
	cases := []struct {
		n, different int
		want         bool
	}{
		{10_000, 10_000, false}, {10_000, 4_000, true}, {10_000, 3, true}, {100_000, 20_000, true},
		{1_000, 1_000, false}, {1_000, 300, true}, {100, 1, false}, {0, 1, false},
	}
	var s sample
	for _, c := range cases {
		require.Equal(t, c.want, s.repeats(strung(c.n, c.different)), "%d different of %d", c.different, c.n)
	}
}
