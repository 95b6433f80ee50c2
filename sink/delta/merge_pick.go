package delta

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// pick leaves rows of a file out, or all others. It serves one reading of the
// file after the other.
type pick struct {
	rows  []int64 // ascending
	only  bool    // just these rows are read
	whole bool    // what is read together stays in one batch, which copies it
	key   []string
	gone  sums // of rows that were left out
	cut   []arrow.RecordBatch
}

// newPick leaves rows out and sums them up.
func newPick(key []string, drops []match) *pick {
	p := &pick{key: key, rows: make([]int64, len(drops))}
	for i, d := range drops {
		p.rows[i] = d.row
	}
	return p
}

// take returns the rows of a batch that starts at row from of its file and that
// are picked, or the first stretch of them: rest has the others. The caller
// releases the result, and the batch as before.
func (p *pick) take(b arrow.RecordBatch, from int64) (arrow.RecordBatch, error) {
	first, _ := slices.BinarySearch(p.rows, from)
	last, _ := slices.BinarySearch(p.rows, from+b.NumRows())
	named := p.rows[first:last]
	switch {
	case len(named) == 0 && p.only:
		return b.NewSlice(0, 0), nil
	case len(named) == 0, p.only && len(named) == int(b.NumRows()):
		b.Retain()
		return b, nil
	}
	if !p.only {
		p.sumUp(b, named, from)
	}
	if p.whole || p.only || 2*len(named) > int(b.NumRows()) { // few rows must not hold the memory of many
		return gather(context.Background(), []arrow.RecordBatch{b}, p.indices(named, from, b.NumRows()))
	}
	p.slice(b, named, from)
	return p.rest(), nil
}

// rest returns what take left, a stretch at a time; nil at the end. The caller
// releases it.
func (p *pick) rest() arrow.RecordBatch {
	if len(p.cut) == 0 {
		return nil
	}
	out := p.cut[0]
	p.cut = p.cut[1:]
	return out
}

// drop frees what take left.
func (p *pick) drop() {
	for _, b := range p.cut {
		b.Release()
	}
	p.cut = nil
}

// sumUp adds the rows that are left out to gone.
func (p *pick) sumUp(b arrow.RecordBatch, named []int64, from int64) {
	for _, row := range named {
		one := b.NewSlice(row-from, row-from+1)
		p.gone = p.gone.plus(sumsOfRows(one, p.key, ""))
		one.Release()
	}
}

// slice cuts a batch into the stretches between the rows that are left out.
func (p *pick) slice(b arrow.RecordBatch, named []int64, from int64) {
	start := int64(0)
	for _, row := range named {
		if at := row - from; at > start {
			p.cut = append(p.cut, b.NewSlice(start, at))
		}
		start = row - from + 1
	}
	if start < b.NumRows() {
		p.cut = append(p.cut, b.NewSlice(start, b.NumRows()))
	}
}

// indices returns the places in the batch of the rows that are picked.
func (p *pick) indices(named []int64, from, n int64) []int32 {
	var out []int32
	for i := range n {
		hit := len(named) > 0 && named[0] == from+i
		if hit {
			named = named[1:]
		}
		if hit == p.only {
			out = append(out, int32(i))
		}
	}
	return out
}
