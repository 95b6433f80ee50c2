package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/writer"
)

// errNoRows says that no file was written.
var errNoRows = errors.New("there are no rows, so no file was written")

// rowOutput is where decode's rows go.
type rowOutput interface {
	write(ctx context.Context, batch arrow.RecordBatch) error // the batch stays the caller's
	end(ctx context.Context) error                            // no write follows
	abort()                                                   // removes what is not complete; does nothing after end
}

// rowPrinter prints rows as JSON, one a line.
type rowPrinter struct {
	out  *bufio.Writer
	line []byte
}

func newRowPrinter(out io.Writer) *rowPrinter {
	return &rowPrinter{out: bufio.NewWriterSize(out, 1<<16)}
}

func (p *rowPrinter) write(ctx context.Context, batch arrow.RecordBatch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range int(batch.NumRows()) {
		p.line = schema.EncodeRow(p.line[:0], batch, i)
		if _, err := p.out.Write(p.line); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

func (p *rowPrinter) end(context.Context) error {
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (p *rowPrinter) abort() {}

// rowFile writes rows to a Parquet file, which gets its name when it is
// complete.
type rowFile struct {
	path   string
	dir    string // beside path, so that the file can be renamed
	writer *writer.Writer
	out    io.Writer
}

// writtenFile is what decode prints of the file.
type writtenFile struct {
	Path  string `json:"path"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
}

func newRowFile(table *schema.Table, path string, out io.Writer) (*rowFile, error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".paylake-decode-")
	if err != nil {
		return nil, fmt.Errorf("write --parquet: %w", err)
	}
	f := &rowFile{path: path, dir: dir, out: out}
	// One file, whatever its size.
	opts := writer.Options{TargetBytes: math.MaxInt64, MaxRowGroups: math.MaxInt16, Version: version}
	if f.writer, err = writer.New(table, partitioning.Spec{}, dir, &opts); err != nil {
		f.abort()
		return nil, err
	}
	return f, nil
}

func (f *rowFile) write(ctx context.Context, batch arrow.RecordBatch) error {
	return f.writer.Write(ctx, partitioning.Part{Rows: batch})
}

func (f *rowFile) end(ctx context.Context) error {
	files, err := f.writer.Finish(ctx)
	switch {
	case err != nil:
		return err
	case len(files) == 0:
		return fmt.Errorf("write --parquet %s: %w", f.path, errNoRows)
	case len(files) > 1:
		return fmt.Errorf("write --parquet %s: more than %d row groups do not fit one file; decode fewer answers at once", f.path, math.MaxInt16)
	}
	if err := os.Rename(files[0].Path, f.path); err != nil {
		return fmt.Errorf("write --parquet: %w", err)
	}
	if err := json.NewEncoder(f.out).Encode(writtenFile{Path: f.path, Rows: files[0].Rows, Bytes: files[0].Bytes}); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

func (f *rowFile) abort() {
	if f.writer != nil {
		_ = f.writer.Abort() // the folder goes, too
	}
	_ = os.RemoveAll(f.dir)
}
