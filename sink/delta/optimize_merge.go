package delta

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/compute"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/writer"
)

// cursor walks the rows of a chain: files of which each ends before the next
// one starts.
type cursor struct {
	m      *merger
	chain  []source // still to be read
	rows   *rowReader
	batch  arrow.RecordBatch // nil at the end
	keys   sortKeys
	pos    int
	inPart int // its place in the chunk's pieces, -1 = none
}

// advance moves to the next batch that has rows, if the current one is used up.
func (c *cursor) advance(ctx context.Context) error {
	for c.batch == nil || c.pos == int(c.batch.NumRows()) {
		c.drop()
		if c.rows == nil {
			if len(c.chain) == 0 {
				return nil
			}
			if err := c.open(ctx); err != nil {
				return err
			}
		}
		b, err := c.rows.next()
		if errors.Is(err, io.EOF) {
			err = c.rows.close()
			c.rows = nil
		}
		if err != nil {
			return fmt.Errorf("read rows to be compacted: %w", err)
		}
		if b != nil {
			c.batch, c.keys, c.pos = b, sortKeysOf(b, c.m.order), 0
		}
	}
	return nil
}

func (c *cursor) open(ctx context.Context) error {
	s := c.chain[0]
	c.chain = c.chain[1:]
	rows, err := c.m.open(ctx, s)
	c.rows = rows
	return err
}

// drop frees the current batch.
func (c *cursor) drop() {
	if c.batch != nil {
		c.batch.Release()
	}
	c.batch, c.pos, c.inPart = nil, 0, -1
}

func (c *cursor) close() error {
	c.drop()
	if c.rows == nil {
		return nil
	}
	rows := c.rows
	c.rows = nil
	return rows.close()
}

// merge writes the rows of chains in order.
func (m *merger) merge(ctx context.Context, chains [][]source, w *writer.Writer) (err error) {
	cursors := make([]*cursor, len(chains))
	for i, chain := range chains {
		cursors[i] = &cursor{m: m, chain: chain, inPart: -1}
	}
	out := &chunk{m: m, w: w}
	defer func() {
		out.free()
		for _, c := range cursors {
			err = errors.Join(err, c.close())
		}
	}()
	for _, c := range cursors {
		if err := c.advance(ctx); err != nil {
			return err
		}
	}
	for {
		first, second := leastTwo(cursors)
		if first == nil {
			return out.flush(ctx, cursors)
		}
		n := first.run(second, chunkRows-out.rows)
		out.take(first, n)
		if out.rows >= chunkRows {
			if err := out.flush(ctx, cursors); err != nil {
				return err
			}
		}
		if err := first.advance(ctx); err != nil {
			return err
		}
	}
}

// leastTwo returns the cursors with the first and the second row in order, nil
// where there is none. Of equal rows the earlier cursor's comes first.
func leastTwo(cursors []*cursor) (first, second *cursor) {
	for _, c := range cursors {
		switch {
		case c.batch == nil:
		case first == nil || compareRows(c.keys, c.pos, first.keys, first.pos) < 0:
			first, second = c, first
		case second == nil || compareRows(c.keys, c.pos, second.keys, second.pos) < 0:
			second = c
		}
	}
	return first, second
}

// run returns how many rows of c, at most limit, come before those of other: at
// least one.
func (c *cursor) run(other *cursor, limit int) int {
	end := min(int(c.batch.NumRows()), c.pos+limit)
	if other == nil {
		return end - c.pos
	}
	at := c.pos + 1
	for at < end && compareRows(c.keys, at, other.keys, other.pos) <= 0 {
		at++
	}
	return at - c.pos
}

// chunk collects merged rows until there are enough to be written.
type chunk struct {
	m      *merger
	w      *writer.Writer
	pieces []piece
	runs   []run
	rows   int
	mixed  bool // the runs are not in the order of the pieces
}

// piece is a stretch of a batch that is in the chunk.
type piece struct {
	batch    arrow.RecordBatch // held
	from, to int
}

// run is a stretch of a piece: rows of its batch.
type run struct{ piece, from, to int }

// take adds the next n rows of c.
func (k *chunk) take(c *cursor, n int) {
	if c.inPart < 0 {
		c.batch.Retain()
		k.pieces = append(k.pieces, piece{c.batch, c.pos, c.pos})
		c.inPart = len(k.pieces) - 1
	}
	if len(k.runs) > 0 && k.runs[len(k.runs)-1].piece > c.inPart {
		k.mixed = true
	}
	k.runs = append(k.runs, run{c.inPart, c.pos, c.pos + n})
	c.pos += n
	k.pieces[c.inPart].to = c.pos
	k.rows += n
}

// flush writes the rows and empties the chunk.
func (k *chunk) flush(ctx context.Context, cursors []*cursor) error {
	defer func() {
		k.free()
		for _, c := range cursors {
			c.inPart = -1
		}
	}()
	slices := make([]arrow.RecordBatch, len(k.pieces))
	for i, p := range k.pieces {
		slices[i] = p.batch.NewSlice(int64(p.from), int64(p.to))
	}
	defer func() {
		for _, s := range slices {
			s.Release()
		}
	}()
	if !k.mixed {
		for _, s := range slices {
			if err := k.m.write(ctx, k.w, s); err != nil {
				return err
			}
		}
		return nil
	}
	b, err := gather(ctx, slices, k.indices())
	if err != nil {
		return err
	}
	defer b.Release()
	return k.m.write(ctx, k.w, b)
}

// indices tells where the rows lie in the pieces put one behind the other.
func (k *chunk) indices() []int32 {
	starts := make([]int, len(k.pieces))
	at := 0
	for i, p := range k.pieces {
		starts[i] = at - p.from
		at += p.to - p.from
	}
	out := make([]int32, 0, k.rows)
	for _, r := range k.runs {
		for i := r.from; i < r.to; i++ {
			out = append(out, int32(starts[r.piece]+i))
		}
	}
	return out
}

func (k *chunk) free() {
	for _, p := range k.pieces {
		p.batch.Release()
	}
	k.pieces, k.runs, k.rows, k.mixed = nil, nil, 0, false
}

// write gives rows to a writer as a part of the merger's partition.
func (m *merger) write(ctx context.Context, w *writer.Writer, b arrow.RecordBatch) error {
	return w.Write(ctx, partitioning.Part{Value: m.partition, Rows: b})
}

// gather copies rows of batches, counted as if one lay behind the other, in the
// order of the indices. The caller releases the result.
func gather(ctx context.Context, batches []arrow.RecordBatch, indices []int32) (arrow.RecordBatch, error) {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(indices, nil)
	places := b.NewArray()
	defer places.Release()
	sc := batches[0].Schema()
	cols := make([]arrow.Array, 0, sc.NumFields())
	defer func() { releaseAll(cols) }()
	parts := make([]arrow.Array, len(batches))
	for i := range sc.NumFields() {
		for j, batch := range batches {
			parts[j] = batch.Column(i)
		}
		whole, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			return nil, fmt.Errorf("gather column %s: %w", sc.Field(i).Name, err)
		}
		col, err := compute.TakeArray(ctx, whole, places)
		whole.Release()
		if err != nil {
			return nil, fmt.Errorf("sort column %s: %w", sc.Field(i).Name, err)
		}
		cols = append(cols, col)
	}
	return array.NewRecordBatch(sc, cols, int64(len(indices))), nil
}
