package writer

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
)

// present is the values of a leaf that are not null: the n from first on, or
// those at the places in sel.
type present struct {
	first, n int
	sel      []int32
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

// gather returns the present values one by one.
func gather[T any](value func(at int) T, p present, scratch *[]T) []T {
	out := (*scratch)[:0]
	for _, at := range p.sel {
		out = append(out, value(int(at)))
	}
	if p.sel == nil {
		for at := p.first; at < p.first+p.n; at++ {
			out = append(out, value(at))
		}
	}
	*scratch = out
	return out
}

// leafWriter writes leaves, one after the other in the same memory.
type leafWriter struct {
	def   []int16
	sel   []int32
	ints  []int64
	dates []int32
	bools []bool
	texts []parquet.ByteArray
}

// find returns the values of a leaf that are not null, and the definition
// levels of its slots: null where it is null, level where it is not.
func (l *leafWriter) find(arr arrow.Array, s *slots, null, level int16) (present, []int16) {
	nulls := arr.NullN() > 0
	if s.at == nil && !nulls {
		return present{n: s.n}, s.definition(level)
	}
	def, sel := l.def[:0], l.sel[:0]
	for i := range s.n {
		at := s.value(i)
		switch {
		case at < 0:
			def = append(def, s.def[i])
		case nulls && arr.IsNull(at):
			def = append(def, null)
		default:
			def = append(def, level)
			sel = append(sel, int32(at))
		}
	}
	l.def, l.sel = def, sel
	if n := len(sel); n == 0 || int(sel[n-1]-sel[0]) == n-1 {
		return inRow(sel), def
	}
	return present{n: len(sel), sel: sel}, def
}

func inRow(sel []int32) present {
	if len(sel) == 0 {
		return present{}
	}
	return present{first: int(sel[0]), n: len(sel)}
}

// write writes values and levels into a column chunk. arr is nil if there are
// no values.
func (l *leafWriter) write(cw file.ColumnChunkWriter, arr arrow.Array, p present, def, rep []int16) error {
	var err error
	switch cw := cw.(type) {
	case *file.Int64ColumnChunkWriter:
		var ints []int64
		if ints, err = l.int64s(arr, p); err == nil {
			_, err = cw.WriteBatch(ints, def, rep)
		}
	case *file.ByteArrayColumnChunkWriter:
		err = l.writeTexts(cw, arr, p, def, rep)
	case *file.Int32ColumnChunkWriter:
		var dates []int32
		if a, ok := arr.(*array.Date32); ok {
			dates = gather(func(at int) int32 { return int32(a.Value(at)) }, p, &l.dates)
		}
		_, err = cw.WriteBatch(dates, def, rep)
	case *file.BooleanColumnChunkWriter:
		var bools []bool
		if a, ok := arr.(*array.Boolean); ok {
			bools = gather(a.Value, p, &l.bools)
		}
		_, err = cw.WriteBatch(bools, def, rep)
	default:
		err = fmt.Errorf("columns of physical type %s are not written", cw.Type())
	}
	return err
}

// int64s returns integers, timestamps and decimals as the integers they are
// stored as.
func (l *leafWriter) int64s(arr arrow.Array, p present) ([]int64, error) {
	switch a := arr.(type) {
	case *array.Int64:
		return pick(a.Int64Values(), p, &l.ints), nil
	case *array.Timestamp:
		return pick(arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues())), p, &l.ints), nil
	case *array.Decimal128:
		precision := a.DataType().(*arrow.Decimal128Type).Precision
		fits := true
		ints := gather(func(at int) int64 {
			v := a.Value(at)
			fits = fits && v.FitsInPrecision(precision)
			return int64(v.LowBits())
		}, p, &l.ints)
		if !fits {
			return nil, fmt.Errorf("a decimal has more than %d digits", precision)
		}
		return ints, nil
	}
	return nil, nil
}

// writeTexts writes strings: as they lie in the array where they are in a row
// and the encoding can take them so.
func (l *leafWriter) writeTexts(cw *file.ByteArrayColumnChunkWriter, arr arrow.Array, p present, def, rep []int16) error {
	a, ok := arr.(*array.String)
	if ok && p.n > 0 && p.sel == nil && cw.SupportsArrowOffsets() {
		offsets := a.ValueOffsets()[p.first : p.first+p.n+1]
		_, err := cw.WriteBatchArrow(a.Data().Buffers()[2].Bytes(), offsets, def, rep)
		return err
	}
	var texts []parquet.ByteArray
	if ok && p.n > 0 {
		all, offsets := a.Data().Buffers()[2].Bytes(), a.ValueOffsets()
		texts = gather(func(at int) parquet.ByteArray { return all[offsets[at]:offsets[at+1]] }, p, &l.texts)
	}
	_, err := cw.WriteBatch(texts, def, rep)
	clear(texts) // they point into the batch
	return err
}
