package parquet

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// slots are the places of a column's values as Parquet counts them: one per
// row, and below a list one per element, with one for each list that is null or
// empty. All members of a struct share their slots, so their levels are found
// and encoded once. A slot is alive if nothing above it is null or empty. Levels
// are those of https://parquet.apache.org/docs/file-format/nestedencoding/.
type slots struct {
	n     int
	depth uint8   // lists above
	rep   []uint8 // repetition levels; nil: all 0
	def   []uint8 // definition levels of those that are not alive; nil: all are alive
	at    []int32 // where in the array the slot's value stands, -1 = not alive; nil: slot i is value i

	alive   []int32           // see values
	uniform map[uint8][]uint8 // see definition
	encoded map[levels][]byte // see encode
	images  map[levels]image  // see group.nulls
}

// levels names the levels of slots: those that are alive have this one.
type levels struct {
	alive  uint8
	widths widths
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
func (s *slots) present(arr arrow.Array, level uint8) *slots {
	out := &slots{n: s.n, depth: s.depth, rep: s.rep, def: make([]uint8, s.n), at: make([]int32, s.n)}
	valid := validity(arr)
	for i := range s.n {
		at := s.value(i)
		switch {
		case at < 0:
			out.def[i], out.at[i] = s.def[i], -1
		case valid.null(at):
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
func (s *slots) elements(arr array.ListLike, null, empty uint8) *slots {
	size := s.n
	if n := arr.Len(); n > 0 {
		first, _ := arr.ValueOffsets(0)
		_, last := arr.ValueOffsets(n - 1)
		size += int(last - first)
	}
	out := &slots{depth: s.depth + 1, rep: make([]uint8, 0, size), def: make([]uint8, 0, size), at: make([]int32, 0, size)}
	valid := validity(arr)
	for i := range s.n {
		rep := uint8(0)
		if s.rep != nil {
			rep = s.rep[i]
		}
		at := s.value(i)
		if at < 0 {
			out.add(rep, s.def[i], -1)
			continue
		}
		if valid.null(at) {
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

func (s *slots) add(rep, def uint8, at int32) {
	s.rep = append(s.rep, rep)
	s.def = append(s.def, def)
	s.at = append(s.at, at)
	s.n++
}

// anyNull tells whether an array has a null in a slot that is alive.
func (s *slots) anyNull(arr arrow.Array) bool {
	valid := validity(arr)
	for i := range s.n {
		if at := s.value(i); at >= 0 && valid.null(at) {
			return true
		}
	}
	return false
}

// repetition returns the repetition levels of a leaf that has a list above it.
func (s *slots) repetition() []uint8 {
	if s.rep == nil { // all is null above its list
		s.rep = make([]uint8, s.n)
	}
	return s.rep
}

// values returns where the values of the slots that are alive stand.
func (s *slots) values() []int32 {
	if s.alive == nil {
		s.alive = make([]int32, 0, s.n)
		for i := range s.n {
			if at := s.value(i); at >= 0 {
				s.alive = append(s.alive, int32(at))
			}
		}
	}
	return s.alive
}

// definition returns the definition levels of a leaf for which all slots that
// are alive have the same: it is null there, or nowhere.
func (s *slots) definition(alive uint8) []uint8 {
	def, ok := s.uniform[alive]
	if ok {
		return def
	}
	def = make([]uint8, s.n)
	for i := range def {
		if def[i] = alive; s.value(i) < 0 {
			def[i] = s.def[i]
		}
	}
	if s.uniform == nil {
		s.uniform = map[uint8][]uint8{}
	}
	s.uniform[alive] = def
	return def
}

// encode returns the levels of all slots as a page begins with them, those of
// definition being the ones that definition returns.
func (s *slots) encode(l levels) []byte {
	out, ok := s.encoded[l]
	if ok {
		return out
	}
	out = s.appendRepetition(nil, l.widths, 0, s.n)
	out = appendLevels(out, s.definition(l.alive), l.widths.def)
	if s.encoded == nil {
		s.encoded = map[levels][]byte{}
	}
	s.encoded[l] = out
	return out
}

// appendRepetition appends the repetition levels of some slots.
func (s *slots) appendRepetition(dst []byte, w widths, from, to int) []byte {
	if w.rep == 0 {
		return dst
	}
	return appendLevels(dst, s.repetition()[from:to], w.rep)
}

// bitmap tells which values of an array are null.
type bitmap struct {
	bits   []byte // nil: none is
	offset int
}

func validity(arr arrow.Array) bitmap {
	if arr.NullN() == 0 {
		return bitmap{}
	}
	return bitmap{arr.NullBitmapBytes(), arr.Data().Offset()}
}

func (b bitmap) null(i int) bool {
	i += b.offset
	return b.bits != nil && b.bits[i>>3]>>(i&7)&1 == 0
}
