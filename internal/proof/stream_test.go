package proof_test

import (
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
)

// stream is one stream and what its table must hold.
type stream struct {
	t         *testing.T
	name      string
	ep        extract.Endpoint
	table     *schema.Table
	spec      partitioning.Spec
	decoder   *schema.Decoder
	lake      *delta.Table // to look at; runs open their own
	start     time.Time    // of the configuration
	watermark time.Time
	parts     map[partitioning.Value]*part
	gone      bool // the account does not have it any more
}

// part is what a partition must hold: the fingerprint of each row by its key.
type part struct {
	rows   map[string]uint64
	sum    uint64               // of the fingerprints
	digest uint64               // of the JSON that they come from; 0 where several readings are mixed
	read   time.Time            // when it was read from the source last, at the earliest
	as     time.Time            // the moment that digest is of
	end    time.Time            // digest is of what was created before; zero = of all
	at     map[string]time.Time // of rows that a merge brought since
	states map[string]bool      // of its rows; nil = not looked at
}

func newStream(t *testing.T, ep extract.Endpoint) *stream {
	table := ep.Table
	if ep.Feed {
		table = table.KeepingDeleted() // as the program does
	}
	d, err := schema.NewDecoder(table, &schema.DecoderOptions{Connection: name})
	require.NoError(t, err)
	return &stream{t: t, name: table.Name, ep: ep, table: table, spec: spec(ep), decoder: d, parts: map[partitioning.Value]*part{}}
}

func (s *stream) path() string { return "pagarme/" + s.name }

// windowed tells the streams that are read by creation time.
func (s *stream) windowed() bool { return s.ep.SinceParam != "" }

// truth is what the source has of a partition at a moment, as far as it was
// created before an end.
func (m *merchant) truth(s *stream, v partitioning.Value, at, end time.Time) *part {
	since, until := m.rangeOf(s, v, end)
	var texts []string
	var digest uint64
	m.at(at, func() {
		m.server.Each(s.name, since, until, func(r simapi.Record) bool {
			texts = append(texts, string(r.JSON))
			digest += hash(r.JSON)
			return true
		})
	})
	p := &part{rows: s.decode(texts), digest: digest, as: at, end: end, read: at}
	for _, f := range p.rows {
		p.sum += f
	}
	return p
}

// digest is the digest of a partition's truth.
func (m *merchant) digest(s *stream, v partitioning.Value, at, end time.Time) (digest uint64, rows int) {
	since, until := m.rangeOf(s, v, end)
	m.at(at, func() {
		m.server.Each(s.name, since, until, func(r simapi.Record) bool {
			digest += hash(r.JSON)
			rows++
			return true
		})
	})
	return digest, rows
}

func (m *merchant) rangeOf(s *stream, v partitioning.Value, end time.Time) (since, until time.Time) {
	if !s.windowed() {
		return time.Time{}, time.Time{}
	}
	since, err := s.spec.Start(v)
	require.NoError(m.t, err)
	until = s.spec.Next(since)
	if !end.IsZero() && end.Before(until) {
		until = end
	}
	return since, until
}

func hash(text []byte) uint64 {
	h := fnv.New64a()
	h.Write(text)
	return h.Sum64() | 1
}

// decode gives the fingerprints of records by key.
func (s *stream) decode(texts []string) map[string]uint64 {
	s.decoder.Reset(time.Time{}, time.Time{}, time.Time{})
	page, err := s.decoder.Page([]byte(`{"data":[`+strings.Join(texts, ",")+`]}`), schema.Layout{}, "")
	require.NoError(s.t, err)
	require.Equal(s.t, len(texts), page.Kept, "%s: records that cannot be decoded or come twice", s.name)
	rows := map[string]uint64{}
	if len(texts) == 0 {
		return rows
	}
	batch, err := s.decoder.Build()
	require.NoError(s.t, err)
	defer batch.Release()
	s.collect(batch, rows, nil)
	return rows
}

// collect puts the fingerprints of a batch's rows into a map by key. A key that
// stands twice is an error. extracted may be nil.
func (s *stream) collect(batch arrow.RecordBatch, rows map[string]uint64, extracted map[string]time.Time) {
	prints := schema.Fingerprint(batch)
	for i := range int(batch.NumRows()) {
		if !instant(batch, schema.ColumnDeletedAt, i).IsZero() {
			continue
		}
		key := text(batch, s.ep.Table.Key[0], i)
		_, twice := rows[key]
		require.False(s.t, twice, "%s: key %s stands twice", s.name, key)
		rows[key] = prints[i]
		if extracted != nil {
			extracted[key] = instant(batch, schema.ColumnExtractedAt, i)
		}
	}
}

func column(b arrow.RecordBatch, name string) arrow.Array {
	at := b.Schema().FieldIndices(name)
	if len(at) == 0 {
		return nil
	}
	return b.Column(at[0])
}

func text(b arrow.RecordBatch, name string, i int) string {
	c := column(b, name)
	if c == nil || c.IsNull(i) {
		return ""
	}
	if c, ok := c.(*array.String); ok {
		return strings.Clone(c.Value(i))
	}
	return fmt.Sprint(c.GetOneForMarshal(i))
}

func instant(b arrow.RecordBatch, name string, i int) time.Time {
	c, ok := column(b, name).(*array.Timestamp)
	if !ok || c.IsNull(i) {
		return time.Time{}
	}
	return c.Value(i).ToTime(c.DataType().(*arrow.TimestampType).Unit).UTC()
}
