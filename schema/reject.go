package schema

import (
	"bytes"
	"strconv"

	"github.com/zeebo/xxh3"
)

// Reject is a record that does not fit its table.
type Reject struct {
	Record    []byte // compact JSON text without what must not be stored
	Key       string // the record's key if it could be found; parts of a longer key are joined by commas
	Pointer   string // RFC 6901 pointer of the first field at fault, by the keys of the table; "" for the whole record
	Reason    string // in plain words, without any value of the record
	RequestID string // of the answer it came in
	Invalid   bool   // Record is not valid UTF-8
}

// The reasons of rejects that do not depend on a field's type.
const (
	reasonTwice   = "duplicate key"
	reasonNoKey   = "no key"
	reasonNoTime  = "no time"
	reasonShape   = "record is not an object"
	reasonUTF8    = "not valid UTF-8"
	reasonRemoved = "; what may hold a field that is never stored was left out of the record"
)

// fault is the first thing that is wrong with the record being read.
type fault struct {
	reason  string // "" if nothing is
	pointer string
}

// blame notes that a field is at fault.
func (d *Decoder) blame(n *node, reason string) {
	if d.fault.reason == "" {
		d.fault = fault{reason, string(appendPointer(nil, n))}
	}
}

// wrong notes that a field is at fault and skips its value.
func (d *Decoder) wrong(n *node, i int, reason string) int {
	d.blame(n, reason)
	return skipValue(d.body, i, d.depth)
}

// misfit skips a value of a JSON type that its field does not take.
func (d *Decoder) misfit(n *node, i int) int {
	if d.fault.reason != "" {
		return skipValue(d.body, i, d.depth)
	}
	return d.wrong(n, i, "expected "+kindName(n.kind)+", found "+shapeName(d.body[i]))
}

func kindName(kind Type) string {
	switch kind {
	case Int64:
		return "an integer"
	case Decimal:
		return "a number"
	case Bool:
		return "true or false"
	case Timestamp:
		return "a timestamp"
	case Date:
		return "a date"
	case Struct, Map:
		return "an object"
	}
	return "text"
}

func shapeName(first byte) string {
	switch first {
	case '"':
		return "text"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "true or false"
	}
	return "a number"
}

func reasonMalformed(kind Type) string {
	switch kind {
	case Int64:
		return "not an integer of 64 bits"
	case Decimal:
		return "not a number that fits decimal(18,6) without rounding"
	case Bool:
		return "neither true nor false"
	case Date:
		return "not a date"
	}
	return "not a timestamp"
}

// appendPointer appends the pointer of a node, with the positions that its
// lists are at.
func appendPointer(dst []byte, n *node) []byte {
	if n.up == nil {
		return dst
	}
	dst = appendPointer(dst, n.up)
	if n.up.kind == List {
		if n.up.index < 0 {
			return dst // a list of one that is no array in the record
		}
		return strconv.AppendInt(append(dst, '/'), int64(n.up.index), 10)
	}
	key := bytes.ReplaceAll([]byte(n.key), []byte("~"), []byte("~0"))
	return append(append(dst, '/'), bytes.ReplaceAll(key, []byte("/"), []byte("~1"))...)
}

// reject keeps a record that is at fault, unless the same text was rejected
// before, and returns what became of it.
func (d *Decoder) reject(raw []byte, key string, invalid bool) int32 {
	id := xxh3.Hash128(raw)
	if _, again := d.rejected[id]; again {
		return rowRepeated
	}
	d.rejected[id] = len(d.rejects)
	s := scrubber{all: d.secrets.all}
	text, _ := s.value(nil, raw, 0, &d.root)
	r := Reject{Record: text, Key: key, Pointer: d.fault.pointer, Reason: d.fault.reason,
		RequestID: d.page.requestID, Invalid: invalid}
	if s.removed {
		r.Reason += reasonRemoved
	}
	d.rejects = append(d.rejects, r)
	return rowRejected
}
