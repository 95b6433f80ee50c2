package delta

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/writer"
)

const testRoot = "raw/acme/sales"

func firstDay() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// sales is a small table with every kind of nesting.
func sales() *schema.Table {
	return &schema.Table{
		Name: "sales", Description: "Sales of a shop.", Key: []string{"id"}, Time: "created_at", Version: 1,
		Fields: []schema.Field{
			schema.ID("id", "Number of the sale."), schema.Instant("created_at", "When it was made."),
			schema.Enumeration("status", "State of the sale."), schema.Integer("amount", "Cents."), schema.Number("rate", "Fee."),
			schema.Object("buyer", "Who bought.", schema.Text("name", "Full name."), schema.Flag("new", "First sale.")),
			schema.ListOf("items", "What was bought.", schema.Object("", "", schema.Text("code", "Code of the item."))),
			schema.Attributes("metadata", "Free text."),
		},
	}
}

func daily() partitioning.Spec {
	return partitioning.Spec{Column: "created_date", Source: "created_at"}
}

func testSettings() Settings {
	return Settings{
		Table: sales(), Spec: daily(), Description: "Sales of Acme, a shop", Engine: "paylake/0.1.0",
		Properties: map[string]string{
			"paylake.source": "acme", "paylake.connection": "shop", "paylake.timezone": "UTC", "paylake.schemaVersion": "1",
		},
		Now: func() time.Time { return time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC) },
	}
}

// row is a record of the test tables.
type row struct {
	id     string
	day    int // since firstDay
	minute int
	status string
	amount int64
	buyer  string
	gone   int64 // _deleted_at in seconds since 1970, 0 = null
	seen   int   // days after its time that it was extracted; not read back
}

// rowsOf makes n rows of a day.
func rowsOf(day, n int) []row {
	out := make([]row, n)
	for i := range out {
		out[i] = row{id: fmt.Sprintf("d%d-%d", day, i), day: day, minute: i % 1440, status: "paid", amount: int64(100 + i), buyer: "Ana"}
	}
	return out
}

func dayValue(day int) partitioning.Value {
	return partitioning.Value(firstDay().AddDate(0, 0, day).Format(time.DateOnly))
}

func dayValues(days ...int) []partitioning.Value {
	var out []partitioning.Value
	for _, d := range days {
		out = append(out, dayValue(d))
	}
	return out
}

// lake is one table in a store with a run that uses it.
type lake struct {
	*Table
	t  testing.TB
	st store.Store
}

func newLake(t testing.TB, st store.Store, change ...func(*Settings)) *lake {
	t.Helper()
	s := testSettings()
	for _, f := range change {
		f(&s)
	}
	table, err := Open(st, testRoot, s)
	require.NoError(t, err)
	return &lake{Table: table, t: t, st: st}
}

func newMemLake(t testing.TB) *lake { return newLake(t, mem.New()) }

// rival is another run on the same table.
func (l *lake) rival(change ...func(*Settings)) *lake { return newLake(l.t, l.st, change...) }

// foreign is a run of another engine: its commits carry no sign of Paylake.
func (l *lake) foreign() *lake {
	r := l.rival()
	r.settings.Engine = "Apache-Spark/4.1.1 Delta-Lake/4.1.0"
	return r
}

func (l *lake) load() *Snapshot {
	l.t.Helper()
	s, err := l.Load(context.Background())
	require.NoError(l.t, err)
	return s
}

// files writes rows to local files as a run does.
func (l *lake) files(rows ...row) []writer.File {
	l.t.Helper()
	if len(rows) == 0 {
		return nil
	}
	w, err := writer.New(l.settings.Table, l.settings.Spec, l.t.TempDir(), nil)
	require.NoError(l.t, err)
	b := l.batch(rows)
	defer b.Release()
	parts, err := l.settings.Spec.Split(b)
	require.NoError(l.t, err)
	for _, p := range parts {
		require.NoError(l.t, w.Write(context.Background(), p))
		p.Rows.Release()
	}
	files, err := w.Finish(context.Background())
	require.NoError(l.t, err)
	return files
}

func (l *lake) batch(rows []row) arrow.RecordBatch {
	rows = slices.Clone(rows)
	at := func(r row) time.Time {
		return firstDay().AddDate(0, 0, r.day).Add(time.Duration(r.minute) * time.Minute)
	}
	slices.SortStableFunc(rows, func(a, b row) int { return at(a).Compare(at(b)) })
	rb := array.NewRecordBuilder(memory.DefaultAllocator, l.settings.Table.ArrowSchema())
	defer rb.Release()
	for _, r := range rows {
		for i, f := range rb.Schema().Fields() {
			appendTest(rb.Field(i), f.Name, r, at(r))
		}
	}
	return rb.NewRecordBatch()
}

func appendTest(b array.Builder, name string, r row, at time.Time) {
	switch name {
	case "id":
		b.(*array.StringBuilder).Append(r.id)
	case "created_at":
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
	case "_extracted_at":
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(at.AddDate(0, 0, r.seen).UnixMicro()))
	case "status":
		b.(*array.StringBuilder).Append(r.status)
	case "amount":
		b.(*array.Int64Builder).Append(r.amount)
	case "buyer":
		s := b.(*array.StructBuilder)
		s.Append(true)
		s.FieldBuilder(0).(*array.StringBuilder).Append(r.buyer)
		for i := 1; i < s.NumField(); i++ {
			s.FieldBuilder(i).AppendNull()
		}
	case "_deleted_at":
		if r.gone == 0 {
			b.AppendNull()
			return
		}
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(r.gone * 1e6))
	case "_connection":
		b.(*array.StringBuilder).Append("shop")
	default:
		b.AppendNull()
	}
}

// replace makes a change for the partitions of rows and of the extra days.
func (l *lake) replace(base int64, rows []row, days ...int) sink.Change {
	values := map[partitioning.Value]bool{}
	for _, d := range days {
		values[dayValue(d)] = true
	}
	for _, r := range rows {
		values[dayValue(r.day)] = true
	}
	c := sink.Change{Mode: sink.Replace, Base: base, Files: l.files(rows...), RunID: "run-1", Operation: "sync"}
	for v := range values {
		c.Partitions = append(c.Partitions, v)
	}
	slices.Sort(c.Partitions)
	return c
}

func (l *lake) commit(c sink.Change) sink.Receipt {
	l.t.Helper()
	r, err := l.Commit(context.Background(), c)
	require.NoError(l.t, err)
	require.Empty(l.t, r.Warnings)
	return r
}

// put commits rows as the whole content of their days and must succeed.
func (l *lake) put(rows []row) sink.Receipt {
	l.t.Helper()
	r := l.commit(l.replace(l.load().Version(), rows))
	require.Equal(l.t, sink.Committed, r.Outcome)
	return r
}

// rows reads the table as a fresh reader does: from the log and the data files.
func (l *lake) rows() []row {
	l.t.Helper()
	s, err := ReadSnapshot(context.Background(), l.st, testRoot)
	require.NoError(l.t, err)
	var out []row
	for f := range s.Files() {
		n := int64(0)
		err := l.ReadFile(context.Background(), f, nil, func(b arrow.RecordBatch) error {
			n += b.NumRows()
			out = append(out, readRows(b)...)
			return nil
		})
		require.NoError(l.t, err)
		require.Equal(l.t, n, f.Rows)
	}
	sortRows(out)
	return out
}

func readRows(b arrow.RecordBatch) []row {
	col := func(name string) arrow.Array { return b.Column(b.Schema().FieldIndices(name)[0]) }
	var out []row
	for i := range int(b.NumRows()) {
		at := time.UnixMicro(int64(col("created_at").(*array.Timestamp).Value(i))).UTC()
		since, gone := at.Sub(firstDay()), int64(0)
		if deleted := deletedRows(b); deleted != nil && deleted.IsValid(i) {
			gone = int64(deleted.(*array.Timestamp).Value(i)) / 1e6
		}
		out = append(out, row{
			id: column{col("id")}.text(i), day: int(since / (24 * time.Hour)), minute: int(since % (24 * time.Hour) / time.Minute),
			status: column{col("status")}.text(i), amount: column{col("amount")}.number(i, 0), buyer: column{col("buyer")}.child("name").text(i),
			gone: gone,
		})
	}
	return out
}

func sortRows(rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.id, b.id)) })
}

// requireRows asserts that the table holds exactly the rows.
func (l *lake) requireRows(want ...[]row) {
	l.t.Helper()
	all := slices.Concat(want...)
	for i := range all {
		all[i].seen = 0
	}
	sortRows(all)
	require.Equal(l.t, all, l.rows())
}

// keys lists the store below the table's root.
func (l *lake) keys(prefix string) []string {
	l.t.Helper()
	var out []string
	for o, err := range l.st.List(context.Background(), testRoot+"/"+prefix, "") {
		require.NoError(l.t, err)
		out = append(out, o.Key[len(testRoot)+1:])
	}
	return out
}

// dataKeys lists the data files in the store, live or not.
func (l *lake) dataKeys() []string {
	return slices.DeleteFunc(l.keys(""), func(k string) bool { return len(k) > len(logFolder) && k[:len(logFolder)] == logFolder })
}
