package pipeline

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/writer"
)

// read is a window that was read and proven complete. Its rows are in
// result.Rows, or in files when they were too many to hold.
type read struct {
	result extract.Result
	files  []writer.File
	ended  time.Time // when it was read, by the run's clock
}

// size is the number of bytes of rows and rejected records that the window
// holds.
func (r *read) size() int64 {
	var n int64
	for _, reject := range r.result.Rejects {
		n += int64(len(reject.Record)) + 200 // with its reason and pointer
	}
	if r.result.Rows == nil {
		return n
	}
	for _, c := range r.result.Rows.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}

// release gives the rows back and removes the files.
func (r *read) release() {
	if r == nil {
		return
	}
	if r.result.Rows != nil {
		r.result.Rows.Release()
		r.result.Rows = nil
	}
	removeFiles(r.files)
	r.files = nil
}

func removeFiles(files []writer.File) {
	for _, f := range files {
		os.Remove(f.Path)
	}
}

// readWindow reads one window. When its rows are more than a window may hold,
// they go to files of their own as they come; the window's files are forgotten
// when it is read again.
func (j *job) readWindow(ctx context.Context, w window.Window) (*read, error) {
	sp := &spill{job: j, ctx: ctx}
	result, err := j.reader.Read(ctx, w, sp)
	if err != nil {
		sp.Discard()
		return nil, err
	}
	r := &read{result: result, ended: j.run.opts.Now().UTC()}
	if sp.writer == nil {
		return r, nil
	}
	if result.Rows != nil {
		err = sp.Chunk(result.Rows)
		result.Rows.Release()
		r.result.Rows = nil
	}
	if err != nil {
		sp.Discard()
		return nil, err
	}
	r.files = sp.files
	return r, nil
}

// spill writes the chunks of a window that is too large to be held. A chunk is
// sorted; a list in the order of time makes chunks with disjoint ranges.
type spill struct {
	job    *job
	ctx    context.Context // of the one Read call that the spill belongs to
	writer *writer.Writer
	files  []writer.File
}

var _ extract.Spill = (*spill)(nil)

// Chunk writes rows to files, one or more per partition.
func (s *spill) Chunk(rows arrow.RecordBatch) error {
	s.job.collect(rows)
	if s.writer == nil {
		w, err := s.job.newWriter(s.job.dir)
		if err != nil {
			return err
		}
		s.writer = w
	}
	parts, err := s.job.s.Spec.Split(rows)
	if err != nil {
		return fmt.Errorf("split rows: %w", err)
	}
	for _, p := range parts {
		if err == nil {
			err = s.writer.Write(s.ctx, p)
		}
		p.Rows.Release()
	}
	if err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	files, err := s.writer.Finish(s.ctx)
	s.files = append(s.files, files...)
	return err
}

// Discard forgets all chunks.
func (s *spill) Discard() error {
	if own := s.job.keys(); own != nil {
		own.forget()
	}
	removeFiles(s.files)
	s.files = nil
	if s.writer == nil {
		return nil
	}
	err := s.writer.Abort()
	s.writer = nil
	return err
}
