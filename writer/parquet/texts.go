package parquet

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// texts are strings, plain: each with its length before it.
type texts struct {
	data    []byte
	offsets []int32
	present
}

func (v texts) text(i int) []byte {
	at := v.at(i)
	return v.data[v.offsets[at]:v.offsets[at+1]]
}

func (v texts) size(from, to int) int {
	size := 4 * (to - from)
	if v.sel == nil {
		return size + int(v.offsets[v.first+to]-v.offsets[v.first+from])
	}
	for _, at := range v.sel[from:to] {
		size += int(v.offsets[at+1] - v.offsets[at])
	}
	return size
}

func (v texts) append(dst []byte, from, to int) []byte {
	data, offsets := v.data, v.offsets // loops over them are hot
	dst = slices.Grow(dst, v.size(from, to))
	for i := from; i < to; i++ {
		at := v.at(i)
		text := data[offsets[at]:offsets[at+1]]
		dst = append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
	}
	return dst
}

// bounds are in the order of bytes, which is that of readers.
func (v texts) bounds() (least, greatest []byte) {
	data, offsets := v.data, v.offsets
	least, greatest = v.text(0), v.text(0)
	for i := 1; i < v.n; i++ {
		at := v.at(i)
		text := data[offsets[at]:offsets[at+1]]
		if bytes.Compare(text, least) < 0 {
			least = text
		} else if bytes.Compare(text, greatest) > 0 {
			greatest = text
		}
	}
	return least, greatest
}
