package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// entry is one entry of the change feed.
type entry struct {
	id        string
	created   time.Time
	extracted time.Time
	event     string // "order.paid"
	data      string // JSON text
}

// feedColumns are what is read of the feed's table. The event stands in one of
// two columns.
var feedColumns = [...]string{"id", "created_at", "event", "type", "data", schema.ColumnExtractedAt}

// entries calls visit for each entry of the feed created from a time on and
// before another, partition by partition, oldest first.
func (w *feedWalk) entries(ctx context.Context, since, until time.Time, visit func(entry)) error {
	spec := w.job.s.Feed.Spec
	first, last := spec.Of(since), spec.Of(until)
	for f := range w.table.Files() {
		if f.Partition < first || f.Partition > last {
			continue
		}
		err := w.job.s.Feed.Lake.ReadFile(ctx, f, feedColumns[:], func(rows arrow.RecordBatch) error {
			for i := range int(rows.NumRows()) {
				e := entryAt(rows, i)
				if !e.created.Before(since) && e.created.Before(until) {
					visit(e)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// entryAt copies one entry out of a batch.
func entryAt(rows arrow.RecordBatch, i int) entry {
	return entry{
		id: textAt(rows, "id", i), created: timeAt(rows, "created_at", i), extracted: timeAt(rows, schema.ColumnExtractedAt, i),
		event: cmp.Or(textAt(rows, "event", i), textAt(rows, "type", i)), data: textAt(rows, "data", i),
	}
}

// textAt copies a text out of a batch; "" where there is none.
func textAt(rows arrow.RecordBatch, name string, i int) string {
	at := rows.Schema().FieldIndices(name)
	if len(at) == 0 {
		return ""
	}
	column, ok := rows.Column(at[0]).(*array.String)
	if !ok || column.IsNull(i) {
		return ""
	}
	return strings.Clone(column.Value(i))
}

// timeAt gives a time of a batch, in whatever unit the file has it; zero where
// there is none.
func timeAt(rows arrow.RecordBatch, name string, i int) time.Time {
	at := rows.Schema().FieldIndices(name)
	if len(at) == 0 {
		return time.Time{}
	}
	column, ok := rows.Column(at[0]).(*array.Timestamp)
	if !ok || column.IsNull(i) {
		return time.Time{}
	}
	return column.Value(i).ToTime(column.DataType().(*arrow.TimestampType).Unit).UTC()
}

// collect finds the records that new entries name, less those that the run has
// read anyway.
func (w *feedWalk) collect(ctx context.Context) error {
	land := w.job.newLanding(ctx)
	cut := w.until // records with entries from here on only are not remembered
	known, before := w.newest, w.job.changes.state.FeedRead
	err := w.entries(ctx, w.since.Add(-feedOverlap), w.until, func(e entry) {
		w.newest = latest(w.newest, e.extracted)
		if e.created.Before(w.since) && !e.extracted.After(known) {
			return
		}
		names, about := w.named(e)
		switch {
		case len(names) > 0:
			w.rep.Events++
		case about:
			w.rep.Ignored++
		}
		for _, n := range names {
			if n.wanted(land) && !before.holds(n.created, e.created) && e.created.Before(cut) {
				w.want(n.id, e.created)
			}
		}
		if len(w.wanted) > stormSize {
			cut = earliest(cut, w.prune())
		}
	})
	if cut.Before(w.until) {
		w.until = cut
	}
	return err
}

func (w *feedWalk) want(id string, at time.Time) {
	have := w.wanted[id]
	if have == nil {
		w.wanted[id] = &wanted{at, at}
		return
	}
	have.first, have.last = earliest(have.first, at), latest(have.last, at)
}

// stormSize is how many records are remembered: more than a run reads.
const stormSize = 4 * itemsAtMost

// prune forgets the newer half of a storm: it is for later runs. It returns the
// time of the first entry that is forgotten.
func (w *feedWalk) prune() time.Time {
	ids := w.inOrder()
	n := w.together(ids, len(ids)/2)
	if n == len(ids) {
		return w.until // all of one moment
	}
	cut := w.wanted[ids[n]].first
	maps.DeleteFunc(w.wanted, func(_ string, one *wanted) bool { return !one.first.Before(cut) })
	return cut
}

// inOrder lists the records, those first whose entry is oldest.
func (w *feedWalk) inOrder() []string {
	ids := slices.Collect(maps.Keys(w.wanted))
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(w.wanted[a].first.Compare(w.wanted[b].first), cmp.Compare(a, b))
	})
	return ids
}

// named is a record of the stream that an entry names.
type named struct {
	id      string
	created time.Time // as the entry says; zero if it does not
}

// wanted reports whether the record must be read by key, as far as the entry
// tells. One that says it was created in the future says nothing.
func (n named) wanted(land *landing) bool {
	return n.created.IsZero() || n.created.After(land.job.run.started) || n.created.Before(land.until) && !n.created.Before(land.since)
}

// named lists the records of the stream that an entry names: its own object, and
// the objects inside. about says that the event is one of the stream's.
func (w *feedWalk) named(e entry) (names []named, about bool) {
	kind, _, _ := strings.Cut(e.event, ".")
	about = slices.Contains(w.job.s.Endpoint.Objects, kind)
	if !about && !w.mentions(e.data) {
		return nil, false
	}
	var data any
	if json.Unmarshal([]byte(e.data), &data) != nil {
		return nil, about
	}
	object, ok := data.(map[string]any)
	if !ok {
		return nil, about
	}
	if about {
		names = appendNamed(names, object)
	}
	return w.inside(names, object, 0), about
}

// mentions reports whether an entry about something else may name a record of
// the stream.
func (w *feedWalk) mentions(data string) bool {
	return slices.ContainsFunc(w.job.s.Endpoint.Objects, func(o string) bool { return strings.Contains(data, `"`+o) })
}

// insideDepth bounds how deep an entry is searched.
const insideDepth = 6

// inside adds the records that stand in members called as the stream's objects:
// order, orders, order_id.
func (w *feedWalk) inside(names []named, object map[string]any, depth int) []named {
	for key, value := range object {
		for _, o := range w.job.s.Endpoint.Objects {
			if id, ok := value.(string); ok && key == o+"_id" && id != "" {
				names = append(names, named{id: id})
			}
		}
		own := slices.ContainsFunc(w.job.s.Endpoint.Objects, func(o string) bool { return key == o || key == o+"s" })
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		for _, item := range list {
			member, ok := item.(map[string]any)
			if !ok || depth > insideDepth {
				continue
			}
			if own {
				names = appendNamed(names, member)
			}
			names = w.inside(names, member, depth+1)
		}
	}
	return names
}

// appendNamed adds an object that has an id.
func appendNamed(names []named, object map[string]any) []named {
	id, _ := object["id"].(string)
	if id = strings.TrimSpace(id); id == "" {
		return names
	}
	text, _ := object["created_at"].(string)
	return append(names, named{id, parseTime(text)})
}

// parseTime reads a time as the decoder does, with a zone or without one (UTC);
// zero if it is none.
func parseTime(text string) time.Time {
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// partitionRows reads the live files of one partition of the stream's table.
func (j *job) partitionRows(ctx context.Context, v partitioning.Value, names []string, each func(arrow.RecordBatch) error) error {
	table, err := j.s.Lake.Load(ctx)
	if err != nil {
		return err
	}
	for f := range table.Files() {
		if f.Partition != v {
			continue
		}
		if err := j.s.Lake.ReadFile(ctx, f, names, each); err != nil {
			return fmt.Errorf("look for rows of partition %s: %w", v, err)
		}
	}
	return nil
}
