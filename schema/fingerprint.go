package schema

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/zeebo/xxh3"
)

// Fingerprint returns a hash of each row's values, by which a partition's rows
// are compared with those that it holds: the sum of the hashes of equal sets of
// rows is equal. How a batch came to be makes no difference: slices, batches of
// the decoder and batches read back from Parquet give the same.
//
//   - _extracted_at is left out: it changes with every read; so is _deleted_at,
//     which the source does not know;
//   - nulls add nothing and a value is known by the dotted path of its name, so
//     neither the order of columns nor a new column that is null counts;
//   - the elements of a list are bound to their index, the entries of a map to
//     their key, not to their order;
//   - an empty struct, list or map differs from null.
//
// Texts are hashed by xxh3 with 64 bits. The result is stored in tables: it may
// never change.
func Fingerprint(b arrow.RecordBatch) []uint64 {
	return hashRows(b, func(name string) bool { return name != ColumnExtractedAt && name != ColumnDeletedAt })
}

// KeyHashes returns a hash of the key of each row. A key column that b does not
// have counts as null.
func KeyHashes(b arrow.RecordBatch, key []string) []uint64 {
	return hashRows(b, func(name string) bool { return slices.Contains(key, name) })
}

func hashRows(b arrow.RecordBatch, include func(name string) bool) []uint64 {
	h := rowHasher{sums: make([]uint64, b.NumRows())}
	for i, col := range b.Columns() {
		if name := b.ColumnName(i); include(name) {
			h.add(col, name, slots{})
		}
	}
	for i, sum := range h.sums { // else values could change places between rows
		h.sums[i] = hashInt(sum, rowSeed)
	}
	return h.sums
}

const rowSeed = 0x9e3779b97f4a7c15 // any number but 0, which hashes to 0

// rowHasher adds up the hashes of the values of each row.
type rowHasher struct {
	sums    []uint64
	scratch []int32 // see live
}

// slots says where the values of an array belong: to which row, and to which
// element of the lists and maps above. Nil slices mean: the i-th row, no list.
type slots struct {
	rows  []int32  // -1 = below a null
	bound []uint64 // hash of the indexes and map keys above
}

// at returns the row of slot i and the seed of its values, from that of their
// path. Both summands are hashes, so that sums meet only by chance.
func (s slots) at(i int, path uint64) (row int, seed uint64) {
	if s.rows == nil {
		return i, path
	}
	if s.bound == nil {
		return int(s.rows[i]), path
	}
	return int(s.rows[i]), path + s.bound[i]
}

// add adds the values of an array and all below it.
func (h *rowHasher) add(arr arrow.Array, path string, s slots) {
	if arr.NullN() == arr.Len() {
		return
	}
	seed := xxh3.HashString(path)
	switch a := arr.(type) {
	case *array.Struct:
		h.addStruct(a, path, seed, s)
	case *array.Map: // before List, which it embeds
		h.addMap(a, path, seed, s)
	case *array.List:
		h.addList(a, path, seed, s)
	default:
		h.addLeaf(arr, seed, s)
	}
}

func (h *rowHasher) addStruct(a *array.Struct, path string, seed uint64, s slots) {
	h.each(a, seed, s, func(_ int, seed uint64) uint64 { return hashInt(0, seed) })
	if a.NullN() > 0 {
		s.rows = liveRows(a, s)
	}
	for i, f := range a.DataType().(*arrow.StructType).Fields() {
		h.add(a.Field(i), path+"."+f.Name, s)
	}
}

// liveRows returns the rows of the slots of a, -1 where a is null.
func liveRows(a arrow.Array, s slots) []int32 {
	rows := make([]int32, a.Len())
	for i := range rows {
		rows[i] = int32(i)
		if s.rows != nil {
			rows[i] = s.rows[i]
		}
		if a.IsNull(i) {
			rows[i] = -1
		}
	}
	return rows
}

func (h *rowHasher) addList(a *array.List, path string, seed uint64, s slots) {
	h.addElements(a, path, seed, s, a.ListValues(), func(i, _ int, seed uint64) uint64 {
		return hashInt(uint64(i), seed)
	})
}

// addMap adds the entries of maps; an entry counts even if its item is null.
func (h *rowHasher) addMap(a *array.Map, path string, seed uint64, s slots) {
	keys, ok := a.Keys().(*array.String)
	if !ok {
		h.addList(a.List, path, seed, s)
		return
	}
	h.addElements(a, path, seed, s, a.Items(), func(_, at int, seed uint64) uint64 {
		return xxh3.HashStringSeed(keys.Value(at), seed)
	})
}

// addElements adds the elements of lists or the items of maps. What they are
// bound to is told by their index in the list and their place in values.
func (h *rowHasher) addElements(a array.ListLike, path string, seed uint64, s slots, values arrow.Array, bind func(i, at int, seed uint64) uint64) {
	_, entries := a.(*array.Map)
	first, _ := a.ValueOffsets(0)
	_, last := a.ValueOffsets(a.Len() - 1)
	below := slots{rows: make([]int32, last-first), bound: make([]uint64, last-first)}
	for i := range below.rows {
		below.rows[i] = -1
	}
	h.each(a, seed, s, func(i int, seed uint64) uint64 {
		from, to := a.ValueOffsets(i)
		row, _ := s.at(i, seed)
		sum := hashInt(uint64(to-from), seed)
		for at := from; at < to; at++ {
			bound := bind(int(at-from), int(at), seed)
			below.rows[at-first], below.bound[at-first] = int32(row), bound
			if entries {
				sum += bound
			}
		}
		return sum
	})
	shown := array.NewSlice(values, first, last)
	defer shown.Release()
	h.add(shown, path, below)
}

// each adds hash(i, seed) for every slot that is not null.
func (h *rowHasher) each(a arrow.Array, seed uint64, s slots, hash func(i int, seed uint64) uint64) {
	for _, i := range h.live(a, s) {
		row, seed := s.at(int(i), seed)
		h.sums[row] += hash(int(i), seed)
	}
}

// live returns the slots that are not null, neither here nor above. The result
// is good until the next call.
func (h *rowHasher) live(a arrow.Array, s slots) []int32 {
	out := h.scratch[:0]
	bits, offset, n := a.NullBitmapBytes(), a.Data().Offset(), a.Len()
	if a.NullN() == 0 {
		bits = nil
	}
	for i := 0; i < n; i++ {
		if bits != nil {
			at := offset + i
			if at&7 == 0 && bits[at>>3] == 0 { // columns are sparse: eight nulls at once
				i += 7
				continue
			}
			if bits[at>>3]>>(at&7)&1 == 0 {
				continue
			}
		}
		if s.rows == nil || s.rows[i] >= 0 {
			out = append(out, int32(i))
		}
	}
	h.scratch = out
	return out
}

// addLeaf adds values. Strings and integers, which are nearly all, have loops
// of their own.
func (h *rowHasher) addLeaf(arr arrow.Array, seed uint64, s slots) {
	switch a := arr.(type) {
	case *array.String:
		offsets, data := a.ValueOffsets(), a.ValueBytes()
		for _, i := range h.live(a, s) {
			row, seed := s.at(int(i), seed)
			h.sums[row] += xxh3.HashSeed(data[offsets[i]-offsets[0]:offsets[i+1]-offsets[0]], seed)
		}
	case *array.Int64:
		values := a.Int64Values()
		for _, i := range h.live(a, s) {
			row, seed := s.at(int(i), seed)
			h.sums[row] += hashInt(uint64(values[i]), seed)
		}
	default:
		h.each(arr, seed, s, hashOf(arr))
	}
}

// hashOf returns the hash of the i-th value under a seed.
func hashOf(arr arrow.Array) func(i int, seed uint64) uint64 {
	switch a := arr.(type) {
	case *array.Timestamp:
		scale := microsPer(a.DataType().(*arrow.TimestampType).Unit)
		return func(i int, seed uint64) uint64 { return hashInt(uint64(scale(int64(a.Value(i)))), seed) }
	case *array.Date32:
		return func(i int, seed uint64) uint64 { return hashInt(uint64(a.Value(i)), seed) }
	case *array.Decimal128:
		return func(i int, seed uint64) uint64 {
			return hashInt(a.Value(i).LowBits(), hashInt(uint64(a.Value(i).HighBits()), seed))
		}
	case *array.Boolean:
		return func(i int, seed uint64) uint64 {
			if a.Value(i) {
				return hashInt(1, seed)
			}
			return hashInt(2, seed)
		}
	}
	// not a type of ours: another engine's choice for the same text
	return func(i int, seed uint64) uint64 { return xxh3.HashStringSeed(arr.ValueStr(i), seed) }
}

// microsPer returns the conversion of a unit of time to microseconds, so that
// timestamps that another engine wrote in another unit compare equal.
func microsPer(u arrow.TimeUnit) func(int64) int64 {
	switch u {
	case arrow.Nanosecond:
		return func(v int64) int64 { return floorDiv(v, 1000) }
	case arrow.Millisecond:
		return func(v int64) int64 { return v * 1000 }
	case arrow.Second:
		return func(v int64) int64 { return v * 1_000_000 }
	}
	return func(v int64) int64 { return v }
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// hashInt hashes an integer under a seed that is a hash itself, by the finish of
// SplitMix64 (https://prng.di.unimi.it/splitmix64.c).
func hashInt(v, seed uint64) uint64 {
	x := v ^ seed
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
