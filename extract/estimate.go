package extract

import (
	"math"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/schema"
)

const (
	targetFill = 0.7 // of what a window may hold; the rest is for uneven days
	tolerance  = 1.5 // times what it should hold, before a window is split again
	maxParts   = 16  // of one split: empty stretches cost one request each
)

// maxRows is how many rows a window should hold at most: MaxPages pages, and
// what fits into one chunk.
func (r *Reader) maxRows(size int) float64 {
	pages := float64(r.opts.MaxPages) * float64(size)
	return min(pages, float64(r.opts.ChunkBytes)/r.learned.rowBytes())
}

// tooWide returns a *TooWideError when a window with so many rows, margins
// included, should and can be split.
func (rd *reading) tooWide(total int64, size int) error {
	most := rd.r.maxRows(size)
	rows := rd.inside(float64(total))
	if rows <= tolerance*most {
		return nil
	}
	return rd.split(rows, targetFill*most)
}

// split returns a *TooWideError with parts of about target rows, or nil where
// the window cannot be cut.
func (rd *reading) split(rows, target float64) error {
	if rd.since == "" || rd.window.IsZero() {
		return nil
	}
	parts := rd.window.Split(partsFor(rows, target), rd.r.opts.Grid, rd.r.resolution())
	if parts == nil {
		return nil
	}
	return &TooWideError{Window: rd.window, Rows: int64(rows), Parts: parts}
}

func partsFor(rows, target float64) int {
	return int(min(max(math.Ceil(rows/max(target, 1)), 2), maxParts))
}

// resolution is the shortest window that the filter can tell from its
// neighbours.
func (r *Reader) resolution() time.Duration {
	if r.learned.filter() == exact {
		return second
	}
	return day
}

// inside is the part of rows that lies in the window itself when they are
// spread evenly over the window and its margins.
func (rd *reading) inside(rows float64) float64 {
	length := rd.window.Length()
	if rd.window.IsZero() || rd.since == "" || length <= 0 {
		return rows
	}
	return rows * float64(length) / float64(length+2*rd.margin)
}

// density estimates the rows of a window from one page that does not hold all
// of them.
func density(p schema.Page, w window.Window) float64 {
	least := float64(p.Records + 1)
	if p.Newest.IsZero() || w.IsZero() {
		return least
	}
	span := max(p.Newest.Sub(p.Oldest), second)
	return max(float64(p.Records)*float64(w.Length())/float64(span), least)
}
