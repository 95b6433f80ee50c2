package parquet

import (
	"encoding/binary"
	"math/bits"
)

// Sizes of DELTA_BINARY_PACKED: a block has miniblocks of 32 values.
const (
	deltaBlock = 128
	deltaMini  = 32
)

// appendDelta appends integers as DELTA_BINARY_PACKED (Encodings.md, "Delta
// Encoding"). Differences wrap around, as the format wants.
func appendDelta(dst []byte, values []int64) []byte {
	dst = binary.AppendUvarint(dst, deltaBlock)
	dst = binary.AppendUvarint(dst, deltaBlock/deltaMini)
	dst = binary.AppendUvarint(dst, uint64(len(values)))
	if len(values) == 0 {
		return binary.AppendVarint(dst, 0)
	}
	last := values[0]
	dst = binary.AppendVarint(dst, last)
	var block [deltaBlock]uint64
	for rest := values[1:]; len(rest) > 0; {
		n := min(deltaBlock, len(rest))
		least := rest[0] - last
		for i, v := range rest[:n] {
			d := v - last
			least = min(least, d)
			block[i], last = uint64(d), v
		}
		for i := range block[:n] {
			block[i] -= uint64(least)
		}
		dst = appendBlock(binary.AppendVarint(dst, least), block[:n])
		rest = rest[n:]
	}
	return dst
}

// appendBlock appends the widths and the miniblocks of a block. Miniblocks
// without values have a width of 0 and no bytes, and the last one is filled.
func appendBlock(dst []byte, block []uint64) []byte {
	widths := len(dst)
	dst = append(dst, make([]byte, deltaBlock/deltaMini)...)
	for i := 0; i*deltaMini < len(block); i++ {
		mini := block[i*deltaMini : min((i+1)*deltaMini, len(block))]
		all := uint64(0)
		for _, v := range mini {
			all |= v
		}
		width := bits.Len64(all)
		dst[widths+i] = byte(width)
		dst = appendBits(dst, mini, width, deltaMini)
	}
	return dst
}
