package schema

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// EncodeRow appends a row of a batch as a JSON object and a line feed. Columns
// come in their order and nulls are written as null. Timestamps are RFC 3339
// with six digits of fraction in UTC, dates yyyy-mm-dd, decimals numbers with
// all digits of their scale, maps objects. It takes batches of any table's
// Arrow schema; a column of another type is written as text.
func EncodeRow(dst []byte, b arrow.RecordBatch, row int) []byte {
	dst = append(dst, '{')
	for i, f := range b.Schema().Fields() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, []byte(f.Name)), ':')
		dst = encodeValue(dst, b.Column(i), row)
	}
	return append(dst, '}', '\n')
}

func encodeValue(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch a := a.(type) {
	case *array.String:
		return appendQuoted(dst, []byte(a.Value(i)))
	case *array.Int64:
		return strconv.AppendInt(dst, a.Value(i), 10)
	case *array.Boolean:
		return strconv.AppendBool(dst, a.Value(i))
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		dst = append(dst, '"')
		dst = a.Value(i).ToTime(unit).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
		return append(dst, '"')
	case *array.Date32:
		dst = append(dst, '"')
		return append(a.Value(i).ToTime().AppendFormat(dst, time.DateOnly), '"')
	case *array.Decimal128:
		return append(dst, a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)...)
	case *array.Struct:
		return encodeStruct(dst, a, i)
	case *array.Map:
		return encodeMap(dst, a, i)
	case *array.List:
		from, to := a.ValueOffsets(i)
		dst = append(dst, '[')
		for k := from; k < to; k++ {
			if k > from {
				dst = append(dst, ',')
			}
			dst = encodeValue(dst, a.ListValues(), int(k))
		}
		return append(dst, ']')
	case *array.Binary:
		return appendQuoted(dst, []byte(base64.StdEncoding.EncodeToString(a.Value(i))))
	}
	return appendQuoted(dst, []byte(a.ValueStr(i)))
}

func encodeStruct(dst []byte, a *array.Struct, i int) []byte {
	dst = append(dst, '{')
	for k, f := range a.DataType().(*arrow.StructType).Fields() {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, []byte(f.Name)), ':')
		dst = encodeValue(dst, a.Field(k), i)
	}
	return append(dst, '}')
}

func encodeMap(dst []byte, a *array.Map, i int) []byte {
	from, to := a.ValueOffsets(i)
	dst = append(dst, '{')
	for k := from; k < to; k++ {
		if k > from {
			dst = append(dst, ',')
		}
		dst = append(encodeValue(dst, a.Keys(), int(k)), ':')
		dst = encodeValue(dst, a.Items(), int(k))
	}
	return append(dst, '}')
}
