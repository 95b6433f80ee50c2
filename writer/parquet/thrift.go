package parquet

import "encoding/binary"

// Types of Thrift's compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftBinary = 8
	thriftList   = 9
	thriftStruct = 12
)

// compact writes structs in Thrift's compact protocol. The fields of a struct
// are written in the order of their ids.
type compact struct {
	buf   []byte
	last  int   // id of the last field of the open struct
	outer []int // the same, of the structs around it
}

func (c *compact) reset() { c.buf, c.last, c.outer = c.buf[:0], 0, c.outer[:0] }

// field writes the header of a field.
func (c *compact) field(id int, kind byte) {
	if d := id - c.last; d > 0 && d < 16 {
		c.buf = append(c.buf, byte(d)<<4|kind)
	} else {
		c.buf = binary.AppendVarint(append(c.buf, kind), int64(id))
	}
	c.last = id
}

// int writes an integer; kind is thriftI16, thriftI32 or thriftI64.
func (c *compact) int(id int, kind byte, v int64) {
	c.field(id, kind)
	c.number(v)
}

// number writes an integer that is the element of a list.
func (c *compact) number(v int64) { c.buf = binary.AppendVarint(c.buf, v) } // zigzag

func (c *compact) i32(id int, v int64) { c.int(id, thriftI32, v) }
func (c *compact) i64(id int, v int64) { c.int(id, thriftI64, v) }

func (c *compact) bool(id int, v bool) {
	if v {
		c.field(id, thriftTrue)
	} else {
		c.field(id, thriftFalse)
	}
}

func (c *compact) binary(id int, v []byte) {
	c.field(id, thriftBinary)
	c.buf = append(binary.AppendUvarint(c.buf, uint64(len(v))), v...)
}

func (c *compact) string(id int, v string) { c.binary(id, []byte(v)) }

// list writes the header of a list of n elements, which follow.
func (c *compact) list(id int, kind byte, n int) {
	c.field(id, thriftList)
	if n < 15 {
		c.buf = append(c.buf, byte(n)<<4|kind)
		return
	}
	c.buf = binary.AppendUvarint(append(c.buf, 0xF0|kind), uint64(n))
}

// begin opens a struct that is a field; end closes it.
func (c *compact) begin(id int) {
	c.field(id, thriftStruct)
	c.element()
}

// element opens a struct that is the element of a list; end closes it.
func (c *compact) element() {
	c.outer = append(c.outer, c.last)
	c.last = 0
}

func (c *compact) end() {
	c.stop()
	n := len(c.outer) - 1
	c.last, c.outer = c.outer[n], c.outer[:n]
}

// stop ends the outermost struct.
func (c *compact) stop() { c.buf = append(c.buf, 0) }
