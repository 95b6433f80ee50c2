package parquet

import "github.com/zeebo/xxh3"

// How strings are looked at to see whether a dictionary pays.
const (
	sampled  = 512 // values looked at
	leastFor = 256 // values; of fewer the dictionary's own page costs more than it saves
	mostOf   = 0.9 // part of the values that may be different
)

// sample tells from a part of the values whether many of them repeat. Equal
// values give equal answers: files stay the same from run to run.
type sample struct {
	seen [2 * sampled]uint64 // hashes, each at its place or behind it; 0 = free
}

// repeats estimates how many of the strings are different from the pairs of
// equal strings among those looked at: m of them have m(m-1)/2d pairs when d
// are different.
func (s *sample) repeats(t texts) bool {
	if t.n < leastFor {
		return false
	}
	clear(s.seen[:])
	m := min(sampled, t.n/2)
	pairs := 0
	for i := range m {
		if s.add(xxh3.Hash(t.text(i * t.n / m))) {
			pairs++
		}
	}
	different := float64(m) * float64(m-1) / 2 / float64(max(pairs, 1))
	return pairs > 2 && different <= mostOf*float64(t.n)
}

// add reports whether the hash was there.
func (s *sample) add(hash uint64) bool {
	hash |= 1
	for at := hash % uint64(len(s.seen)); ; at = (at + 1) % uint64(len(s.seen)) {
		switch s.seen[at] {
		case hash:
			return true
		case 0:
			s.seen[at] = hash
			return false
		}
	}
}
