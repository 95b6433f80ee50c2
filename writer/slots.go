package writer

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// slots are the places of a column's values as Parquet counts them: one per
// row, and below a list one per element, with one for each list that is null or
// empty. All members of a struct share their slots, so their levels are found
// once. A slot is alive if nothing above it is null or empty. Levels are those
// of https://parquet.apache.org/docs/file-format/nestedencoding/.
type slots struct {
	n     int
	depth int16   // lists above
	rep   []int16 // repetition levels; nil: all 0
	def   []int16 // definition levels of those that are not alive; nil: all are alive
	at    []int32 // where in the array the slot's value stands, -1 = not alive; nil: slot i is value i

	uniform map[int16][]int16 // see definition
}

// value returns where slot i has its value, -1 if it is not alive.
func (s *slots) value(i int) int {
	if s.at == nil {
		return i
	}
	return int(s.at[i])
}

// present returns the slots of a struct's members: those where the struct is
// null are not alive and have this level.
func (s *slots) present(arr arrow.Array, level int16) *slots {
	out := &slots{n: s.n, depth: s.depth, rep: s.rep, def: make([]int16, s.n), at: make([]int32, s.n)}
	for i := range s.n {
		at := s.value(i)
		switch {
		case at < 0:
			out.def[i], out.at[i] = s.def[i], -1
		case arr.IsNull(at):
			out.def[i], out.at[i] = level, -1
		default:
			out.at[i] = int32(at)
		}
	}
	return out
}

// elements returns the slots of the elements of lists or of the entries of
// maps. Lists that are null and that are empty have a slot each, which is not
// alive, with these levels.
func (s *slots) elements(arr array.ListLike, null, empty int16) *slots {
	size := s.n
	if n := arr.Len(); n > 0 {
		first, _ := arr.ValueOffsets(0)
		_, last := arr.ValueOffsets(n - 1)
		size += int(last - first)
	}
	out := &slots{depth: s.depth + 1, rep: make([]int16, 0, size), def: make([]int16, 0, size), at: make([]int32, 0, size)}
	for i := range s.n {
		rep := int16(0)
		if s.rep != nil {
			rep = s.rep[i]
		}
		at := s.value(i)
		if at < 0 {
			out.add(rep, s.def[i], -1)
			continue
		}
		if arr.IsNull(at) {
			out.add(rep, null, -1)
			continue
		}
		from, to := arr.ValueOffsets(at)
		if from == to {
			out.add(rep, empty, -1)
			continue
		}
		for v := from; v < to; v++ {
			out.add(rep, 0, int32(v))
			rep = out.depth
		}
	}
	return out
}

func (s *slots) add(rep, def int16, at int32) {
	s.rep = append(s.rep, rep)
	s.def = append(s.def, def)
	s.at = append(s.at, at)
	s.n++
}

// repetition returns the repetition levels of a leaf that has a list above it.
func (s *slots) repetition() []int16 {
	if s.rep == nil { // all is null above its list
		s.rep = make([]int16, s.n)
	}
	return s.rep
}

// definition returns the definition levels of a leaf for which all slots that
// are alive have the same: it is null there, or nowhere.
func (s *slots) definition(alive int16) []int16 {
	def, ok := s.uniform[alive]
	if ok {
		return def
	}
	def = make([]int16, s.n)
	for i := range def {
		if def[i] = alive; s.value(i) < 0 {
			def[i] = s.def[i]
		}
	}
	if s.uniform == nil {
		s.uniform = map[int16][]int16{}
	}
	s.uniform[alive] = def
	return def
}
