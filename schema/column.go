package schema

import (
	"encoding/binary"
	"math/bits"
)

// A column gathers the values of one field, in the order of decoding. It
// stores only what is there: a mark says which slot a value belongs to, and
// slots without a mark are null. So a field that a record lacks costs nothing.
type column struct {
	kind  Type
	space int // the space its slots are counted in
	inner int // List and Map: the space of their elements
	marks []mark
	nums  []int64 // Int64, Decimal (millionths), Bool (0, 1), Timestamp (microseconds), Date (days)
	data  []byte  // String, JSON
}

// mark says that a slot has a value. Marks ascend by slot.
type mark struct {
	slot int32
	end  int32 // String, JSON: end of its text in data. List, Map: end of its elements
}

// columns holds the buffers of all fields. A space counts slots: space 0 those
// of the rows, and every list and map has one for its elements.
type columns struct {
	list   []*column // parents before children
	counts []int32   // slots of each space
}

// add makes a column for values of a type; lists and maps get a new space.
func (s *columns) add(kind Type, space int) *column {
	c := &column{kind: kind, space: space}
	if kind == List || kind == Map {
		s.counts = append(s.counts, 0)
		c.inner = len(s.counts) - 1
	}
	s.list = append(s.list, c)
	return c
}

func (c *column) text(s []byte, slot int32) {
	c.data = append(c.data, s...)
	c.marks = append(c.marks, mark{slot, int32(len(c.data))})
}

// take copies the string whose opening quote is before i, as it looks for its
// end, eight bytes at a time. It returns the position after the string. If the
// string is not plain, or the buffer has no room for it, it returns 0 and has
// done nothing.
func (c *column) take(b []byte, i int, slot int32) int {
	n, room := len(c.data), c.data[:cap(c.data)]
	for i+8 <= len(b) && n+8 <= len(room) {
		w := binary.LittleEndian.Uint64(b[i:])
		binary.LittleEndian.PutUint64(room[n:], w)
		if m := special(w); m != 0 {
			k := bits.TrailingZeros64(m) >> 3
			if b[i+k] != '"' {
				return 0
			}
			c.data = c.data[:n+k]
			c.marks = append(c.marks, mark{slot, int32(n + k)})
			return i + k + 1
		}
		i, n = i+8, n+8
	}
	return 0
}

// close marks the text that was just appended to data. Texts are checked
// before they are appended, so there is never a text without a mark.
func (c *column) close(slot int32) {
	c.marks = append(c.marks, mark{slot, int32(len(c.data))})
}

func (c *column) num(v int64, slot int32) {
	c.nums = append(c.nums, v)
	c.marks = append(c.marks, mark{slot: slot})
}

// start returns where the i-th value starts, in data or in the inner space.
func (c *column) start(i int) int32 {
	if i == 0 {
		return 0
	}
	return c.marks[i-1].end
}

// bytes returns the text of the i-th value.
func (c *column) bytes(i int) []byte { return c.data[c.start(i):c.marks[i].end] }

// last returns the index of the value of a slot, which must be the newest of
// the space, or -1 if it is null.
func (c *column) last(slot int32) int {
	if n := len(c.marks); n > 0 && c.marks[n-1].slot == slot {
		return n - 1
	}
	return -1
}

// truncate takes back all rows from the given one on.
func (s *columns) truncate(rows int32) {
	s.counts[0] = rows
	for _, c := range s.list {
		limit := s.counts[c.space]
		n := len(c.marks)
		for n > 0 && c.marks[n-1].slot >= limit {
			n--
		}
		if c.inner > 0 { // also takes back elements of a list that was cut short
			s.counts[c.inner] = c.start(n)
		}
		if n < len(c.marks) {
			c.cut(n)
		}
	}
}

// cut keeps the first n values.
func (c *column) cut(n int) {
	c.data = c.data[:min(len(c.data), int(c.start(n)))]
	c.marks = c.marks[:n]
	c.nums = c.nums[:min(len(c.nums), n)]
}

// reset forgets all values and keeps the buffers.
func (s *columns) reset() {
	clear(s.counts)
	for _, c := range s.list {
		c.marks, c.nums, c.data = c.marks[:0], c.nums[:0], c.data[:0]
	}
}

// size estimates the Arrow size of what the columns hold. Columns without any
// value share one buffer of zeros and count for nothing.
func (s *columns) size() int {
	n := 0
	for _, c := range s.list {
		if len(c.marks) == 0 {
			continue
		}
		slots := int(s.counts[c.space])
		n += slots/8 + slots*slotSize(c.kind) + len(c.data)
	}
	return n
}

// slotSize is what a slot of an Arrow array takes, texts and validity aside.
func slotSize(kind Type) int {
	switch kind {
	case Decimal:
		return 16
	case Int64, Timestamp:
		return 8
	case Struct, Bool:
		return 0
	}
	return 4
}
