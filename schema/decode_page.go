package schema

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"time"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

// Layout says where an answer has its records. A root array is a list of
// records under every layout. A member DataKey that is null is an empty list,
// and so is one that is missing beside the object "paging": the source leaves
// out members that are null (API notes, section 3).
type Layout struct {
	DataKey string // member of the root object that holds the list; "data" if empty
	Single  bool   // the root object is one record
}

// Page says what was in one answer. Each of its records counts in exactly one
// of Kept, Outside, Rejected and Duplicates.
type Page struct {
	Records    int               // records in the answer
	Kept       int               // stored as new rows
	Outside    int               // outside the window, not stored
	Rejected   int               // did not fit the table, see Rejects
	Duplicates int               // seen before since Reset; the newer version stays
	Members    map[string][]byte // JSON text of the envelope's other members, by trimmed key; the caller's
	First      string            // key of the first record; "" if it has none
	Last       string            // key of the last record; "" if it has none
	Digest     uint64            // hash over the keys of all records in their order, to notice a page that repeats
	Oldest     time.Time         // least time of the records, those outside included; zero if none has one
	Newest     time.Time         // greatest time of the records
}

// SyntaxError says that an answer is not one JSON value of the layout asked
// for. Nothing of such an answer is kept.
type SyntaxError struct {
	Offset int    // of the byte at fault
	Detail string // what is wrong, without any text of the answer
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("decode page: %s at byte %d", e.Detail, e.Offset)
}

// page is the state of the page being read.
type page struct {
	Page
	requestID string
	valid     bool  // the whole body is valid UTF-8
	oldest    int64 // microseconds
	newest    int64
	last      []byte   // key of the last record so far
	records   []record // of the page, to be settled at its end
	rejects   int      // length of Decoder.rejects before the page
}

// Page decodes one answer and adds its records. requestID is noted in the
// rejects. body is not changed nor kept. The error is a *SyntaxError if body
// is not one JSON value of that layout; then nothing of the answer is kept. It
// is another error if Inject was used wrongly, or if the buffers are full.
func (d *Decoder) Page(body []byte, layout Layout, requestID string) (Page, error) {
	if d.failed != nil {
		return Page{}, d.failed
	}
	if d.cols.size()+16*len(body) > math.MaxInt32 { // the paths in _extra may be longer than what they name
		return Page{}, errFull
	}
	rows := d.cols.counts[0]
	d.page = page{requestID: requestID, valid: utf8.Valid(body), oldest: math.MaxInt64, newest: math.MinInt64,
		records: d.page.records[:0], last: d.page.last[:0], rejects: len(d.rejects)}
	d.body, d.depth = body, 0
	end, detail := d.answer(layout)
	d.body = nil
	if end < 0 {
		d.rollBack(rows)
		return Page{}, syntaxError(body, ^end, detail)
	}
	d.settleExtra(true)
	d.settle()
	return d.page.Page, nil
}

// rollBack takes back the page in hand, which began at a row.
func (d *Decoder) rollBack(rows int32) {
	d.cols.truncate(rows)
	d.times = d.times[:rows]
	d.rejects = d.rejects[:d.page.rejects]
	maps.DeleteFunc(d.rejected, func(_ xxh3.Uint128, at int) bool { return at >= d.page.rejects })
	d.fault = fault{}
	d.forgetExtra()
	d.settleExtra(false)
}

func syntaxError(body []byte, at int, detail string) *SyntaxError {
	switch {
	case detail != "":
	case at >= len(body):
		detail = "the answer ends too early"
	case bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("<")):
		detail = "the answer is a web page, not JSON"
	case body[at] == '[' || body[at] == '{':
		detail = "a bracket where none may be, or nested too deeply"
	default:
		detail = "a character where it may not be"
	}
	return &SyntaxError{Offset: at, Detail: detail}
}

// answer reads the whole body. If the result is negative it is the complement
// of the position at fault, with what is wrong there if it is not plain JSON
// syntax.
func (d *Decoder) answer(layout Layout) (int, string) {
	b := d.body
	i := skipSpace(b, 0)
	if i >= len(b) {
		return ^i, ""
	}
	detail := ""
	switch {
	case b[i] == '[':
		i = d.recordList(i)
	case b[i] == '{' && layout.Single:
		i = d.record(i)
	case b[i] == '{':
		i, detail = d.envelope(i, layout.DataKey)
	default:
		start := i
		if i = skipValue(b, i, 0); i >= 0 {
			return ^start, "the answer is no list of records"
		}
	}
	if i < 0 {
		return i, detail
	}
	if i = skipSpace(b, i); i < len(b) {
		return ^i, "more text behind the JSON value"
	}
	return i, ""
}

// envelope reads the root object.
func (d *Decoder) envelope(i int, dataKey string) (int, string) {
	b := d.body
	if dataKey == "" {
		dataKey = "data"
	}
	start, found := i, false
	d.depth = 1
	d.page.Members = map[string][]byte{}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return ^start, "the answer has no list of records"
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return ^i, ""
		}
		end := skipString(b, i+1)
		if end < 0 {
			return end, ""
		}
		key := string(d.name(b[i+1 : end-1]))
		if i = skipColon(b, end); i < 0 {
			return i, ""
		}
		var detail string
		if i, detail = d.envelopeMember(i, key, dataKey, &found); i < 0 {
			return i, detail
		}
		if i = skipSpace(b, i); i >= len(b) || b[i] != ',' {
			break
		}
		i = skipSpace(b, i+1)
	}
	switch {
	case i >= len(b) || b[i] != '}':
		return ^i, ""
	case !found && !bytes.HasPrefix(d.page.Members["paging"], []byte("{")):
		return ^start, "the answer has no list of records"
	}
	return i + 1, ""
}

// envelopeMember reads the value of one member of the root object.
func (d *Decoder) envelopeMember(i int, key, dataKey string, found *bool) (int, string) {
	b := d.body
	if key != dataKey {
		end := skipValue(b, i, d.depth)
		if end >= 0 {
			d.page.Members[key] = bytes.Clone(b[i:end])
		}
		return end, ""
	}
	if i >= len(b) {
		return ^i, ""
	}
	if *found {
		return ^i, "the answer has two lists of records"
	}
	*found = true
	if b[i] == '[' {
		return d.recordList(i), ""
	}
	end := skipValue(b, i, d.depth)
	if end >= 0 && b[i] != 'n' { // null is an empty list
		return ^i, "the member with the records is no list"
	}
	return end, ""
}

// recordList reads the records of the array at i.
func (d *Decoder) recordList(i int) int {
	b := d.body
	d.depth++
	if i = skipSpace(b, i+1); i < len(b) && b[i] == ']' {
		d.depth--
		return i + 1
	}
	for {
		if i >= len(b) {
			return ^i
		}
		if i = d.record(i); i < 0 {
			return i
		}
		if i = skipSpace(b, i); i >= len(b) || b[i] != ',' {
			break
		}
		i = skipSpace(b, i+1)
	}
	if i >= len(b) || b[i] != ']' {
		return ^i
	}
	d.depth--
	return i + 1
}
