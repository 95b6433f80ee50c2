package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/quarantine"
	"github.com/paylake/paylake/writer"
)

// job is the work on one stream of a run.
type job struct {
	run    *run
	s      Stream
	base   *delta.Snapshot // loaded before the first request
	rep    *report.Stream
	reader *extract.Reader
	writer *writer.Writer
	dir    string
	group  *group

	rejects     []quarantine.Entry // not durable yet
	rejectBytes int
	met         map[uint64]bool // rejected records of this run, by the hash of their text

	rng       window.Window // what this run reads
	watermark time.Time     // stands in the table; zero if none
	misplaced bool          // the table's watermark is wrong and is set back

	damaged    []partitioning.Value // with files that are gone; looked for by full syncs only
	record     *record              // of a full sync, else nil
	fill       *fill                // of a backfill, else nil
	changes    *changes             // of a stream whose older records are followed, else nil
	fullEnded  bool                 // a full sync of this run came to its end
	unfinished bool                 // the table remembers how far a sync came that did not end
	failing    atomic.Int32         // windows in a row whose requests failed
	expected   atomic.Int64         // bytes a window of this stream takes, as seen lately
}

func newJob(r *run, s Stream, snapshot *delta.Snapshot, rep *report.Stream) *job {
	j := &job{run: r, s: s, base: snapshot, rep: rep}
	j.expected.Store(r.opts.Chunk / 4)
	j.reader = extract.NewReader(s.Client, s.Endpoint, extract.ReaderOptions{
		Grid:       s.Spec,
		ChunkBytes: int(r.opts.Chunk),
		Connection: s.Connection,
		Table:      s.Table,
		Now:        r.opts.Now,
	})
	rep.TableVersion = snapshot.Version()
	if mark, ok := snapshot.Mark(s.app()); ok {
		j.watermark = time.UnixMicro(mark).UTC()
		rep.Watermark = &j.watermark
	}
	return j
}

// do reads and commits the stream in the way its endpoint asks for.
func (j *job) do(ctx, readCtx context.Context) error {
	dir, err := j.run.work.sub(j.s.Connection + "-" + j.s.Name())
	if err != nil {
		return err
	}
	j.dir = dir
	j.writer, err = j.newWriter(dir)
	if err != nil {
		return err
	}
	defer j.writer.Abort()
	switch {
	case j.s.Only != nil:
		return j.repair(ctx, readCtx)
	case j.s.Endpoint.Write == extract.AppendSnapshot:
		j.rep.Sync = "snapshot"
		return j.snapshotParents(ctx, readCtx)
	case j.s.Endpoint.SinceParam == "":
		j.rep.Sync = "full"
		return j.wholeList(ctx, readCtx)
	default:
		return j.passes(ctx, readCtx)
	}
}

func (j *job) newWriter(dir string) (*writer.Writer, error) {
	return writer.New(j.s.Table, j.s.Spec, dir, &writer.Options{Version: j.run.opts.Tool, RowGroupBytes: j.run.opts.Chunk})
}

// facts puts what the reader learned about the endpoint into the report.
func (j *job) facts() {
	f := j.reader.Facts()
	j.rep.Paging, j.rep.PageSize, j.rep.Filter = f.Paging, f.PageSize, f.Filter
	j.rep.Requests += f.Requests
	j.rep.Retries += f.Retries
	j.rep.Throttled += f.Throttled
	switch {
	case f.Filter == "none":
		j.rep.Warn("the creation filter has no effect: the list was read as a whole")
	case f.Filter == "days":
		j.rep.Warn("the creation filter works by whole days only")
	}
	if f.Totals == "missing" {
		j.rep.Warn("the source reports no totals: windows were cut so that one page holds them")
	}
	if f.Clamped && j.s.Endpoint.MaxSize > 0 {
		j.rep.Warn(fmt.Sprintf("the server gives at most %d records a page, its documentation says %d", f.PageSize, j.s.Endpoint.MaxSize))
	}
}

// progress tells the caller where the stream stands.
func (j *job) progress(ended bool) {
	if j.run.opts.Progress == nil {
		return
	}
	p := Progress{
		Connection: j.s.Connection, Stream: j.s.Name(), Windows: j.rep.Windows,
		Requests: j.reader.Facts().Requests, Records: j.rep.Records, Ended: ended,
	}
	if j.group != nil && !j.rng.IsZero() && j.rng.Until.After(j.rng.Since) {
		p.Done = float64(j.group.end.Sub(j.rng.Since)) / float64(j.rng.Until.Sub(j.rng.Since))
	}
	if ended {
		p.Done, p.Status = 1, j.rep.Status
	}
	j.run.opts.Progress(p)
}

// judge puts the error of a stream into its report and tells whether the
// account simply does not have the stream.
func (r *run) judge(j *job, err error) {
	if err == nil || errors.Is(err, errStopped) {
		return
	}
	if r.stopped.Load() && errors.Is(err, context.Canceled) {
		j.rep.Warn("ended in the middle, since no safe point was reached in time after the signal: what was not committed is read again")
		return
	}
	var gone *extract.GoneError
	var status *extract.StatusError
	var settings *sink.SettingsError
	// Rows in the lake prove that the account once had the stream. Then only an
	// end that the platform has announced is no surprise.
	empty := j.base.Rows() == 0 && j.rep.Commits == 0 // a later pass may have no permission, while the stream has
	unavailable := errors.As(err, &gone) && (gone.Gone != nil && j.rep.Commits == 0 || empty)
	if errors.As(err, &status) && (status.Status == 403 || status.Status == 404) {
		unavailable = empty
	}
	if errors.As(err, &settings) {
		unavailable = false
	}
	if unavailable {
		j.rep.Missing(err.Error(), j.s.Named)
		return
	}
	j.rep.Error = err.Error()
	var local *fs.PathError
	if full := errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT); full && errors.As(err, &local) && strings.HasPrefix(local.Path, r.work.dir) {
		j.rep.Error += fmt.Sprintf(": the disk of work_dir %s is full: free some space or set work_dir to another disk, then run again", filepath.Dir(r.work.dir))
	}
}
