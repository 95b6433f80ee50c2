package delta

import (
	"context"
	"encoding/json"
	"sort"
	"time"

	"github.com/paylake/paylake/schema"
)

// bounds are the statistics of a file by which it is seen that a key is not in
// it, or how old its rows are. What a file does not tell is not set.
type bounds struct {
	keyed, timed, dated bool
	minKey, maxKey      string // of the key's first column, spelled as in a key
	minTime, maxTime    int64  // µs since 1970
	oldest              int64  // µs since 1970: no row was extracted before
}

// readBounds takes what is needed out of statistics (PROTOCOL.md, "Per-file
// Statistics"). Bounds of text may be cut, the upper one then is greater; those
// of timestamps are cut to milliseconds.
func readBounds(table *schema.Table, stats string) bounds {
	var s struct {
		MinValues map[string]json.RawMessage `json:"minValues"`
		MaxValues map[string]json.RawMessage `json:"maxValues"`
	}
	if stats == "" || json.Unmarshal([]byte(stats), &s) != nil {
		return bounds{}
	}
	var b bounds
	lo, ok1 := keyBound(table, s.MinValues)
	hi, ok2 := keyBound(table, s.MaxValues)
	b.keyed, b.minKey, b.maxKey = ok1 && ok2, lo, hi
	from, ok1 := timeBound(s.MinValues[table.Time])
	to, ok2 := timeBound(s.MaxValues[table.Time])
	b.timed, b.minTime, b.maxTime = ok1 && ok2, from, to+999
	b.oldest, b.dated = timeBound(s.MinValues[schema.ColumnExtractedAt])
	return b
}

// keyBound reads a bound of the key's first column, if that is text or an
// integer.
func keyBound(table *schema.Table, values map[string]json.RawMessage) (string, bool) {
	if len(table.Key) == 0 {
		return "", false
	}
	raw, ok := values[table.Key[0]]
	if !ok {
		return "", false
	}
	for _, f := range table.Columns() {
		switch {
		case f.Name != table.Key[0]:
		case f.Type == schema.String:
			var v *string
			if json.Unmarshal(raw, &v) == nil && v != nil {
				return *v, true
			}
		case f.Type == schema.Int64:
			var v *int64
			if json.Unmarshal(raw, &v) == nil && v != nil {
				return string(appendOrdered(nil, *v)), true
			}
		}
	}
	return "", false
}

// timeBound reads an instant; without a zone it means UTC.
func timeBound(raw json.RawMessage) (int64, bool) {
	v := text(raw)
	if v == "" {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05.999999999", v)
	}
	return t.UnixMicro(), err == nil
}

// mayHoldAny reports whether one of the first key values, sorted, may be in the
// file.
func (b bounds) mayHoldAny(firsts []string) bool {
	if !b.keyed {
		return len(firsts) > 0
	}
	at := sort.SearchStrings(firsts, b.minKey)
	return at < len(firsts) && firsts[at] <= b.maxKey
}

// mayHold reports whether a row may have an older version in a file of its
// partition, if it has the same time.
func (b bounds) mayHold(r *incoming, columns int) bool {
	if b.keyed {
		if first := firstOf(r.key, columns); first < b.minKey || first > b.maxKey {
			return false
		}
	}
	return !b.timed || !r.timed || b.minTime <= r.time && r.time <= b.maxTime
}

// readStats makes sure that the bounds of the files are known. Statistics that
// lie in the checkpoint only are read from there, those of all files at once.
func (m *merge) readStats(ctx context.Context, s *Snapshot, files []*file) error {
	table, stored := m.table.settings.Table, false
	for _, f := range files {
		if _, ok := m.bounds[f.path]; ok {
			continue
		}
		if f.stored {
			stored = true
			continue
		}
		m.bounds[f.path] = readBounds(table, f.stats)
	}
	if !stored {
		return nil
	}
	for _, part := range s.base {
		err := m.table.eachAction(ctx, part, func(kinds map[string]column, i int) error {
			path := canonical(kinds["add"].child("path").view(i))
			if f := s.files[path]; f != nil && f.stored {
				m.bounds[f.path] = readBounds(table, kinds["add"].child("stats").view(i))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
