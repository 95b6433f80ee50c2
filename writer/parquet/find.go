package parquet

import "github.com/apache/arrow-go/v18/arrow"

// present is the values of a leaf that are not null: the n from first on, or
// those at the places in sel.
type present struct {
	first, n int
	sel      []int32
}

// at returns where the i-th value stands.
func (p present) at(i int) int {
	if p.sel == nil {
		return p.first + i
	}
	return int(p.sel[i])
}

// pick returns the present values of all: themselves where they are in a row,
// else gathered in scratch.
func pick[T any](all []T, p present, scratch *[]T) []T {
	if p.sel == nil {
		return all[p.first : p.first+p.n]
	}
	out := (*scratch)[:0]
	for _, at := range p.sel {
		out = append(out, all[at])
	}
	*scratch = out
	return out
}

// finder finds the values of leaves, one after the other in the same memory.
type finder struct {
	def []uint8
	sel []int32
}

// find returns the values of a leaf that are not null, and the definition
// levels of its slots: null where it is null, level where it is not. The levels
// are nil if the leaf is null in no slot that is alive.
func (l *finder) find(arr arrow.Array, s *slots, null, level uint8) (present, []uint8) {
	valid := validity(arr)
	if valid.bits == nil {
		if s.at == nil {
			return present{n: s.n}, nil
		}
		return inRow(s.values()), nil
	}
	def, sel := l.def[:0], l.sel[:0]
	for i := range s.n {
		at := s.value(i)
		switch {
		case at < 0:
			def = append(def, s.def[i])
		case valid.null(at):
			def = append(def, null)
		default:
			def = append(def, level)
			sel = append(sel, int32(at))
		}
	}
	l.def, l.sel = def, sel
	return inRow(sel), def
}

// inRow returns the values at the places in sel, which rise.
func inRow(sel []int32) present {
	n := len(sel)
	if n == 0 {
		return present{}
	}
	if int(sel[n-1]-sel[0]) == n-1 {
		return present{first: int(sel[0]), n: n}
	}
	return present{n: n, sel: sel}
}
