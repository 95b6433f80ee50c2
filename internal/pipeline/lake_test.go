package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/store"
)

// row is what the tests compare of a lake's row.
type row struct {
	created time.Time
	amount  int64
	status  string
	extra   string
}

// amounts are the columns that simapi calls a record's amount.
var amounts = map[string]string{simapi.RecipientBalance: "available_amount"}

// rows reads a table's live files in whole and fails when a key stands twice.
func (s *scene) rows(name string) map[string]row {
	s.t.Helper()
	ep := s.endpoint(name)
	table := s.lake(ep)
	snapshot, err := table.Load(s.t.Context())
	require.NoError(s.t, err)
	out := map[string]row{}
	for f := range snapshot.Files() {
		s.readFile(name, ep, f.Path, out)
	}
	return out
}

func (s *scene) readFile(name string, ep extract.Endpoint, path string, out map[string]row) {
	s.t.Helper()
	data, err := store.ReadAll(s.t.Context(), s.store, "pagarme/"+name+"/"+path)
	require.NoError(s.t, err)
	batches := readParquet(s.t, data)
	for _, b := range batches {
		amount := "amount"
		if c, ok := amounts[name]; ok {
			amount = c
		}
		for i := range int(b.NumRows()) {
			key := text(b, ep.Table.Key[0], i)
			if len(ep.Table.Key) > 1 {
				key += fmt.Sprint("/", instant(b, ep.Table.Key[1], i).UnixMicro())
			}
			_, twice := out[key]
			require.False(s.t, twice, "%s: key %s stands twice", name, key)
			r := row{status: text(b, "status", i), extra: text(b, "_extra", i), amount: number(b, amount, i)}
			if ep.Table.Time != "" {
				r.created = instant(b, ep.Table.Time, i)
			}
			out[key] = r
		}
		b.Release()
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
	c, ok := column(b, name).(*array.String)
	if !ok || c.IsNull(i) {
		return ""
	}
	return c.Value(i)
}

func number(b arrow.RecordBatch, name string, i int) int64 {
	c, ok := column(b, name).(*array.Int64)
	if !ok || c.IsNull(i) {
		return 0
	}
	return c.Value(i)
}

func instant(b arrow.RecordBatch, name string, i int) time.Time {
	c, ok := column(b, name).(*array.Timestamp)
	if !ok || c.IsNull(i) {
		return time.Time{}
	}
	return time.UnixMicro(int64(c.Value(i))).UTC()
}

// requireTruth compares every stream of a report with what the simulated
// account holds up to the settled end: the same keys, amounts, states.
func (s *scene) requireTruth(rep *report.Run) {
	s.t.Helper()
	for _, sr := range rep.Streams {
		if sr.Status == report.Unavailable {
			continue
		}
		s.requireStream(sr.Stream)
	}
}

func (s *scene) requireStream(name string) {
	s.t.Helper()
	have := s.rows(name)
	since, until := s.start, s.now.Add(-5*time.Minute)
	if name == simapi.Recipients || name == simapi.RecipientBalance {
		since, until = time.Time{}, time.Time{}
	}
	want := map[string]row{}
	s.server.Each(name, since, until, func(r simapi.Record) bool {
		if r.Bad == "" {
			want[r.Key] = row{amount: r.Amount, status: r.Status}
		}
		return true
	})
	requireSame(s.t, name, want, have)
}

func requireSame(t *testing.T, name string, want, have map[string]row) {
	t.Helper()
	require.NotEmpty(t, want, "%s: the simulated account is empty", name)
	if name == simapi.RecipientBalance {
		return // its keys hold the time of the snapshot; see the snapshot tests
	}
	missing, wrong := 0, 0
	for key, w := range want {
		h, ok := have[key]
		if !ok {
			missing++
			continue
		}
		if h.status != w.status || (name != simapi.Recipients && h.amount != w.amount) {
			wrong++
			if wrong < 5 {
				t.Logf("%s %s: want %+v, have %+v", name, key, w, h)
			}
		}
	}
	require.Zero(t, missing, "%s: missing of %d", name, len(want))
	require.Zero(t, wrong, "%s: wrong of %d", name, len(want))
	require.Equal(t, len(want), len(have), "%s: rows that the account does not have", name)
}
