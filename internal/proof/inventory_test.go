package proof_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// fields of a row that are read with encoding/json, past the decoder.
type fields struct {
	status  string
	amount  int64
	updated time.Time
}

// inventory reads every data file: no key stands twice in a table, each row lies in
// its partition, and where a partition was read as a whole its rows are what the
// merchant had at that moment.
func (m *merchant) inventory() {
	for _, s := range m.streams {
		c := &checking{merchant: m, s: s, moments: m.history[len(m.history)-1]}
		var err error
		c.snapshot, err = s.lake.Load(m.t.Context())
		require.NoError(m.t, err)
		have := c.fields()
		rows := 0
		for v, p := range s.parts {
			require.Len(m.t, have[v], len(p.rows), "%s %s", s.name, v)
			rows += len(p.rows)
			if p.digest == 0 || s.gone {
				continue
			}
			since, until := c.rangeOf(s, v, p.end)
			m.at(p.as, func() {
				m.server.Each(s.name, since, until, func(r simapi.Record) bool {
					require.Equal(m.t, fieldsOf(m, r.JSON), have[v][r.Key], "%s %s of %s, read at %s", s.name, r.Key, v, p.as)
					return true
				})
			})
		}
		require.Equal(m.t, int64(rows), c.snapshot.Rows(), "%s", s.name)
	}
}

func fieldsOf(m *merchant, text []byte) fields {
	var r struct {
		Status  string
		Amount  int64
		Updated *time.Time `json:"updated_at"`
	}
	require.NoError(m.t, json.Unmarshal(text, &r))
	f := fields{status: r.Status, amount: r.Amount}
	if r.Updated != nil {
		f.updated = r.Updated.UTC()
	}
	return f
}

// fields reads a few columns of all files, by partition and key.
func (c *checking) fields() map[partitioning.Value]map[string]fields {
	out, seen := map[partitioning.Value]map[string]fields{}, map[string]bool{}
	columns := []string{c.s.table.Key[0], "status", "amount", "updated_at", schema.ColumnDeletedAt}
	if c.s.table.Time != "" {
		columns = append(columns, c.s.table.Time)
	}
	lake := c.s.lake
	for f := range c.snapshot.Files() {
		if out[f.Partition] == nil {
			out[f.Partition] = map[string]fields{}
		}
		require.NoError(c.t, lake.ReadFile(c.t.Context(), f, columns, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				if !instant(b, schema.ColumnDeletedAt, i).IsZero() {
					continue
				}
				key := text(b, c.s.table.Key[0], i)
				require.False(c.t, seen[key], "%s: key %s stands twice", c.s.name, key)
				seen[key] = true
				out[f.Partition][key] = fields{text(b, "status", i), number(b, "amount", i), instant(b, "updated_at", i)}
				if c.s.windowed() {
					require.Equal(c.t, f.Partition, c.s.spec.Of(instant(b, c.s.table.Time, i)), "%s: %s lies in another partition", c.s.name, key)
				}
			}
			return nil
		}))
	}
	return out
}

func number(b arrow.RecordBatch, name string, i int) (n int64) {
	if s := text(b, name, i); s != "" {
		_, _ = fmt.Sscan(s, &n)
	}
	return n
}
