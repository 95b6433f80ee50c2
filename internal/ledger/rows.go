package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/schema"
)

// longestError is how many bytes of errors a row keeps.
const longestError = 4000

// values are the cells of a row or of a struct by column. What is absent is
// null, and so is a zero time and an empty text.
type values map[string]any

// runRow makes the row of a run. The caller releases it.
func runRow(mem memory.Allocator, run *report.Run, trigger string) arrow.RecordBatch {
	total := report.Stream{}
	var failed int64
	var connections, errors []string
	var streams []values
	for _, s := range run.Streams {
		add(&total, s)
		failed += int64(len(s.Failures))
		if !slices.Contains(connections, s.Connection) {
			connections = append(connections, s.Connection)
		}
		if text := errorOf(s); text != "" {
			errors = append(errors, s.Connection+"/"+s.Stream+": "+text)
		}
		streams = append(streams, streamValues(s))
	}
	row := values{
		"run_id": run.ID, "started": run.Started, "ended": run.Ended, "status": run.Status, "trigger": trigger, "command": run.Command,
		"windows": int64(total.Windows), "failed_windows": failed, "requests": total.Requests, "retries": total.Retries,
		"throttled": total.Throttled, "rows": total.Records, "rejects": total.Rejects, "rows_added": total.RowsAdded,
		"rows_removed": total.RowsRemoved, "records_removed": total.Removed, "bytes": total.BytesAdded, "files_added": int64(total.FilesAdded),
		"files_removed": int64(total.FilesRemoved), "commits": int64(total.Commits), "error": cut(strings.Join(errors, "\n")),
		"tool": run.Tool, "connections": connections, "streams": streams, schema.ColumnExtractedAt: run.Ended,
	}
	if run.StoreRequests != nil {
		var n int64
		for _, kind := range run.StoreRequests {
			n += kind
		}
		row["store_requests"] = n
	}
	if len(connections) == 1 {
		row[schema.ColumnConnection] = connections[0]
	}
	return batch(mem, runsTable(), []values{row})
}

// add sums up what a run's row holds.
func add(total, s *report.Stream) {
	total.Windows += s.Windows
	total.Requests += s.Requests
	total.Retries += s.Retries
	total.Throttled += s.Throttled
	total.Records += s.Records
	total.Rejects += s.Rejects
	total.RowsAdded += s.RowsAdded
	total.RowsRemoved += s.RowsRemoved
	total.Removed += s.Removed
	total.BytesAdded += s.BytesAdded
	total.FilesAdded += s.FilesAdded
	total.FilesRemoved += s.FilesRemoved
	total.Commits += s.Commits
}

func streamValues(s *report.Stream) values {
	return values{
		"connection": s.Connection, "stream": s.Stream, "table": s.Table, "sync": s.Sync, "status": s.Status,
		"since": s.Since, "until": s.Until, "watermark": s.Watermark, "table_version": s.TableVersion,
		"windows": int64(s.Windows), "failed_windows": int64(len(s.Failures)), "requests": s.Requests, "store_requests": s.StoreRequests,
		"rows": s.Records, "rejects": s.Rejects, "rows_added": s.RowsAdded, "rows_removed": s.RowsRemoved, "records_removed": s.Removed,
		"bytes": s.BytesAdded, "commits": int64(s.Commits), "error": cut(errorOf(s)),
		"milliseconds": int64(s.Seconds * 1000),
	}
}

// errorOf is why a stream, or the first of its windows, failed.
func errorOf(s *report.Stream) string {
	if s.Error != "" || len(s.Failures) == 0 {
		return s.Error
	}
	w := s.Failures[0]
	return fmt.Sprintf("window [%s, %s) failed: %s", w.Since.UTC().Format(time.RFC3339), w.Until.UTC().Format(time.RFC3339), w.Error)
}

// cut shortens a text at the end of a character.
func cut(text string) string {
	if len(text) <= longestError {
		return text
	}
	return strings.ToValidUTF8(text[:longestError], "") + "..."
}

// windowRows makes the rows of the windows that a run read, in the order of
// time. The caller releases them.
func windowRows(mem memory.Allocator, run *report.Run) arrow.RecordBatch {
	var rows []values
	for _, s := range run.Streams {
		for i, w := range s.Reads {
			at := w.ReadAt.UTC().Truncate(time.Microsecond)
			row := values{
				"run_id": run.ID, "connection": s.Connection, "stream": s.Stream, "number": int64(i), "read_at": at,
				"since": w.Since, "until": w.Until, "proof": w.Proof, "rows": w.Rows, "rejects": w.Rejects, "table": s.Table,
				schema.ColumnExtractedAt: at, schema.ColumnConnection: s.Connection,
			}
			if w.Total >= 0 {
				row["reported_total"] = w.Total
			}
			if w.Version >= 0 {
				row["table_version"] = w.Version
			}
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, byTimeAndKey)
	return batch(mem, windowsTable(), rows)
}

// byTimeAndKey is the order that the files promise.
func byTimeAndKey(a, b values) int {
	if c := a["read_at"].(time.Time).Compare(b["read_at"].(time.Time)); c != 0 {
		return c
	}
	for _, name := range []string{"connection", "stream"} {
		if c := strings.Compare(a[name].(string), b[name].(string)); c != 0 {
			return c
		}
	}
	return int(a["number"].(int64) - b["number"].(int64))
}

// batch builds rows in the layout of a table.
func batch(mem memory.Allocator, t table, rows []values) arrow.RecordBatch {
	layout := t.data.ArrowSchema()
	b := array.NewRecordBuilder(mem, layout)
	defer b.Release()
	for _, row := range rows {
		for i, f := range layout.Fields() {
			put(b.Field(i), row[f.Name])
		}
	}
	return b.NewRecordBatch()
}

// put appends one cell. Values are of the types that this file makes.
func put(b array.Builder, v any) {
	switch v := v.(type) {
	case string:
		if v != "" {
			b.(*array.StringBuilder).Append(v)
			return
		}
	case int64:
		b.(*array.Int64Builder).Append(v)
		return
	case time.Time:
		if !v.IsZero() {
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(v.UnixMicro()))
			return
		}
	case *time.Time:
		if v != nil {
			put(b, *v)
			return
		}
	case []string:
		putList(b.(*array.ListBuilder), v)
		return
	case []values:
		putList(b.(*array.ListBuilder), v)
		return
	case values:
		s := b.(*array.StructBuilder)
		s.Append(true)
		for i, f := range s.Type().(*arrow.StructType).Fields() {
			put(s.FieldBuilder(i), v[f.Name])
		}
		return
	}
	b.AppendNull()
}

func putList[T any](b *array.ListBuilder, list []T) {
	b.Append(true)
	for _, v := range list {
		put(b.ValueBuilder(), v)
	}
}
