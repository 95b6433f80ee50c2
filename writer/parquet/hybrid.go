package parquet

import "encoding/binary"

// appendHybrid appends values of so many bits as the hybrid of runs of one value
// and of groups of eight packed values (Encodings.md, "Run Length Encoding /
// Bit-Packing Hybrid"). The last group is filled with zeros.
func appendHybrid[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	packed := 0 // where the values begin that are not written yet
	for i := 0; i < len(values); {
		end := run(values, i)
		if end-i < 8 {
			i += 8
			continue
		}
		dst = appendPacked(dst, values[packed:i], width)
		dst = binary.AppendUvarint(dst, uint64(end-i)<<1)
		for v, left := uint64(values[i]), width; left > 0; left -= 8 {
			dst = append(dst, byte(v))
			v >>= 8
		}
		i, packed = end, end
	}
	return appendPacked(dst, values[packed:], width)
}

// run returns where the run of the value at i ends.
func run[T uint8 | uint32](values []T, i int) int {
	v := values[i]
	for i++; i < len(values) && values[i] == v; i++ {
	}
	return i
}

// appendPacked appends values as groups of eight.
func appendPacked[T uint8 | uint32](dst []byte, values []T, width int) []byte {
	if len(values) == 0 {
		return dst
	}
	groups := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	return appendBits(dst, values, width, groups*8)
}

// appendBits appends the low bits of values, the least significant bit first,
// and zeros as if there were count values, a multiple of eight.
func appendBits[T uint8 | uint32 | uint64](dst []byte, values []T, width, count int) []byte {
	end := len(dst) + count/8*width
	var word uint64
	have := 0 // bits in word
	for _, value := range values {
		v := uint64(value)
		word |= v << have
		if have += width; have < 64 {
			continue
		}
		dst = binary.LittleEndian.AppendUint64(dst, word)
		have -= 64
		word = v >> (width - have) // 0 if have is 0 and width 64
	}
	for ; have > 0; have -= 8 {
		dst = append(dst, byte(word))
		word >>= 8
	}
	for len(dst) < end {
		dst = append(dst, 0)
	}
	return dst
}
