package schema

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/zeebo/xxh3"
)

// DecoderOptions are the optional settings of a Decoder.
type DecoderOptions struct {
	Connection string           // value of the column _connection
	Allocator  memory.Allocator // of the batches; memory.DefaultAllocator if nil
}

// Decoder turns JSON answers into Arrow rows of one table. It reads the text
// once and writes each value straight into the buffer of its column.
//
// These coercions are made and no others:
//   - a number becomes text in a String field, with its digits as sent;
//   - text becomes an int64 or a decimal if it is written as a JSON number, and
//     a bool if it is "true" or "false";
//   - timestamps may have 0 to 9 digits of fraction (cut to microseconds), "T"
//     or a space before the time, and Z, an offset or nothing (UTC) behind it;
//     a bare date is midnight UTC; 0001-01-01 is null;
//   - a Date field takes a bare date, or a timestamp's date in UTC;
//   - empty text is null, but for String, JSON and Map fields;
//   - in a map, numbers and bools become text, objects and arrays their compact
//     JSON text, and an empty array is an empty map;
//   - what is no array, where a list is expected, becomes a list of one;
//   - JSON keys are trimmed of white space before they are matched;
//   - half of a surrogate pair becomes U+FFFD, as in encoding/json.
//
// Whatever else does not fit, and a known key that comes twice in one object,
// makes the record a [Reject]. Text that is not valid UTF-8 is accepted by
// encoding/json, and here makes the record a Reject too.
//
// A Decoder must not be used by two goroutines at the same time. It is made to
// be used again: Reset keeps the buffers.
type Decoder struct {
	table    *Table
	schema   *arrow.Schema
	options  DecoderOptions
	root     node
	stored   []*node // the top-level fields that have a column, in column order
	cols     columns
	extra    *column // _extra
	key      []*column
	time     *column // nil if the table has none
	updated  *column // nil if the table has none
	injected []injected
	secrets  secrets

	since, until int64 // microseconds, half-open
	bounded      bool
	extractedAt  int64
	failed       error // wrong use of Inject, reported by the next Page

	clock   clock // the last date parsed
	scratch []byte
	page    page // state of the page being read
	body    []byte
	depth   int
	objects uint64 // objects read so far
	unknown unknown
	mapKeys keySet // of the map being read
	fault   fault

	times    []int64 // of each row in the buffers, for sorting; or none
	dropped  []bool  // rows that a newer version replaced; may be shorter than times
	drops    int
	built    int64 // rows that left in batches since Reset, dropped ones included
	seen     map[xxh3.Uint128]version
	late     int
	rejects  []Reject
	rejected map[xxh3.Uint128]int // by hash of the text, the position in rejects
	keyText  []byte
	order    []int32 // scratch of Build
}

// injected is a field that the reader sets.
type injected struct {
	field *Field
	col   *column
	set   bool
	num   int64
	text  string
}

// NewDecoder compiles a decoder for a table. The table must not change
// afterwards. It fails if the table is not valid.
func NewDecoder(t *Table, opts *DecoderOptions) (*Decoder, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	d := &Decoder{table: t, schema: t.ArrowSchema(), seen: map[xxh3.Uint128]version{},
		rejected: map[xxh3.Uint128]int{}}
	d.clock.date([]byte("1970-01-01"))
	if opts != nil {
		d.options = *opts
	}
	if d.options.Allocator == nil {
		d.options.Allocator = memory.DefaultAllocator
	}
	d.cols.counts = []int32{0}
	d.unknown.counts = map[string]*tally{}
	d.root.kind = Struct
	d.secrets.hide(t.Hidden)
	d.root.object = d.compileObject(t.Fields, &d.root, 0)
	d.extra = d.cols.add(JSON, 0)
	for _, name := range t.Key {
		d.key = append(d.key, d.columnOf(name))
	}
	d.time, d.updated = d.columnOf(t.Time), d.columnOf(t.Updated)
	d.Reset(time.Time{}, time.Time{}, time.Time{})
	return d, nil
}

// columnOf returns the column of a top-level field, nil if there is none.
func (d *Decoder) columnOf(name string) *column {
	for i, n := range d.stored {
		if d.schema.Field(i).Name == name {
			return n.col
		}
	}
	return nil
}

// Reset starts the read of a window and forgets everything, injected values
// included. Records outside [since, until) are not stored; a zero time leaves
// its side open. With any bound, a record without a time is a Reject.
// extractedAt is the value of the column _extracted_at, cut to microseconds.
func (d *Decoder) Reset(since, until time.Time, extractedAt time.Time) {
	d.since, d.until = math.MinInt64, math.MaxInt64
	if !since.IsZero() {
		d.since = ceilMicros(since)
	}
	if !until.IsZero() {
		d.until = ceilMicros(until)
	}
	d.bounded = d.time != nil && !(since.IsZero() && until.IsZero())
	d.extractedAt = extractedAt.UnixMicro()
	d.failed, d.late, d.built, d.rejects = nil, 0, 0, nil
	d.seen = cleared(d.seen)
	clear(d.rejected)
	clear(d.unknown.counts)
	for i := range d.injected {
		d.injected[i].set = false
	}
	d.empty()
}

// ceilMicros returns the first microsecond that is not before t.
func ceilMicros(t time.Time) int64 {
	us := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		us++
	}
	return us
}

// cleared empties a map, or makes a new one of a large one: clearing costs
// time by the largest size that a map ever had.
func cleared(m map[xxh3.Uint128]version) map[xxh3.Uint128]version {
	if len(m) > 8192 {
		return map[xxh3.Uint128]version{}
	}
	clear(m)
	return m
}

// empty forgets the rows in the buffers.
func (d *Decoder) empty() {
	d.cols.reset()
	d.times, d.dropped, d.drops = d.times[:0], d.dropped[:0], 0
}

// Inject sets an Injected field for the records of the pages that follow,
// until Reset. The value is a string, an int64 or a time.Time, as the field's
// type asks. A wrong name or type is reported by the next Page.
func (d *Decoder) Inject(name string, value any) {
	i := slices.IndexFunc(d.injected, func(in injected) bool { return in.field.Name == name })
	if i < 0 {
		d.failed = fmt.Errorf("inject %s into %s: no such injected field", name, d.table.Name)
		return
	}
	in := &d.injected[i]
	in.set = true
	switch v := value.(type) {
	case string:
		in.text, in.set = v, v != ""
		if in.field.Type == String {
			return
		}
	case int64:
		in.num = v
		if in.field.Type == Int64 {
			return
		}
	case time.Time:
		in.num = v.UnixMicro()
		if in.field.Type == Timestamp {
			return
		}
		if in.num = floorDay(in.num); in.field.Type == Date {
			return
		}
	}
	d.failed = fmt.Errorf("inject %s into %s: a %T does not fit the field", name, d.table.Name, value)
}

// Rows returns how many rows Build would give.
func (d *Decoder) Rows() int { return len(d.times) - d.drops }

// Distinct returns how many different records were seen since Reset: stored,
// rejected or outside the window. Records are told apart by key, those without
// a key by their text.
func (d *Decoder) Distinct() int { return len(d.seen) }

// Late returns how many records came again after their row had left in a
// batch, and may have been newer than that row: they could not replace it. A
// record without an update time may be newer if its text differs.
func (d *Decoder) Late() int { return d.late }

// Bytes estimates the Arrow size of the rows in the buffers.
func (d *Decoder) Bytes() int { return d.cols.size() + 16*len(d.times) }

// Rejects returns the records rejected since Reset, in the order of reading.
func (d *Decoder) Rejects() []Reject { return slices.Clip(d.rejects) }

// Extra returns how often each name that the table does not know was seen
// since Reset. A name is the path of JSON keys, list elements without index:
// "charges[].new_key".
func (d *Decoder) Extra() map[string]int64 {
	out := map[string]int64{}
	for name, t := range d.unknown.counts {
		if t.total > 0 {
			out[strings.ToValidUTF8(name, "\uFFFD")] += t.total
		}
	}
	return out
}

// errFull says that the buffers cannot take another page.
var errFull = errors.New("decode page: more than 2 GiB of rows are waiting; call Build more often")
