package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/writer"
)

// The table of payables that BenchmarkMerge changes.
const (
	mergeDays    = 730
	mergePerDay  = 11_000
	mergeChanges = 1000
	daysAtOnce   = 73 // in one commit of the table's making
)

func firstMergeDay() time.Time { return time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC) }

func payables() *schema.Table {
	for _, e := range pagarme.Source().Streams {
		if e.Table.Name == "payables" {
			return e.Table
		}
	}
	return nil
}

func mergeSpec() partitioning.Spec {
	return partitioning.Spec{Column: "created_date", Source: "created_at"}
}

func openMergeTable(dir string) (*delta.Table, error) {
	st, err := local.New(filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	return delta.Open(st, filepath.Base(dir), delta.Settings{Table: payables(), Spec: mergeSpec(), Engine: "paylake/bench"})
}

// payable is a row of the table, known by its number.
type payable struct {
	n       int
	changed bool
}

func (p payable) created() time.Time {
	day, at := p.n/mergePerDay, p.n%mergePerDay
	return firstMergeDay().AddDate(0, 0, day).Add(time.Duration(at) * (24 * time.Hour / mergePerDay)).Truncate(time.Microsecond)
}

// id is no number that grows: statistics of ids tell nothing.
func (p payable) id() string {
	r := rand.New(rand.NewPCG(7, uint64(p.n)))
	return fmt.Sprintf("py_%016x%04x", r.Uint64(), r.IntN(1<<16))
}

// batchOf makes the rows with the given numbers.
func batchOf(rows []payable) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, payables().ArrowSchema())
	defer b.Release()
	for _, p := range rows {
		for i, f := range b.Schema().Fields() {
			p.append(b.Field(i), f.Name)
		}
	}
	return b.NewRecordBatch()
}

func (p payable) append(b array.Builder, name string) {
	r := rand.New(rand.NewPCG(11, uint64(p.n)*31+uint64(len(name))))
	at := p.created()
	switch b := b.(type) {
	case *array.TimestampBuilder:
		switch name {
		case "created_at":
		case "_extracted_at":
			at = firstMergeDay().AddDate(3, 0, 0)
		default:
			at = at.AddDate(0, 0, 30).Truncate(24 * time.Hour)
		}
		if p.changed && name == "_extracted_at" {
			at = at.AddDate(0, 0, 1)
		}
		b.Append(arrow.Timestamp(at.UnixMicro()))
	case *array.Int64Builder:
		b.Append(map[string]int64{"installment": int64(1 + r.IntN(12)), "fraud_coverage_fee": 0}[name] + map[bool]int64{true: r.Int64N(100_000)}[name == "amount" || name == "fee"])
	case *array.StringBuilder:
		p.appendText(b, name, r)
	default:
		b.AppendNull()
	}
}

func (p payable) appendText(b *array.StringBuilder, name string, r *rand.Rand) {
	switch name {
	case "id":
		b.Append(p.id())
	case "status":
		b.Append(map[bool]string{false: "waiting_funds", true: "paid"}[p.changed])
	case "type":
		b.Append("credit")
	case "payment_method", "originator_model":
		b.Append([]string{"credit_card", "pix", "boleto"}[r.IntN(3)])
	case "recipient_id":
		b.Append(fmt.Sprintf("re_%024d", r.IntN(200)))
	case "charge_id", "split_id":
		b.Append(fmt.Sprintf("%s_%016x", name[:2], r.Uint64()))
	case "_connection":
		b.Append("bench")
	default:
		b.AppendNull()
	}
}

// writeRows writes rows, sorted by time, to files in dir.
func writeRows(ctx context.Context, dir string, rows []payable) ([]writer.File, error) {
	w, err := writer.New(payables(), mergeSpec(), dir, nil)
	if err != nil {
		return nil, err
	}
	for len(rows) > 0 {
		n := min(len(rows), mergePerDay)
		b := batchOf(rows[:n])
		rows = rows[n:]
		parts, err := mergeSpec().Split(b)
		b.Release()
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			err := w.Write(ctx, p)
			p.Rows.Release()
			if err != nil {
				return nil, err
			}
		}
	}
	return w.Finish(ctx)
}

// buildMergeTable makes the table in dir.
func buildMergeTable(b *testing.B, dir string) {
	b.Helper()
	t, err := openMergeTable(dir)
	require.NoError(b, err)
	work := b.TempDir()
	for day := 0; day < mergeDays; day += daysAtOnce {
		rows := make([]payable, daysAtOnce*mergePerDay)
		for i := range rows {
			rows[i].n = day*mergePerDay + i
		}
		files, err := writeRows(b.Context(), work, rows)
		require.NoError(b, err)
		r, err := t.Commit(b.Context(), sink.Change{Mode: sink.Append, Base: -1, Files: files})
		require.NoError(b, err)
		require.Equal(b, sink.Committed, r.Outcome)
		for _, f := range files {
			require.NoError(b, os.Remove(f.Path))
		}
	}
	_, _, err = t.Settle(b.Context())
	require.NoError(b, err)
}

// changedPayables are rows of all days, in the order of time.
func changedPayables() []payable {
	step := mergeDays * mergePerDay / mergeChanges
	rows := make([]payable, mergeChanges)
	for i := range rows {
		rows[i] = payable{n: i*step + rand.New(rand.NewPCG(3, uint64(i))).IntN(step), changed: true}
	}
	return rows
}
