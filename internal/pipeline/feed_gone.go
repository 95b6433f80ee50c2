package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// hookMark is the name under which _extra names the entry of the change feed that
// a row was made from.
const hookMark = "_hook"

// restoredAtOnce is how many records that are gone are looked up in the feed at
// a time: their copies are held meanwhile.
const restoredAtOnce = 500

// restore lands the copies that the feed has of records the source no longer
// knows, where the table holds an older row of them. The row says when the entry
// was made and which one it was. A record that the table does not know stays
// unknown: an entry may name what never existed.
func (w *feedWalk) restore(ctx context.Context, gone []string, land *landing) error {
	slices.SortFunc(gone, func(a, b string) int { return w.wanted[a].last.Compare(w.wanted[b].last) })
	for group := range slices.Chunk(gone, restoredAtOnce) {
		copies, err := w.copies(ctx, group)
		if err != nil {
			return err
		}
		if err := w.landCopies(ctx, copies, land); err != nil {
			return err
		}
	}
	return nil
}

// copies finds the newest copy of each record. Only an entry about the record
// itself has a whole one.
func (w *feedWalk) copies(ctx context.Context, ids []string) (map[string]entry, error) {
	since, until := w.wanted[ids[0]].first, w.wanted[ids[0]].last
	for _, id := range ids {
		since, until = earliest(since, w.wanted[id].first), latest(until, w.wanted[id].last)
	}
	found := map[string]entry{}
	err := w.entries(ctx, since, until.Add(time.Microsecond), func(e entry) {
		id := w.subject(e)
		if at, ok := w.wanted[id]; id == "" || !ok || e.created.After(at.last) || !slices.Contains(ids, id) {
			return
		}
		if have, ok := found[id]; !ok || have.created.Before(e.created) {
			found[id] = e
		}
	})
	return found, err
}

// subject is the record of the stream that an entry is about; "" if it is about
// something else.
func (w *feedWalk) subject(e entry) string {
	kind, _, _ := strings.Cut(e.event, ".")
	var object struct {
		ID string `json:"id"`
	}
	if !slices.Contains(w.job.s.Endpoint.Objects, kind) || json.Unmarshal([]byte(e.data), &object) != nil {
		return ""
	}
	return strings.TrimSpace(object.ID)
}

// landCopies lands the copies that are newer than the rows of the table.
func (w *feedWalk) landCopies(ctx context.Context, copies map[string]entry, land *landing) error {
	dec, err := schema.NewDecoder(w.job.s.Table, &schema.DecoderOptions{Connection: w.job.s.Connection})
	if err != nil {
		return err
	}
	rows := map[partitioning.Value]map[string]arrow.RecordBatch{}
	defer func() {
		for _, part := range rows {
			for _, b := range part {
				b.Release()
			}
		}
	}()
	for id, e := range copies {
		row, v, err := w.decode(dec, e)
		if err != nil {
			return err
		}
		if row == nil {
			w.rep.Ignored++
			continue
		}
		if rows[v] == nil {
			rows[v] = map[string]arrow.RecordBatch{}
		}
		rows[v][id] = row
	}
	for v, part := range rows {
		if err := w.landPart(ctx, v, part, copies, land); err != nil {
			return err
		}
	}
	return nil
}

// decode makes the row of a copy; nil if it does not fit the table. The caller
// releases it.
func (w *feedWalk) decode(dec *schema.Decoder, e entry) (arrow.RecordBatch, partitioning.Value, error) {
	mark, err := json.Marshal(e.id)
	text := strings.TrimSpace(e.data)
	if err != nil || !strings.HasPrefix(text, "{") {
		return nil, "", err
	}
	body := `{"` + hookMark + `":` + string(mark) + "," + text[1:]
	bound := time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC)
	dec.Reset(time.Time{}, bound, e.created)
	p, err := dec.Page([]byte(body), schema.Layout{Single: true}, e.id)
	if err != nil || p.Kept != 1 {
		return nil, "", nil //nolint:nilerr // a copy that cannot be read is none
	}
	row, err := dec.Build()
	if err != nil {
		return nil, "", err
	}
	return row, w.job.s.Spec.Of(timeAt(row, w.job.s.Table.Time, 0)), nil
}

// landPart lands those copies of one partition of which the table holds an older
// row.
func (w *feedWalk) landPart(ctx context.Context, v partitioning.Value, part map[string]arrow.RecordBatch, copies map[string]entry, land *landing) error {
	older := map[string]bool{}
	key := w.job.s.Table.Key[0]
	err := w.job.partitionRows(ctx, v, []string{key, schema.ColumnExtractedAt}, func(rows arrow.RecordBatch) error {
		for i := range int(rows.NumRows()) {
			id := textAt(rows, key, i)
			read := timeAt(rows, schema.ColumnExtractedAt, i)
			if e, ok := copies[id]; ok && (read.Before(e.created) || read.After(w.job.run.started.Add(clockSkew))) {
				older[id] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, row := range part {
		if !older[id] {
			continue
		}
		if err := land.Chunk(row); err != nil {
			return err
		}
		w.rep.Restored++
	}
	return nil
}
