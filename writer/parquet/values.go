package parquet

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// values are the values of a leaf in one row group, without its nulls.
type values interface {
	// size returns the most bytes that the values from one to another take.
	size(from, to int) int
	// append appends these values as a data page holds them.
	append(dst []byte, from, to int) []byte
	// bounds returns the least and the greatest, as statistics hold them.
	// There is at least one value.
	bounds() (least, greatest []byte)
}

// gatherer gathers the values of leaves, one after the other in the same memory.
type gatherer struct {
	ints   []int64
	dates  []int32
	dict   dictionary
	sample sample
}

// gather returns the values of a leaf, to be written with an encoding.
func (g *gatherer) gather(arr arrow.Array, p present, e Encoding) (values, error) {
	switch a := arr.(type) {
	case *array.String:
		t := texts{offsets: a.ValueOffsets(), present: p}
		if p.n > 0 {
			t.data = a.Data().Buffers()[2].Bytes()
		}
		if e == Dictionary || g.sample.repeats(t) {
			g.dict.fill(t)
			return &g.dict, nil
		}
		return t, nil
	case *array.Int64:
		return integers(pick(a.Int64Values(), p, &g.ints), e), nil
	case *array.Timestamp:
		all := arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues()))
		return integers(pick(all, p, &g.ints), e), nil
	case *array.Decimal128:
		ints, err := unscaled(a, p, g.ints[:0])
		g.ints = ints
		return integers(ints, e), err
	case *array.Date32:
		all := arrow.Int32Traits.CastFromBytes(arrow.Date32Traits.CastToBytes(a.Date32Values()))
		return int32s(pick(all, p, &g.dates)), nil
	case *array.Boolean:
		return bools{a, p}, nil
	}
	return nil, fmt.Errorf("values of type %s are not written", arr.DataType())
}

func integers(ints []int64, e Encoding) values {
	if e == Delta {
		return deltas{int64s(ints)}
	}
	return int64s(ints)
}

// unscaled appends decimals, which have 10 to 18 digits, as the integers that
// they are stored as.
func unscaled(a *array.Decimal128, p present, dst []int64) ([]int64, error) {
	precision := a.DataType().(*arrow.Decimal128Type).Precision
	limit := decimal128.GetMaxValue(precision).LowBits()
	for i := range p.n {
		v := a.Value(p.at(i))
		n := int64(v.LowBits())
		if v.HighBits() != n>>63 || uint64(max(n, -n)) > limit {
			return dst, fmt.Errorf("a decimal has more than %d digits", precision)
		}
		dst = append(dst, n)
	}
	return dst, nil
}

// int64s are integers, plain.
type int64s []int64

func (v int64s) size(from, to int) int { return 8 * (to - from) }

func (v int64s) append(dst []byte, from, to int) []byte {
	for _, n := range v[from:to] {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(n))
	}
	return dst
}

func (v int64s) bounds() (least, greatest []byte) {
	return binary.LittleEndian.AppendUint64(nil, uint64(slices.Min(v))), binary.LittleEndian.AppendUint64(nil, uint64(slices.Max(v)))
}

// deltas are integers as their differences.
type deltas struct{ int64s }

func (v deltas) append(dst []byte, from, to int) []byte { return appendDelta(dst, v.int64s[from:to]) }

// int32s are dates, plain.
type int32s []int32

func (v int32s) size(from, to int) int { return 4 * (to - from) }

func (v int32s) append(dst []byte, from, to int) []byte {
	for _, n := range v[from:to] {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
	}
	return dst
}

func (v int32s) bounds() (least, greatest []byte) {
	return binary.LittleEndian.AppendUint32(nil, uint32(slices.Min(v))), binary.LittleEndian.AppendUint32(nil, uint32(slices.Max(v)))
}

// bools are booleans, plain: a bit each, the least significant first.
type bools struct {
	*array.Boolean
	present
}

func (v bools) size(from, to int) int { return (to-from)/8 + 1 }

func (v bools) append(dst []byte, from, to int) []byte {
	word := byte(0)
	for i := from; i < to; i++ {
		if v.Value(v.at(i)) {
			word |= 1 << ((i - from) & 7)
		}
		if (i-from)&7 == 7 || i == to-1 {
			dst = append(dst, word)
			word = 0
		}
	}
	return dst
}

func (v bools) bounds() (least, greatest []byte) {
	all, some := byte(1), byte(0)
	for i := range v.n {
		if v.Value(v.at(i)) {
			some = 1
		} else {
			all = 0
		}
	}
	return []byte{all}, []byte{some}
}
