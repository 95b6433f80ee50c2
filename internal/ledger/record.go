package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/writer"
)

// Options are what Record needs.
type Options struct {
	Store   store.Store      // the destination
	Engine  string           // who commits, like "paylake/0.1.0"
	WorkDir string           // existing folder for the files until they are committed
	Trigger string           // what started the run, e.g. "schedule"
	Now     func() time.Time // for timestamps in the log; nil = time.Now

	// Maintain looks after the two tables now and then: compaction, log and
	// data files past their retention.
	Maintain bool
}

// Record writes the row of a run and the rows of its windows: one commit to
// each table, none to that of the windows if nothing was read. Both are tried;
// the error names the tables that could not be written, or not be looked after.
// Calling it twice for one run writes the rows twice. A table costs 5 to 7
// requests to the store, in every fourth run 14, and some dozens when it is
// compacted or cleaned up.
func Record(ctx context.Context, o Options, run *report.Run) error {
	removeDead(o.WorkDir)
	mem := memory.DefaultAllocator
	windows, runs := windowRows(mem, run), runRow(mem, run, o.Trigger)
	defer windows.Release()
	defer runs.Release()
	err := o.append(ctx, windowsTable(), run.ID, windows)
	return errors.Join(err, o.append(ctx, runsTable(), run.ID, runs))
}

// append commits rows to a table.
func (o Options) append(ctx context.Context, t table, runID string, rows arrow.RecordBatch) (err error) {
	if rows.NumRows() == 0 {
		return nil
	}
	dir, err := os.MkdirTemp(o.WorkDir, workPrefix)
	if err != nil {
		return fmt.Errorf("record the run in %s: make work folder: %w", t.path, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the next run tries again
	files, err := o.write(ctx, t, dir, rows)
	if err != nil {
		return fmt.Errorf("record the run in %s: %w", t.path, err)
	}
	lake, err := o.open(t)
	if err != nil {
		return err
	}
	receipt, err := lake.Commit(ctx, sink.Change{Mode: sink.Append, Files: files, RunID: runID, Operation: "RECORD"})
	if err != nil {
		return fmt.Errorf("record the run: %w", err)
	}
	if err := o.lookAfter(ctx, lake, receipt.Version, dir); err != nil {
		return fmt.Errorf("the run is recorded in %s, but look after that table: %w", t.path, err)
	}
	return nil
}

// How often a table is looked after, in versions.
const (
	settleEvery   = 4  // a checkpoint, so that the next runs read few objects
	maintainEvery = 16 // compaction and clean-up
)

// lookAfter keeps a table small that grows by one file a run.
func (o Options) lookAfter(ctx context.Context, lake *delta.Table, version int64, dir string) error {
	if version%settleEvery != settleEvery-1 {
		return nil
	}
	_, warnings, err := lake.Settle(ctx)
	if err == nil && o.Maintain && version%maintainEvery == maintainEvery-1 {
		var done delta.Maintained
		done, err = lake.Maintain(ctx, delta.Maintenance{Optimize: true, Vacuum: true, CleanLog: true, WorkDir: dir})
		warnings = append(warnings, done.Warnings...)
	}
	if len(warnings) > 0 {
		err = errors.Join(err, errors.New(strings.Join(warnings, "; ")))
	}
	return err
}

// open prepares one of the tables.
func (o Options) open(t table) (*delta.Table, error) {
	return delta.Open(o.Store, t.path, delta.Settings{Table: t.data, Engine: o.Engine, Now: o.Now})
}

// write makes the data file.
func (o Options) write(ctx context.Context, t table, dir string, rows arrow.RecordBatch) ([]writer.File, error) {
	w, err := writer.New(t.data, partitioning.Spec{}, dir, &writer.Options{Version: strings.TrimPrefix(o.Engine, "paylake/")})
	if err != nil {
		return nil, err
	}
	var files []writer.File
	if err = w.Write(ctx, partitioning.Part{Rows: rows}); err == nil {
		files, err = w.Finish(ctx)
	}
	return files, errors.Join(err, w.Abort())
}

const (
	workPrefix = "ledger-"
	deadAfter  = time.Hour // a record takes seconds
)

// removeDead removes the folders of runs that were killed while they recorded
// themselves. What cannot be removed is left to the next run.
func removeDead(workDir string) {
	left, err := filepath.Glob(filepath.Join(workDir, workPrefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > deadAfter {
			_ = os.RemoveAll(dir)
		}
	}
}
