package schema

import (
	"bytes"
	"cmp"
	"slices"
)

// arrange decides where the rows go: sorted by (time, key), without those that
// were dropped.
func (d *Decoder) arrange() place {
	n := len(d.times)
	if d.drops == 0 && d.sorted() {
		return place{n: n}
	}
	rows := d.order[:0]
	for row := range int32(n) {
		if int(row) >= len(d.dropped) || !d.dropped[row] {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, d.compare)
	d.order = rows
	to := make([]int32, n)
	for i := range to {
		to[i] = -1
	}
	for at, row := range rows {
		to[row] = int32(at)
	}
	return place{to: to, n: len(rows)}
}

// sorted tells whether the rows are in order as they are.
func (d *Decoder) sorted() bool {
	for row := 1; row < len(d.times); row++ {
		if d.compare(int32(row-1), int32(row)) > 0 {
			return false
		}
	}
	return true
}

// compare orders two rows by time and key. Every row has its whole key, so the
// n-th value of a key column is that of the n-th row.
func (d *Decoder) compare(a, b int32) int {
	if c := cmp.Compare(d.times[a], d.times[b]); c != 0 {
		return c
	}
	for _, col := range d.key {
		var c int
		if col.kind == String {
			c = bytes.Compare(col.bytes(int(a)), col.bytes(int(b)))
		} else {
			c = cmp.Compare(col.nums[a], col.nums[b])
		}
		if c != 0 {
			return c
		}
	}
	return 0
}
