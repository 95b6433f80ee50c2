package parquet

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// unpack reads count values of so many bits one by one.
func unpack(data []byte, width, count int) []uint64 {
	out := make([]uint64, count)
	for i := range count * width {
		if data[i/8]>>(i%8)&1 == 1 {
			out[i/width] |= 1 << (i % width)
		}
	}
	return out
}

// unhybrid reads n values of so many bits and wants nothing after them.
func unhybrid(t *testing.T, data []byte, width, n int) []uint64 {
	t.Helper()
	var out []uint64
	for len(data) > 0 {
		require.Less(t, len(out), n, "more runs than values")
		header, used := binary.Uvarint(data)
		require.Positive(t, used)
		data = data[used:]
		if header&1 == 1 {
			groups := int(header >> 1)
			require.GreaterOrEqual(t, len(data), groups*width)
			out = append(out, unpack(data, width, groups*8)...)
			data = data[groups*width:]
			continue
		}
		size := (width + 7) / 8
		for range header >> 1 {
			out = append(out, unpack(data, width, 1)...)
		}
		data = data[size:]
	}
	require.GreaterOrEqual(t, len(out), n)
	for _, v := range out[n:] {
		require.Zero(t, v, "what fills a group")
	}
	return out[:n]
}

func testHybrid[T uint8 | uint32](t *testing.T, values []T, width int) {
	t.Helper()
	data := appendHybrid([]byte("before"), values, width)
	require.Equal(t, "before", string(data[:6]))
	for i, v := range unhybrid(t, data[6:], width, len(values)) {
		require.EqualValues(t, values[i], v, "value %d of %d", i, len(values))
	}
}

func TestHybrid(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for width := 1; width <= 32; width++ {
		for range 40 {
			n := r.IntN(200)
			small, large := make([]uint8, n), make([]uint32, n)
			for i := range n {
				if i > 0 && r.IntN(12) > 0 { // runs of some length
					small[i], large[i] = small[i-1], large[i-1]
					continue
				}
				large[i] = uint32(r.Uint64() >> (64 - width))
				small[i] = uint8(large[i])
			}
			testHybrid(t, large, width)
			if width <= 8 {
				testHybrid(t, small, width)
			}
		}
	}
}

// A run costs a few bytes however long it is.
func TestHybridOfOneValue(t *testing.T) {
	require.Len(t, appendHybrid(nil, make([]uint8, 100_000), 3), 4)
	require.Empty(t, appendHybrid(nil, []uint8{}, 1))
}

// undelta reads integers as Encodings.md tells.
func undelta(t *testing.T, data []byte) []int64 {
	t.Helper()
	number := func() uint64 {
		v, used := binary.Uvarint(data)
		require.Positive(t, used)
		data = data[used:]
		return v
	}
	zigzag := func() int64 {
		v := number()
		return int64(v>>1) ^ -int64(v&1)
	}
	block, minis, n, last := int(number()), int(number()), int(number()), zigzag()
	require.Zero(t, block%128)
	require.Zero(t, block/minis%32)
	if n == 0 {
		require.Empty(t, data)
		return nil
	}
	out := []int64{last}
	for len(out) < n {
		least := zigzag()
		widths := data[:minis]
		data = data[minis:]
		for _, w := range widths {
			if len(out) == n {
				require.Zero(t, w, "a miniblock without values")
				continue
			}
			values := unpack(data, int(w), block/minis)
			data = data[int(w)*block/minis/8:]
			for _, v := range values[:min(len(values), n-len(out))] {
				last += least + int64(v)
				out = append(out, last)
			}
		}
	}
	require.Empty(t, data)
	return out
}

func TestDelta(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for _, n := range []int{0, 1, 2, 31, 32, 33, 34, 128, 129, 130, 257, 1000} {
		for range 20 {
			shift := r.IntN(64)
			values := make([]int64, n)
			for i := range values {
				values[i] = int64(r.Uint64()) >> shift
			}
			if n > 1 {
				values[r.IntN(n)] = math.MinInt64
				values[r.IntN(n)] = math.MaxInt64
			}
			got := undelta(t, appendDelta(nil, values))
			if n > 0 {
				require.Equal(t, values, got)
			}
		}
	}
	times := make([]int64, 128)
	for i := range times {
		times[i] = 1_700_000_000_000_000 + int64(i)*60_000_000
	}
	require.Len(t, appendDelta(nil, times), 2+1+2+8+4+4, "equal steps take no bits")
}

func FuzzDelta(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 255, 255, 255, 255, 255, 255, 255, 127})
	f.Fuzz(func(t *testing.T, data []byte) {
		var values []int64
		for ; len(data) >= 8; data = data[8:] {
			values = append(values, int64(binary.LittleEndian.Uint64(data)))
		}
		require.Equal(t, values, undelta(t, appendDelta(nil, values)))
	})
}

func FuzzHybrid(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}, uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, width uint8) {
		width = width%8 + 1
		for i := range data {
			data[i] &= 1<<width - 1
		}
		testHybrid(t, data, int(width))
	})
}

// Pages begin where a row does, and are small but for one large row.
func TestCut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 50 {
		s := &slots{n: 4000, rep: make([]uint8, 4000)}
		def := make([]uint8, s.n)
		offsets := []int32{0}
		for i := range s.n {
			if i > 0 && r.IntN(5) > 0 {
				s.rep[i] = 1
			}
			if r.IntN(3) > 0 {
				def[i] = 2
				size := r.Int32N(3000)
				if r.IntN(500) == 0 {
					size = pageBytes + 5
				}
				offsets = append(offsets, offsets[len(offsets)-1]+size)
			}
		}
		n := len(offsets) - 1
		v := texts{offsets: offsets, present: present{n: n}}
		ends := cut(s, def, 2, v, n)
		require.Greater(t, len(ends), 3)
		require.Equal(t, place{s.n, n}, ends[len(ends)-1])
		from := place{}
		for i, to := range ends {
			require.Zero(t, s.rep[from.slot], "a page begins in a row")
			require.Greater(t, to.slot, from.slot, "a page is empty")
			values, rows := 0, 0
			for slot := from.slot; slot < to.slot; slot++ {
				if def[slot] == 2 {
					values++
				}
				if s.rep[slot] == 0 {
					rows++
				}
			}
			require.Equal(t, values, to.value-from.value)
			if rows > 1 {
				require.LessOrEqual(t, v.size(from.value, to.value), pageBytes)
			}
			if i > 0 { // one row more would have been too much
				next := from.slot + 1
				for next < to.slot && s.rep[next] > 0 {
					next++
				}
				before := place{}
				if i > 1 {
					before = ends[i-2]
				}
				at := from.value
				for slot := from.slot; slot < next; slot++ {
					if def[slot] == 2 {
						at++
					}
				}
				require.Greater(t, v.size(before.value, at)+next-before.slot, pageBytes)
			}
			from = to
		}
	}
}
