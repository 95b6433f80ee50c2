package books

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is changed or removed, and however much at once: the charges named
// are those whose payables were touched, and the recipients and days those of
// the touched rows.
func TestRandomDamageIsNamedExactly(t *testing.T) {
	_, sound := merchant(t, 21, 130, 4500)
	for seed := range uint64(3) {
		draw := rand.New(rand.NewPCG(seed, 1))
		l := sound.copy()
		charges := map[string]map[string]bool{"credit": {}, "refund": {}, "chargeback": {}}
		removed := map[string]bool{}
		for range 25 {
			p := l[Payables][draw.IntN(len(l[Payables]))]
			if !middle(p) || charges[p.text("type")][p.text("charge_id")] {
				continue
			}
			charges[p.text("type")][p.text("charge_id")] = true
			if draw.IntN(2) == 0 {
				removed[p.text("id")] = true
			} else {
				p["amount"] = number(p.cents("amount") * int64(2+draw.IntN(1000)))
			}
		}
		l.remove(Payables, func(r record) bool { return removed[r.text("id")] })
		r := checkLakes(t, Options{Lakes: l.tables(t, moment), MaxKeys: 1000})
		for kind, name := range map[string]string{"credit": "charges_paid", "refund": "refunds", "chargeback": "chargebacks"} {
			got := map[string]bool{}
			for _, b := range r.identity(t, name).Breaks {
				got[b.Charge] = true
			}
			if kind == "chargeback" { // what a refund took is not there for a chargeback to take
				continue
			}
			require.Equal(t, charges[kind], got, name)
		}
		requireDays(t, l, r.identity(t, "settled_amounts"))
	}
}

// requireDays compares the breaks with sums by brute force.
func requireDays(t *testing.T, l ledgers, i Identity) {
	t.Helper()
	sums := map[[2]string][2]int64{}
	for _, o := range l[Operations] {
		if m := record(o.object("movement_object")); m["object"] == "payable" {
			at := [2]string{dayOf(m.text("payment_date ")), m.text("recipient_id")}
			sums[at] = [2]int64{sums[at][0] + o.cents("amount"), sums[at][1]}
		}
	}
	for _, p := range l[Payables] {
		at := [2]string{dayOf(p.text("payment_date")), p.text("recipient_id")}
		sums[at] = [2]int64{sums[at][0], sums[at][1] + p.cents("amount")}
	}
	var want, got []Break
	for at, s := range sums {
		if s[0] != s[1] {
			want = append(want, Break{Day: at[0], Recipient: at[1], Left: s[0], Right: s[1]})
		}
	}
	for _, b := range i.Breaks {
		require.NotEmpty(t, b.Keys)
		got = append(got, Break{Day: b.Day, Recipient: b.Recipient, Left: b.Left, Right: b.Right})
	}
	slices.SortFunc(want, compareBreaks)
	require.Equal(t, want, got)
	require.EqualValues(t, len(want), i.Broken)
}

// Rows of one key are in one bucket and come back as they were.
func TestSpillKeepsRowsOfAKeyTogether(t *testing.T) {
	s, err := newSpill(t.TempDir(), 150_000)
	require.NoError(t, err)
	require.Len(t, s.buckets, 3)
	draw := rand.New(rand.NewPCG(3, 3))
	want := map[string][]int64{}
	for range 60_000 {
		key := string(rune('a'+draw.IntN(26))) + string(rune('a'+draw.IntN(26)))
		n := draw.Int64() - draw.Int64()
		want[key] = append(want[key], n)
		var p packed
		p.text(key)
		p.number(n)
		p.flag(n > 0)
		require.NoError(t, s.add(key, p))
	}
	require.Positive(t, s.size, "buckets were written")
	for i := range s.buckets {
		data, err := s.read(i)
		require.NoError(t, err)
		got := map[string][]int64{}
		u := unpack(data)
		for u.more() {
			key, n := u.text(), u.number()
			require.Equal(t, n > 0, u.flag())
			got[key] = append(got[key], n)
		}
		require.NoError(t, u.err)
		for key, list := range got {
			require.Equal(t, want[key], list)
			delete(want, key)
		}
	}
	require.Empty(t, want)
	require.NoError(t, s.close())
	require.NoFileExists(t, s.f.Name())
}

func TestDamagedSpillIsAnError(t *testing.T) {
	var p packed
	p.text("charge")
	for n := range len(p) {
		u := unpack(p[:n])
		require.Empty(t, u.text())
		if n > 0 {
			require.ErrorIs(t, u.err, errPacked)
		}
	}
}
