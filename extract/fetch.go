package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/schema"
)

const (
	second = time.Second
	day    = 24 * time.Hour

	exactMargin = second  // asked on both sides: nobody documents whether the ends belong to the range
	daysMargin  = 2 * day // one for the time zone of the days, one for the ends
)

// ask names one page of a list.
type ask struct {
	number  int // page number from 1
	size    int
	cursor  string
	state   string
	unpaged bool // no page parameter: the list goes by cursor, or might
}

// page is one decoded answer.
type page struct {
	schema.Page
	total     int64  // -1 = not reported
	next      bool   // the answer says that there is a next page
	cursor    string // of the next page, "" = none
	hasCursor bool   // the answer has a member for the cursor, null or not
	repeats   int    // number of the earlier page that held the same records, 0 = none
}

// margin is how much more than the window is asked for on both sides.
func (r *Reader) margin() time.Duration {
	if r.learned.filter() == exact {
		return exactMargin
	}
	return daysMargin
}

// bound sets the filter for the reading's window: wider than the window, or
// none at all where there is no filter or it has no effect.
func (rd *reading) bound(margin time.Duration) {
	w := rd.window
	if w.IsZero() || rd.r.ep.SinceParam == "" || rd.r.learned.filter() == noEffect {
		return
	}
	rd.margin = margin
	rd.boundTo(w.Since.Add(-margin), w.Until.Add(margin))
}

// asked is the window with the margins that the filter was given.
func (rd *reading) asked() window.Window {
	if rd.window.IsZero() {
		return rd.window
	}
	return window.Window{Since: rd.window.Since.Add(-rd.margin), Until: rd.window.Until.Add(rd.margin)}
}

// boundTo sets the filter to these instants, widened to whole seconds.
func (rd *reading) boundTo(since, until time.Time) {
	if whole := until.Truncate(second); whole.Before(until) {
		until = whole.Add(second)
	}
	rd.since = since.UTC().Format(time.RFC3339)
	rd.until = until.UTC().Format(time.RFC3339)
}

func (rd *reading) query(a ask) url.Values {
	ep, v := &rd.r.ep, url.Values{}
	set := func(name, value string) {
		if name != "" && value != "" {
			v.Set(name, value)
		}
	}
	set("size", strconv.Itoa(a.size))
	if a.number > 0 && !a.unpaged {
		set("page", strconv.Itoa(a.number))
	}
	set(ep.CursorParam, a.cursor)
	set(ep.StateParam, a.state)
	set(rd.params.since, rd.since)
	set(rd.params.until, rd.until)
	if rd.before != "" {
		set(ep.UntilParam, rd.before)
	}
	return v
}

// fetch reads one page into the decoder.
func (rd *reading) fetch(ctx context.Context, a ask) (page, error) {
	var p page
	q := query{path: rd.r.ep.Path, params: rd.query(a)}
	layout := schema.Layout{DataKey: rd.r.ep.DataKey}
	err := rd.send(ctx, q, func(body []byte, id string) error {
		got, err := rd.dec.Page(body, layout, id)
		if err != nil {
			return err
		}
		p = rd.r.interpret(got)
		rd.duplicates += got.Duplicates
		if got.Records > 0 {
			key := seenKey{a.state, got.Digest}
			if p.repeats = rd.seen[key]; p.repeats == 0 {
				rd.seen[key] = max(a.number, 1)
			}
		}
		return rd.overflow()
	})
	return p, err
}

// fetchNew reads a page that should hold other records than the pages before.
// A page that does not is asked once more.
func (rd *reading) fetchNew(ctx context.Context, a ask) (page, error) {
	p, err := rd.fetch(ctx, a)
	if err == nil && p.repeats > 0 {
		return rd.fetch(ctx, a)
	}
	return p, err
}

// send sends a request of this reading; parse is called with the turn.
func (rd *reading) send(ctx context.Context, q query, parse parseFunc) error {
	q.stream = rd.r.stream()
	if q.row == nil {
		q.row = rd.r.row
	}
	stats, err := rd.r.client.get(ctx, q, func(body []byte, id string) error {
		if err := rd.lock(ctx); err != nil {
			return err
		}
		defer rd.unlock()
		return parse(body, id)
	})
	l := &rd.r.learned
	l.requests.Add(int64(stats.attempts))
	l.retries.Add(int64(max(stats.attempts-1, 0)))
	l.throttled.Add(int64(stats.throttled))
	rd.requests.Add(int64(stats.attempts))
	return err
}

// first reads the first page. Where the source does not publish its largest
// page and refuses the size asked for, a size that every list accepts is used
// from then on.
func (rd *reading) first(ctx context.Context, state string) (page, int, error) {
	l, ep := &rd.r.learned, &rd.r.ep
	a := ask{number: 1, size: l.pageSize(), state: state}
	if ep.Paging == ForwardCursor && l.paging() != speaksPages {
		a.unpaged = true
	}
	p, err := rd.fetch(ctx, a)
	if status := asStatus(err); ep.MaxSize == 0 && a.size > safePageSize && (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) {
		a.size = safePageSize
		if p, err = rd.fetch(ctx, a); err == nil {
			l.setSize(safePageSize)
		}
	}
	if ask := rd.doubt; err == nil && ask != nil && (p.cursor != "" || p.Records >= safePageSize) {
		rd.doubt = nil
		err = ask()
	}
	return p, a.size, err
}

// interpret reads paging out of an answer's members.
func (r *Reader) interpret(got schema.Page) page {
	p := page{Page: got, total: -1}
	if r.ep.TotalPath != "" {
		p.total = totalOf(got.Members, r.ep.TotalPath)
	}
	if r.ep.CursorPath != "" {
		raw := member(got.Members, r.ep.CursorPath)
		p.hasCursor, p.cursor = raw != nil, scalar(raw)
	}
	p.next = scalar(member(got.Members, "paging.next")) != ""
	return p
}

// totalOf finds the number of records at path, or under its name of 2016,
// total_items, beside it (API notes, section 3).
func totalOf(members map[string][]byte, path string) int64 {
	stem := path[:strings.LastIndexByte(path, '.')+1]
	for _, at := range []string{path, stem + "total_items"} {
		if n, err := strconv.ParseInt(scalar(member(members, at)), 10, 64); err == nil && n >= 0 {
			return n
		}
	}
	return -1
}

// member finds the JSON value at a dotted path; nil if there is none.
func member(members map[string][]byte, path string) json.RawMessage {
	name, rest, nested := strings.Cut(path, ".")
	raw := json.RawMessage(members[name])
	for nested && raw != nil {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil
		}
		name, rest, nested = strings.Cut(rest, ".")
		raw = object[name]
	}
	return raw
}

// scalar gives a JSON string's text or a number's digits; "" for anything else.
func scalar(raw json.RawMessage) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return ""
	}
	var text string
	if raw[0] == '"' && json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if raw[0] != '"' && json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}
