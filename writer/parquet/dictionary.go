package parquet

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unsafe"
)

// dictionary is strings as indexes into the different ones, in the order in
// which these are first seen (Encodings.md, "Dictionary Encoding").
type dictionary struct {
	indexes  []uint32
	distinct []string // views of the batch's memory
	known    map[string]uint32
}

// few is how many strings are looked through one by one: an enumeration seldom
// has more, and that is faster than a map.
const few = 8

// fill replaces what the dictionary holds. The batch must outlive it: release
// lets go of the batch.
func (d *dictionary) fill(t texts) {
	if d.known == nil {
		d.known = map[string]uint32{}
	}
	d.indexes = slices.Grow(d.indexes[:0], t.n)
	data, offsets := t.data, t.offsets
	last, index := "", uint32(0)
	for i := range t.n {
		at := t.at(i)
		b := data[offsets[at]:offsets[at+1]]
		text := unsafe.String(unsafe.SliceData(b), len(b))
		if i == 0 || text != last {
			last, index = text, d.index(text)
		}
		d.indexes = append(d.indexes, index)
	}
}

func (d *dictionary) index(text string) uint32 {
	if len(d.distinct) <= few {
		for i, known := range d.distinct {
			if known == text {
				return uint32(i)
			}
		}
	}
	index, ok := d.known[text]
	if !ok {
		index = uint32(len(d.distinct))
		d.known[text] = index
		d.distinct = append(d.distinct, text)
	}
	return index
}

// release forgets the strings.
func (d *dictionary) release() {
	if len(d.distinct) > 1<<12 { // clearing costs what the map was once
		d.known = nil
	}
	clear(d.known)
	clear(d.distinct)
	d.distinct = d.distinct[:0]
}

// page appends the dictionary page: the strings, plain.
func (d *dictionary) page(dst []byte) []byte {
	for _, text := range d.distinct {
		dst = append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
	}
	return dst
}

func (d *dictionary) size(from, to int) int { return 4 * (to - from) }

// append appends the width of the indexes and the indexes.
func (d *dictionary) append(dst []byte, from, to int) []byte {
	width := max(1, bits.Len(uint(len(d.distinct)-1)))
	return appendHybrid(append(dst, byte(width)), d.indexes[from:to], width)
}

func (d *dictionary) bounds() (least, greatest []byte) {
	lo, hi := d.distinct[0], d.distinct[0]
	for _, text := range d.distinct[1:] {
		if strings.Compare(text, lo) < 0 {
			lo = text
		} else if text > hi {
			hi = text
		}
	}
	return []byte(lo), []byte(hi)
}
