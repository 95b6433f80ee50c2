package schema

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

// record is what the end of a page needs to know about one of its records.
type record struct {
	id      xxh3.Uint128 // hash of its key, or of its text if it has none
	updated int64        // value of the Updated field, or none
	text    uint64       // hash of its text if it has no update time
	row     int32        // its row in the buffers, or what became of it
}

// What became of a record that has no row.
const (
	rowOutside  = -1
	rowRejected = -2
	rowRepeated = -3 // rejected before, with the same text
)

// none stands for a time that a record does not have.
const none = math.MinInt64

// version is what is known about a record seen since Reset.
type version struct {
	updated int64
	text    uint64
	row     int64 // rows are counted from Reset on; or rowOutside, rowRejected
}

// record reads one record into the next row, and takes the row back if it is
// not to be stored.
func (d *Decoder) record(i int) int {
	row, start := d.cols.counts[0], i
	if d.body[i] == '{' {
		i = d.members(&d.root, i+1, row)
	} else {
		i = d.wrong(&d.root, i, reasonShape)
	}
	if i < 0 {
		return i
	}
	d.inject(row)
	d.flushExtra(row)
	r := record{row: row, updated: numOf(d.updated, row)}
	if r.updated == none {
		r.text = xxh3.Hash(d.body[start:i])
	}
	d.finish(&r, numOf(d.time, row), d.body[start:i])
	d.page.records = append(d.page.records, r)
	return i
}

// inject writes the fields that the reader has set.
func (d *Decoder) inject(row int32) {
	for i := range d.injected {
		switch in := &d.injected[i]; {
		case !in.set:
		case in.field.Type == String:
			in.col.text([]byte(in.text), row)
		default:
			in.col.num(in.num, row)
		}
	}
}

// numOf returns the value of the newest row, or none. The column may be nil.
func numOf(c *column, row int32) int64 {
	if c != nil {
		if i := c.last(row); i >= 0 {
			return c.nums[i]
		}
	}
	return none
}

// finish decides what becomes of a record with time t, whose text is raw.
func (d *Decoder) finish(r *record, t int64, raw []byte) {
	key, hasKey := d.keyOf(r.row)
	invalid := !d.page.valid && !utf8.Valid(raw)
	switch {
	case invalid:
		d.fault = fault{reason: reasonUTF8}
	case d.fault.reason != "":
	case !hasKey:
		d.fault = fault{reasonNoKey, d.missingKey(r.row)}
	case d.bounded && t == none:
		d.fault = fault{reasonNoTime, d.pointerOf(d.time)}
	}
	if hasKey {
		r.id = xxh3.Hash128(key)
	} else {
		r.id, key = xxh3.Hash128Seed(raw, 1), nil
	}
	d.note(r.id, key, t)
	switch {
	case d.fault.reason != "":
		r.row = d.reject(raw, strings.ToValidUTF8(string(key), "\uFFFD"), invalid)
	case t != none && (t < d.since || t >= d.until):
		r.row = rowOutside
	default:
		d.cols.counts[0]++
		d.times = append(d.times, t)
		return
	}
	d.fault = fault{}
	d.cols.truncate(d.cols.counts[0])
}

// note adds a record to what Page reports.
func (d *Decoder) note(id xxh3.Uint128, key []byte, t int64) {
	p := &d.page
	if p.Records == 0 {
		p.First = string(key)
	}
	p.Records++
	p.last = append(p.last[:0], key...)
	p.Digest = (p.Digest ^ id.Lo) * 0x9E3779B97F4A7C15
	if t != none {
		p.oldest, p.newest = min(p.oldest, t), max(p.newest, t)
	}
}

// keyOf returns the text of the newest row's key, valid until the next call,
// and whether it is complete. Commas and backslashes in the parts of a longer
// key are escaped, so that different keys have different texts.
func (d *Decoder) keyOf(row int32) ([]byte, bool) {
	if c := d.key[0]; len(d.key) == 1 && c.kind == String {
		i := c.last(row)
		if i < 0 {
			return nil, false
		}
		return c.bytes(i), len(c.bytes(i)) > 0
	}
	out := d.keyText[:0]
	for n, c := range d.key {
		i := c.last(row)
		if i < 0 || c.kind == String && len(c.bytes(i)) == 0 {
			return nil, false
		}
		if n > 0 {
			out = append(out, ',')
		}
		out = c.appendKey(out, i)
	}
	d.keyText = out
	return out, true
}

func (c *column) appendKey(dst []byte, i int) []byte {
	switch c.kind {
	case String:
		for _, b := range c.bytes(i) {
			if b == ',' || b == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, b)
		}
		return dst
	case Timestamp:
		return time.UnixMicro(c.nums[i]).UTC().AppendFormat(dst, time.RFC3339Nano)
	case Date:
		return time.UnixMicro(c.nums[i]*day).UTC().AppendFormat(dst, time.DateOnly)
	}
	return strconv.AppendInt(dst, c.nums[i], 10)
}

// missingKey returns the pointer of the first key field that the newest row
// lacks.
func (d *Decoder) missingKey(row int32) string {
	for _, c := range d.key {
		if i := c.last(row); i < 0 || c.kind == String && len(c.bytes(i)) == 0 {
			return d.pointerOf(c)
		}
	}
	return ""
}

// pointerOf returns the pointer of a top-level column; "" if it is injected.
func (d *Decoder) pointerOf(c *column) string {
	for i := range d.root.object.nodes {
		if n := &d.root.object.nodes[i]; n.col == c {
			return string(appendPointer(nil, n))
		}
	}
	return ""
}

// settle counts the records of a page that was read to its end, and drops the
// older versions of records that came again.
func (d *Decoder) settle() {
	p := &d.page
	for _, r := range p.records {
		d.settleRecord(r)
	}
	p.Last = string(p.last)
	if p.oldest <= p.newest {
		p.Oldest, p.Newest = time.UnixMicro(p.oldest).UTC(), time.UnixMicro(p.newest).UTC()
	}
}

func (d *Decoder) settleRecord(r record) {
	p := &d.page
	now := version{r.updated, r.text, int64(r.row)}
	if r.row >= 0 {
		now.row += d.built
	}
	old, again := d.seen[r.id]
	switch {
	case r.row == rowRejected:
		p.Rejected++
		if !again {
			d.seen[r.id] = now
		}
	case again && (r.row < 0 || old.row >= 0):
		p.Duplicates++
		if r.row >= 0 {
			d.replace(r, old, now)
		}
	case r.row == rowOutside:
		p.Outside++
		d.seen[r.id] = now
	default: // new, or its earlier versions had no row
		p.Kept++
		d.seen[r.id] = now
	}
}

// replace keeps the newer of two rows. A row that has left in a batch stays.
func (d *Decoder) replace(r record, old, now version) {
	dated := old.updated != none && now.updated != none
	switch {
	case old.row < d.built:
		if dated && now.updated > old.updated || !dated && now.text != old.text {
			d.late++
		}
		d.drop(r.row)
	case dated && now.updated < old.updated:
		d.drop(r.row)
	default:
		d.drop(int32(old.row - d.built))
		d.seen[r.id] = now
	}
}

// drop leaves a row out of the next batch.
func (d *Decoder) drop(row int32) {
	for len(d.dropped) < len(d.times) {
		d.dropped = append(d.dropped, false)
	}
	d.dropped[row] = true
	d.drops++
}
