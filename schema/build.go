package schema

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Build returns the rows in the buffers as a batch with the table's Arrow
// schema, sorted by (time, key), rows without a time first, and empties the
// buffers. The keys seen stay known: a record that comes again later is not
// stored a second time. It returns nil if there are no rows. The caller
// releases the batch, which shares no memory with the decoder.
func (d *Decoder) Build() (arrow.RecordBatch, error) {
	defer d.leave()
	rows := d.Rows()
	if rows == 0 {
		return nil, nil
	}
	b := builder{mem: d.options.Allocator, counts: d.cols.counts, places: make([]place, len(d.cols.counts))}
	defer b.release()
	b.places[0] = d.arrange()
	arrays := make([]arrow.Array, 0, d.schema.NumFields())
	add := func(data arrow.ArrayData) {
		arrays = append(arrays, array.MakeFromData(data))
		data.Release()
	}
	for i, n := range d.stored {
		add(b.node(n, d.schema.Field(i).Type))
	}
	at := len(d.stored)
	add(b.constant(d.schema.Field(at).Type, d.extractedAt))
	add(b.constantText(d.schema.Field(at+1).Type, d.options.Connection))
	add(b.column(d.extra, d.schema.Field(at+2).Type))
	if at += 3; at < d.schema.NumFields() { // _deleted_at: the source has the record
		add(b.column(&column{kind: Timestamp}, d.schema.Field(at).Type))
	}
	batch := array.NewRecordBatch(d.schema, arrays, int64(rows))
	for _, a := range arrays {
		a.Release()
	}
	return batch, nil
}

// leave empties the buffers of rows that have left in a batch.
func (d *Decoder) leave() {
	d.built += int64(len(d.times))
	d.empty()
}

// builder makes Arrow arrays of column buffers. Parents come before children.
type builder struct {
	mem    memory.Allocator
	counts []int32 // slots of each space
	places []place // of each space
	zeros  *memory.Buffer
}

// place says where the slots of a space go in the batch.
type place struct {
	to []int32 // position of each slot, -1 for those left out; nil: each stays where it is
	n  int     // positions
}

// of returns the position of a slot.
func (p place) of(slot int32) int32 {
	if p.to == nil {
		return slot
	}
	return p.to[slot]
}

// node makes the array of a field and of what lies beneath it.
func (b *builder) node(n *node, dt arrow.DataType) arrow.ArrayData {
	switch n.kind {
	case Struct:
		fields := dt.(*arrow.StructType).Fields()
		children := make([]arrow.ArrayData, 0, len(fields))
		for i := range n.object.nodes {
			if m := &n.object.nodes[i]; m.kind != never {
				children = append(children, b.node(m, fields[len(children)].Type))
			}
		}
		return b.array(n.col, dt, nil, children...)
	case List:
		offsets := b.list(n.col)
		return b.array(n.col, dt, offsets, b.node(n.elem, dt.(*arrow.ListType).Elem()))
	case Map:
		offsets := b.list(n.col)
		entries := dt.(*arrow.MapType).Elem().(*arrow.StructType)
		keys := b.column(n.keys, entries.Field(0).Type)
		values := b.column(n.values, entries.Field(1).Type)
		pairs := array.NewData(entries, keys.Len(), []*memory.Buffer{nil}, []arrow.ArrayData{keys, values}, 0, 0)
		keys.Release()
		values.Release()
		return b.array(n.col, dt, offsets, pairs)
	}
	return b.column(n.col, dt)
}

// array makes the array of a struct, list or map. It takes over the buffer and
// the children.
func (b *builder) array(c *column, dt arrow.DataType, offsets *memory.Buffer, children ...arrow.ArrayData) arrow.ArrayData {
	validity, nulls := b.validity(c)
	buffers := []*memory.Buffer{validity}
	if offsets != nil {
		buffers = append(buffers, offsets)
	}
	data := array.NewData(dt, b.places[c.space].n, buffers, children, nulls, 0)
	releaseBuffers(buffers)
	for _, child := range children {
		child.Release()
	}
	return data
}

// column makes the array of a column without children.
func (b *builder) column(c *column, dt arrow.DataType) arrow.ArrayData {
	validity, nulls := b.validity(c)
	buffers := append(make([]*memory.Buffer, 0, 3), validity)
	switch {
	case len(c.marks) == 0:
		buffers = append(buffers, b.zero())
		if c.kind == String || c.kind == JSON {
			buffers = append(buffers, b.zero())
		}
	case c.kind == String || c.kind == JSON:
		buffers = append(buffers, b.offsets(c))
		buffers = append(buffers, b.texts(c, buffers[1]))
	default:
		buffers = append(buffers, b.values(c))
	}
	data := array.NewData(dt, b.places[c.space].n, buffers, nil, nulls, 0)
	releaseBuffers(buffers)
	return data
}

func releaseBuffers(buffers []*memory.Buffer) {
	for _, buf := range buffers {
		if buf != nil {
			buf.Release()
		}
	}
}

// buffer returns a new buffer of a size, without defined content.
func (b *builder) buffer(size int) *memory.Buffer {
	buf := memory.NewResizableBuffer(b.mem)
	buf.Resize(size)
	return buf
}

// cleared returns a new buffer of zeros.
func (b *builder) cleared(size int) *memory.Buffer {
	buf := b.buffer(size)
	clear(buf.Bytes())
	return buf
}

// zero returns the buffer of zeros that all columns without values share. It
// is long enough for the values or offsets of any of them.
func (b *builder) zero() *memory.Buffer {
	if b.zeros == nil {
		b.zeros = b.cleared(16 * (int(slices.Max(b.counts)) + 1))
	}
	b.zeros.Retain()
	return b.zeros
}

func (b *builder) release() {
	if b.zeros != nil {
		b.zeros.Release()
	}
}
