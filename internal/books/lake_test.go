package books

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/writer"
)

// record is one JSON object; its numbers are json.Number.
type record map[string]any

// object is a member that is an object.
func (r record) object(name string) record { return r[name].(map[string]any) }

func (r record) cents(name string) int64 {
	n, err := r[name].(json.Number).Int64()
	if err != nil {
		panic(err)
	}
	return n
}

// ledgers are the records of the three streams before they are written.
type ledgers map[string][]record

var moment = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

// merchant gives the records of a simulated merchant, as they are at the end of
// its days.
func merchant(t *testing.T, seed uint64, days, size int) (*simapi.World, ledgers) {
	t.Helper()
	w := simapi.Merchant(seed, moment.AddDate(0, 0, -days), days, size)
	all := ledgers{}
	for _, stream := range []string{Charges, Payables, Operations} {
		w.Each(stream, time.Time{}, time.Time{}, appendTo(t, all, stream))
	}
	require.NotEmpty(t, all[Operations])
	for _, c := range all[Charges] { // what the books do not look at
		delete(c, "customer")
		delete(c, "order")
		c["last_transaction"] = map[string]any{"status": c.object("last_transaction")["status"]}
	}
	return w, all
}

func appendTo(t *testing.T, all ledgers, stream string) func(simapi.Record) bool {
	return func(r simapi.Record) bool {
		all[stream] = append(all[stream], parse(t, r.JSON))
		return true
	}
}

func parse(t *testing.T, text []byte) record {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var r record
	require.NoError(t, d.Decode(&r))
	return r
}

// find gives the first record that fits.
func (l ledgers) find(t *testing.T, stream string, fits func(record) bool) record {
	t.Helper()
	i := slices.IndexFunc(l[stream], fits)
	require.GreaterOrEqual(t, i, 0, "no such record in %s", stream)
	return l[stream][i]
}

// remove takes out the records that fit.
func (l ledgers) remove(stream string, fits func(record) bool) {
	l[stream] = slices.DeleteFunc(l[stream], fits)
}

// declared is the table of a stream, with the column _deleted_at.
func declared(stream string) *schema.Table {
	all := pagarme.Source().Streams
	return all[slices.IndexFunc(all, func(e extract.Endpoint) bool { return e.Table.Name == stream })].Table.KeepingDeleted()
}

var (
	monthly = partitioning.Spec{Column: "created_month", Source: "created_at", Granularity: partitioning.Month}
	daily   = partitioning.Spec{Column: "created_date", Source: "created_at"}
)

// tables writes the records into tables, as read at a moment.
func (l ledgers) tables(t *testing.T, extracted time.Time) map[string]Lake {
	t.Helper()
	st := mem.New()
	out := map[string]Lake{}
	for stream := range l {
		table, err := delta.Open(st, stream, delta.Settings{Table: declared(stream), Spec: monthly, Engine: "paylake/test"})
		require.NoError(t, err)
		if files := write(t, declared(stream), monthly, l[stream], extracted); len(files) > 0 {
			r, err := table.Commit(t.Context(), sink.Change{Mode: sink.Append, Base: -1, Files: files})
			require.NoError(t, err)
			require.Equal(t, sink.Committed, r.Outcome)
		}
		out[stream] = Lake{Table: table}
	}
	return out
}

// replace gives a table the records; what it had besides stays, marked as
// deleted.
func (l ledgers) replace(t *testing.T, table *delta.Table, stream string) {
	t.Helper()
	s, err := table.Load(t.Context())
	require.NoError(t, err)
	r, err := table.Commit(t.Context(), sink.Change{Mode: sink.Replace, Base: s.Version(), Partitions: slices.Collect(s.Partitions()),
		Files: write(t, declared(stream), monthly, l[stream], moment), KeepDeleted: true, AcceptShrink: true, WorkDir: t.TempDir()})
	require.NoError(t, err)
	require.Equal(t, sink.Committed, r.Outcome)
}

func write(t *testing.T, table *schema.Table, spec partitioning.Spec, records []record, extracted time.Time) []writer.File {
	t.Helper()
	d, err := schema.NewDecoder(table, &schema.DecoderOptions{Connection: "loja"})
	require.NoError(t, err)
	d.Reset(time.Time{}, time.Time{}, extracted)
	var page bytes.Buffer
	require.NoError(t, json.NewEncoder(&page).Encode(map[string]any{"data": records}))
	_, err = d.Page(page.Bytes(), schema.Layout{}, "")
	require.NoError(t, err)
	require.Empty(t, d.Rejects())
	batch, err := d.Build()
	require.NoError(t, err)
	if batch == nil {
		return nil
	}
	defer batch.Release()
	w, err := writer.New(table, spec, t.TempDir(), nil)
	require.NoError(t, err)
	parts, err := spec.Split(batch)
	require.NoError(t, err)
	for _, p := range parts {
		require.NoError(t, w.Write(t.Context(), p))
	}
	files, err := w.Finish(t.Context())
	require.NoError(t, err)
	return files
}

// check writes the records and checks the books.
func (l ledgers) check(t *testing.T) Result {
	t.Helper()
	return checkLakes(t, Options{Lakes: l.tables(t, moment)})
}

func checkLakes(t *testing.T, o Options) Result {
	t.Helper()
	o.WorkDir = t.TempDir()
	r, err := Check(t.Context(), o)
	require.NoError(t, err)
	return r
}

// identity picks one by its name.
func (r Result) identity(t *testing.T, name string) Identity {
	t.Helper()
	i := slices.IndexFunc(r.Identities, func(i Identity) bool { return i.Name == name })
	require.GreaterOrEqual(t, i, 0)
	return r.Identities[i]
}

// broken gives the names of the broken identities.
func (r Result) broken() string {
	var names []string
	for _, i := range r.Identities {
		if i.Broken > 0 {
			names = append(names, i.Name)
		}
	}
	return strings.Join(names, " ")
}
