package parquet

// describe appends the description of a chunk of the leaf that begins at an
// offset and has so many bytes (parquet.thrift, ColumnChunk and ColumnMetaData).
func (l *leaf) describe(t *compact, c chunk, offset, size int64) {
	t.element()
	t.i64(2, 0) // deprecated, and not where the chunk is
	t.begin(3)
	t.i32(1, l.physical)
	encodings := []Encoding{c.encoding, rle}
	if c.dictionary > 0 {
		encodings = []Encoding{c.encoding, Plain, rle}
	}
	t.list(2, thriftI32, len(encodings))
	for _, e := range encodings {
		t.number(int64(e))
	}
	t.list(3, thriftBinary, l.parts)
	t.buf = append(t.buf, l.path...)
	t.i32(4, c.codec)
	t.i64(5, int64(c.slots))
	t.i64(6, c.raw)
	t.i64(7, size)
	t.i64(9, offset+c.dictionary)
	if c.dictionary > 0 {
		t.i64(11, offset)
	}
	if l.stats {
		t.begin(12)
		t.i64(3, int64(c.nulls))
		if c.greatest != nil && len(c.greatest) <= boundBytes {
			t.binary(5, c.greatest)
		}
		if c.least != nil && len(c.least) <= boundBytes {
			t.binary(6, c.least)
		}
		t.end()
	}
	if c.nulls < c.slots { // else there is nothing to say
		t.encodingStats(c)
	}
	t.end()
	t.end()
}

// encodingStats appends how many pages of a kind have which encoding.
func (t *compact) encodingStats(c chunk) {
	kinds := 1
	if c.dictionary > 0 {
		kinds = 2
	}
	t.list(13, thriftStruct, kinds)
	add := func(kind int64, e Encoding, pages int) {
		t.element()
		t.i32(1, kind)
		t.i32(2, int64(e))
		t.i32(3, int64(pages))
		t.end()
	}
	if c.dictionary > 0 {
		add(dictionaryPage, Plain, 1)
	}
	add(dataPage, c.encoding, c.pages)
}

// describe appends the description of the row group just written, which began
// at an offset (parquet.thrift, RowGroup).
func (g *group) describe(t *compact, start, rows int64, ordinal int) {
	t.element()
	t.list(1, thriftStruct, g.next)
	t.buf = append(t.buf, g.columns.buf...)
	t.i64(2, g.raw)
	t.i64(3, rows)
	if len(g.layout.sorting) > 0 {
		t.list(4, thriftStruct, len(g.layout.sorting))
		for _, leaf := range g.layout.sorting {
			t.element()
			t.i32(1, int64(leaf))
			t.bool(2, false) // descending
			t.bool(3, false) // nulls first
			t.end()
		}
	}
	t.i64(5, start)
	t.i64(6, g.offset-start)
	t.int(7, thriftI16, int64(ordinal))
	t.end()
}

// footer appends the description of a file (parquet.thrift, FileMetaData), whose
// row groups are described already.
func (l *Layout) footer(t *compact, groups []byte, count int, rows int64) {
	t.i32(1, 2)
	t.list(2, thriftStruct, l.count)
	t.buf = append(t.buf, l.elements...)
	t.i64(3, rows)
	t.list(4, thriftStruct, count)
	t.buf = append(t.buf, groups...)
	t.string(6, l.createdBy)
	t.list(7, thriftStruct, len(l.leaves)) // all columns have the order of their type
	for range l.leaves {
		t.element()
		t.begin(1)
		t.end()
		t.end()
	}
	t.stop()
}
