package schema

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// validity returns the validity bitmap of a column and its number of nulls.
// There is no bitmap if there are no nulls.
func (b *builder) validity(c *column) (*memory.Buffer, int) {
	p := b.places[c.space]
	switch {
	case len(c.marks) == 0 && p.n > 0:
		return b.zero(), p.n
	case len(c.marks) == int(b.counts[c.space]):
		return nil, 0
	}
	buf := b.cleared(int(bitutil.BytesForBits(int64(p.n))))
	bits, nulls := buf.Bytes(), p.n
	for i := range c.marks {
		if at := p.of(c.marks[i].slot); at >= 0 {
			bits[at>>3] |= 1 << (at & 7)
			nulls--
		}
	}
	return buf, nulls
}

// values returns the values of a column of fixed width. Those of nulls are 0.
func (b *builder) values(c *column) *memory.Buffer {
	p := b.places[c.space]
	dense := p.to == nil && len(c.marks) == p.n
	switch c.kind {
	case Bool:
		buf := b.cleared(int(bitutil.BytesForBits(int64(p.n))))
		bits := buf.Bytes()
		for i, v := range c.nums {
			if at := p.of(c.marks[i].slot); at >= 0 {
				bits[at>>3] |= byte(v) << (at & 7)
			}
		}
		return buf
	case Date:
		buf := b.cleared(4 * p.n)
		scatter(arrow.Int32Traits.CastFromBytes(buf.Bytes()), c, p, func(v int64) int32 { return int32(v) })
		return buf
	case Decimal:
		buf := b.cleared(16 * p.n)
		scatter(arrow.Decimal128Traits.CastFromBytes(buf.Bytes()), c, p, decimal128.FromI64)
		return buf
	}
	if dense {
		buf := b.buffer(8 * p.n)
		copy(arrow.Int64Traits.CastFromBytes(buf.Bytes()), c.nums)
		return buf
	}
	buf := b.cleared(8 * p.n)
	out := arrow.Int64Traits.CastFromBytes(buf.Bytes())
	for i, v := range c.nums {
		if at := p.of(c.marks[i].slot); at >= 0 {
			out[at] = v
		}
	}
	return buf
}

// scatter puts the values of a column into their places.
func scatter[T any](out []T, c *column, p place, convert func(int64) T) {
	for i, v := range c.nums {
		if at := p.of(c.marks[i].slot); at >= 0 {
			out[at] = convert(v)
		}
	}
}

// offsets returns the offsets of a column of texts, lists or maps.
func (b *builder) offsets(c *column) *memory.Buffer {
	p := b.places[c.space]
	buf := b.cleared(4 * (p.n + 1))
	out := arrow.Int32Traits.CastFromBytes(buf.Bytes())
	start := int32(0)
	for i := range c.marks {
		m := &c.marks[i]
		if at := p.of(m.slot); at >= 0 {
			out[at+1] = m.end - start
		}
		start = m.end
	}
	sum := int32(0)
	for i, n := range out {
		sum += n
		out[i] = sum
	}
	return buf
}

// texts returns the bytes of a column of texts, in the order of offsets.
func (b *builder) texts(c *column, offsets *memory.Buffer) *memory.Buffer {
	p := b.places[c.space]
	out := arrow.Int32Traits.CastFromBytes(offsets.Bytes())
	buf := b.buffer(int(out[p.n]))
	if p.to == nil {
		copy(buf.Bytes(), c.data)
		return buf
	}
	text, start := buf.Bytes(), int32(0)
	for i := range c.marks {
		m := &c.marks[i]
		if at := p.of(m.slot); at >= 0 {
			copy(text[out[at]:], c.data[start:m.end])
		}
		start = m.end
	}
	return buf
}

// list returns the offsets of a list or map, and places its elements. Every
// element belongs to a list.
func (b *builder) list(c *column) *memory.Buffer {
	p := b.places[c.space]
	if len(c.marks) == 0 {
		b.places[c.inner] = place{}
		return b.zero()
	}
	buf := b.offsets(c)
	if p.to == nil {
		b.places[c.inner] = place{n: int(b.counts[c.inner])}
		return buf
	}
	out := arrow.Int32Traits.CastFromBytes(buf.Bytes())
	inner := make([]int32, b.counts[c.inner])
	start := int32(0)
	for i := range c.marks {
		m := &c.marks[i]
		at := p.of(m.slot)
		for k := start; k < m.end; k++ {
			inner[k] = -1
			if at >= 0 {
				inner[k] = out[at] + k - start
			}
		}
		start = m.end
	}
	b.places[c.inner] = place{to: inner, n: int(out[p.n])}
	return buf
}

// constant makes a timestamp column in which every row has the same value.
func (b *builder) constant(dt arrow.DataType, v int64) arrow.ArrayData {
	n := b.places[0].n
	buf := b.buffer(8 * n)
	out := arrow.Int64Traits.CastFromBytes(buf.Bytes())
	for i := range out {
		out[i] = v
	}
	buffers := []*memory.Buffer{nil, buf}
	data := array.NewData(dt, n, buffers, nil, 0, 0)
	releaseBuffers(buffers)
	return data
}

// constantText makes a text column in which every row has the same value, null
// if it is empty.
func (b *builder) constantText(dt arrow.DataType, s string) arrow.ArrayData {
	if s == "" {
		return b.column(&column{kind: String}, dt)
	}
	n := b.places[0].n
	offsets, text := b.buffer(4*(n+1)), b.buffer(n*len(s))
	for i := range n + 1 {
		binary.NativeEndian.PutUint32(offsets.Bytes()[4*i:], uint32(i*len(s)))
	}
	for i := range n {
		copy(text.Bytes()[i*len(s):], s)
	}
	buffers := []*memory.Buffer{nil, offsets, text}
	data := array.NewData(dt, n, buffers, nil, 0, 0)
	releaseBuffers(buffers)
	return data
}
