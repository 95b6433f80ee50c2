package parquet

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
)

// group writes the column chunks of one row group after the other.
type group struct {
	layout *Layout
	out    io.Writer
	offset int64 // in the file, of the next chunk
	next   int   // leaf of the next chunk
	raw    int64 // bytes of the chunks so far, as if they were not compressed

	columns  compact // the chunks so far, in Thrift
	finder   finder
	gatherer gatherer
	packer   packer
}

// chunk is what the footer tells of a column chunk.
type chunk struct {
	encoding   Encoding
	codec      int64
	slots      int
	nulls      int
	pages      int    // with data
	raw        int64  // bytes, as if they were not compressed
	dictionary int64  // bytes of the dictionary page, compressed
	least      []byte // bounds; nil = there are none
	greatest   []byte
}

// image is a ready-made chunk of a leaf that is null all over.
type image struct {
	chunk
	bytes []byte
}

// leaf writes the next leaf. Its values stand in arr; null is the level of
// those that are null, level of those that are not.
func (g *group) leaf(arr arrow.Array, s *slots, null, level uint8) error {
	p, def := g.finder.find(arr, s, null, level)
	if p.n == 0 {
		return g.nulls(s, null)
	}
	l := &g.layout.leaves[g.next]
	v, err := g.gatherer.gather(arr, p, l.encoding)
	if err != nil {
		return err
	}
	encoding := l.encoding
	if _, ok := v.(*dictionary); ok {
		encoding = Dictionary
	}
	c := chunk{encoding: encoding, codec: zstandard, slots: s.n, nulls: s.n - p.n}
	g.packer.begin(c.codec)
	if d, ok := v.(*dictionary); ok {
		defer d.release()
		g.packer.body = d.page(g.packer.body[:0])
		if err := g.packer.add(dictionaryPage, len(d.distinct), Plain); err != nil {
			return err
		}
		c.dictionary = int64(len(g.packer.out))
	}
	if err := g.pages(s, levels{level, l.nulls}, def, v, p.n, encoding); err != nil {
		return err
	}
	if l.stats {
		c.least, c.greatest = v.bounds()
	}
	c.pages, c.raw = g.packer.pages, g.packer.raw
	return g.chunk(c, g.packer.out)
}

// pages adds the data pages of a chunk with n values. The definition levels are
// those of def, or if it is nil the same for all slots that are alive.
func (g *group) pages(s *slots, l levels, def []uint8, v values, n int, e Encoding) error {
	whole := s.n+v.size(0, n) <= pageBytes
	if whole && def == nil {
		g.packer.body = v.append(append(g.packer.body[:0], s.encode(l)...), 0, n)
		return g.packer.add(dataPage, s.n, e)
	}
	if def == nil {
		def = s.definition(l.alive)
	}
	ends := []place{{s.n, n}}
	if !whole {
		ends = cut(s, def, l.alive, v, n)
	}
	from := place{}
	for _, to := range ends {
		body := s.appendRepetition(g.packer.body[:0], l.widths, from.slot, to.slot)
		body = appendLevels(body, def[from.slot:to.slot], l.widths.def)
		g.packer.body = v.append(body, from.value, to.value)
		if err := g.packer.add(dataPage, to.slot-from.slot, e); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// nulls writes the next leaf, which is null in all slots that are alive: a copy
// of the first such leaf with these slots and levels.
func (g *group) nulls(s *slots, level uint8) error {
	key := levels{level, g.layout.leaves[g.next].nulls}
	made, ok := s.images[key]
	if !ok {
		for _, codec := range []int64{uncompressed, zstandard} {
			g.packer.begin(codec)
			if err := g.pages(s, key, nil, none{}, 0, Plain); err != nil {
				return err
			}
			if made.bytes == nil || len(g.packer.out) < len(made.bytes) {
				made.chunk = chunk{encoding: Plain, codec: codec, slots: s.n, nulls: s.n, pages: g.packer.pages, raw: g.packer.raw}
				made.bytes = append(made.bytes[:0], g.packer.out...)
			}
			if len(made.bytes) < 64 {
				break // too little to compress
			}
		}
		if s.images == nil {
			s.images = map[levels]image{}
		}
		s.images[key] = made
	}
	return g.chunk(made.chunk, made.bytes)
}

// chunk writes the next chunk.
func (g *group) chunk(c chunk, data []byte) error {
	if _, err := g.out.Write(data); err != nil {
		return fmt.Errorf("write column chunk: %w", err)
	}
	g.layout.leaves[g.next].describe(&g.columns, c, g.offset, int64(len(data)))
	g.next++
	g.raw += c.raw
	g.offset += int64(len(data))
	return nil
}

// none is no values.
type none struct{}

func (none) size(_, _ int) int                  { return 0 }
func (none) append(dst []byte, _, _ int) []byte { return dst }
func (none) bounds() (least, greatest []byte)   { return nil, nil }

// place is a place in a chunk: the number of slots and of values before it.
type place struct{ slot, value int }

// cut returns where the pages of a chunk end: before a row that would make one
// too large. Slots with this level have a value, if the chunk has n of them.
func cut(s *slots, def []uint8, level uint8, v values, n int) []place {
	var out []place
	var row, at place  // where the current row begins, and where we are
	page, size := 0, 0 // bytes of the page before the row, and of the row
	for at.slot < s.n {
		if s.rep == nil || s.rep[at.slot] == 0 {
			page, size, row = page+size, 0, at
		}
		size++ // at most, for the levels
		if at.value < n && def[at.slot] == level {
			size += v.size(at.value, at.value+1)
			at.value++
		}
		at.slot++
		if page > 0 && page+size > pageBytes {
			out = append(out, row)
			page = 0
		}
	}
	return append(out, at)
}
