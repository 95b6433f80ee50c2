package ledger

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// Run is a row of the table of runs, as far as it is read again. Times are UTC;
// what was null is the zero value.
type Run struct {
	ID      string
	Status  string
	Command string
	Started time.Time
	Ended   time.Time
	Streams []Stream
}

// Stream is what a run did to one table.
type Stream struct {
	Connection    string
	Stream        string
	Table         string
	Sync          string
	Status        string
	Error         string
	Since, Until  time.Time // zero for a list that is read as a whole
	Watermark     time.Time // of the table, after the run
	TableVersion  int64     // after the run, -1 where there was no table
	FailedWindows int64
}

// Recent returns the newest runs, at most n, the newest first. It reads at most
// n data files, those that were written last. A lake without the table has no
// runs.
func Recent(ctx context.Context, st store.Store, n int) ([]Run, error) {
	lake, err := Options{Store: st, Engine: "paylake/status"}.open(runsTable())
	if err != nil {
		return nil, err
	}
	snapshot, err := lake.Load(ctx)
	if err != nil {
		return nil, err
	}
	files := slices.SortedFunc(snapshot.Files(), func(a, b delta.File) int { return b.Modified.Compare(a.Modified) })
	var runs []Run
	for i := 0; i < len(files) && i < n && len(runs) < n; i++ {
		err := lake.ReadFile(ctx, files[i], []string{"run_id", "status", "command", "started", "ended", "streams"}, func(b arrow.RecordBatch) error {
			runs = append(runs, readRuns(b)...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(runs, func(a, b Run) int { return b.Started.Compare(a.Started) })
	return runs[:min(n, len(runs))], nil
}

func readRuns(b arrow.RecordBatch) []Run {
	cols := columns{}
	for i, f := range b.Schema().Fields() {
		cols[f.Name] = b.Column(i)
	}
	runs := make([]Run, b.NumRows())
	for i := range runs {
		runs[i] = Run{
			ID: cols.text("run_id", i), Status: cols.text("status", i), Command: cols.text("command", i),
			Started: cols.time("started", i), Ended: cols.time("ended", i),
		}
		list, ok := cols["streams"].(*array.List)
		if !ok || list.IsNull(i) {
			continue
		}
		from, to := list.ValueOffsets(i)
		runs[i].Streams = readStreams(list.ListValues(), int(from), int(to))
	}
	return runs
}

func readStreams(a arrow.Array, from, to int) []Stream {
	s, ok := a.(*array.Struct)
	if !ok {
		return nil
	}
	cols := columns{}
	for i, f := range s.DataType().(*arrow.StructType).Fields() {
		cols[f.Name] = s.Field(i)
	}
	var out []Stream
	for i := from; i < to; i++ {
		out = append(out, Stream{
			Connection: cols.text("connection", i), Stream: cols.text("stream", i), Table: cols.text("table", i), Sync: cols.text("sync", i),
			Status: cols.text("status", i), Error: cols.text("error", i), Since: cols.time("since", i), Until: cols.time("until", i),
			Watermark: cols.time("watermark", i), TableVersion: cols.int("table_version", i), FailedWindows: cols.int("failed_windows", i),
		})
	}
	return out
}

// columns are arrays by name. What is absent, null or of another type is zero:
// a newer version of Paylake may have written the file.
type columns map[string]arrow.Array

func (c columns) text(name string, i int) string {
	a, ok := c[name].(*array.String)
	if !ok || a.IsNull(i) {
		return ""
	}
	return strings.Clone(a.Value(i)) // the batch is released
}

func (c columns) int(name string, i int) int64 {
	a, ok := c[name].(*array.Int64)
	if !ok || a.IsNull(i) {
		return 0
	}
	return a.Value(i)
}

// time reads a timestamp of any unit: other engines write nanoseconds when they
// rewrite a file.
func (c columns) time(name string, i int) time.Time {
	a, ok := c[name].(*array.Timestamp)
	if !ok || a.IsNull(i) {
		return time.Time{}
	}
	return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit)
}
