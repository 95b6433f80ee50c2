package books

import (
	"encoding/binary"
	"errors"
)

// packed is a row on its way to the spill: texts with their length, numbers as
// variable-length integers.
type packed []byte

func (p *packed) text(s string) {
	*p = append(binary.AppendUvarint(*p, uint64(len(s))), s...)
}

func (p *packed) number(n int64) { *p = binary.AppendVarint(*p, n) }

func (p *packed) flag(f bool) {
	if f {
		p.number(1)
		return
	}
	p.number(0)
}

var errPacked = errors.New("a temporary file of the books was damaged")

// unpacker reads rows back, in the order of their fields. Its texts share the
// memory of all rows.
type unpacker struct {
	b   []byte
	s   string // the same bytes
	err error
}

func unpack(b []byte) *unpacker { return &unpacker{b: b, s: string(b)} }

func (u *unpacker) more() bool { return u.err == nil && len(u.b) > 0 }

func (u *unpacker) skip(n int) { u.b, u.s = u.b[n:], u.s[n:] }

func (u *unpacker) text() string {
	n, k := binary.Uvarint(u.b)
	if k <= 0 || n > uint64(len(u.b)-k) {
		u.b, u.err = nil, errPacked
		return ""
	}
	s := u.s[k : k+int(n)]
	u.skip(k + int(n))
	return s
}

func (u *unpacker) number() int64 {
	n, k := binary.Varint(u.b)
	if k <= 0 {
		u.b, u.err = nil, errPacked
		return 0
	}
	u.skip(k)
	return n
}

func (u *unpacker) flag() bool { return u.number() != 0 }
