package extract

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/schema"
)

// reading is one window being read: its decoder and what the answers said so
// far. Pages may be fetched in parallel; turn guards what follows it. It is a
// channel so that waiting for it ends with the context.
type reading struct {
	r            *Reader
	window       window.Window
	margin       time.Duration // asked on both sides of the window
	since, until string        // of the filter as it is asked; "" = not asked
	params       filterParams  // the parameters that take them
	before       string        // creation filter beside that one; "" = not asked
	keep         window.Window // records outside are not stored; zero = all are
	doubt        func() error  // called once when the first page is not alone; nil = nothing to do
	spill        Spill

	turn        chan struct{}
	dec         *schema.Decoder
	seen        map[seenKey]int // pages of this attempt, by what they hold
	spilled     int             // rows given to spill
	chunks      int             // since the last discard
	failed      error           // of spill; nothing more goes there
	duplicates  int
	requests    atomic.Int64
	attempts    int
	extractedAt time.Time
}

// filterParams are the names of a range's parameters.
type filterParams struct{ since, until string }

type seenKey struct {
	state  string
	digest uint64
}

// read runs attempts until one is proven complete.
func (rd *reading) read(ctx context.Context) (Result, error) {
	for {
		if err := rd.restart(); err != nil {
			return Result{}, err
		}
		ev, detail, err := rd.attempt(ctx)
		if err != nil {
			return Result{}, err
		}
		if late := rd.dec.Late(); detail == "" && late > 0 {
			detail = fmt.Sprintf("%d records changed while the window was read, after their rows had left in a chunk", late)
		}
		if detail == "" {
			return rd.result(ev)
		}
		rd.r.client.opts.Log.Info("window did not fit, reading it again",
			"stream", rd.r.stream(), "window", rd.window.String(), "attempt", rd.attempts, "detail", detail)
		if rd.attempts >= maxAttempts {
			return Result{}, rd.incomplete(detail)
		}
		if err := sleep(ctx, attemptPauses[rd.attempts-1]); err != nil {
			return Result{}, err
		}
	}
}

// evidence is why a window is complete.
type evidence struct {
	proof Proof
	total int64 // -1 = not reported
}

// attempt reads the window once. It returns what it proves, or the detail that
// did not fit, or an error that another attempt would not change.
func (rd *reading) attempt(ctx context.Context) (evidence, string, error) {
	switch {
	case len(rd.r.ep.States) > 0:
		return rd.byStates(ctx)
	case rd.r.ep.Paging == ForwardCursor && rd.r.learned.paging() != speaksPages:
		return rd.byCursor(ctx)
	}
	return rd.byPage(ctx)
}

// restart starts an attempt.
func (rd *reading) restart() error {
	rd.attempts++
	return rd.forget()
}

// forget drops what was read so far.
func (rd *reading) forget() error {
	if err := rd.discard(); err != nil {
		return err
	}
	rd.seen = make(map[seenKey]int)
	rd.spilled, rd.duplicates = 0, 0
	rd.extractedAt = rd.r.opts.Now().UTC()
	rd.dec.Reset(rd.keep.Since, rd.keep.Until, rd.extractedAt)
	return nil
}

func (rd *reading) discard() error {
	if rd.chunks == 0 {
		return nil
	}
	rd.chunks = 0
	if err := rd.spill.Discard(); err != nil {
		return fmt.Errorf("discard chunks: %w", err)
	}
	return nil
}

func (rd *reading) incomplete(detail string) error {
	return &IncompleteError{Stream: rd.r.stream(), Window: rd.window, Attempts: rd.attempts, Detail: detail}
}

// lock takes the turn to use the decoder.
func (rd *reading) lock(ctx context.Context) error {
	select {
	case rd.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (rd *reading) unlock() { <-rd.turn }

// overflow gives the rows decoded so far to spill when they are too many to be
// held. The caller holds the turn.
func (rd *reading) overflow() error {
	if rd.failed != nil || rd.spill == nil || rd.dec.Bytes() <= rd.r.opts.ChunkBytes {
		return rd.failed
	}
	rd.r.learned.sawRows(rd.dec.Rows(), rd.dec.Bytes())
	rows, err := rd.dec.Build()
	if err != nil || rows == nil {
		return err
	}
	defer rows.Release()
	rd.chunks++
	rd.spilled += int(rows.NumRows())
	if err := rd.spill.Chunk(rows); err != nil {
		rd.failed = fmt.Errorf("spill chunk: %w", err)
	}
	return rd.failed
}

func (rd *reading) result(ev evidence) (Result, error) {
	rd.r.learned.sawRows(rd.dec.Rows(), rd.dec.Bytes())
	rows, err := rd.dec.Build()
	if err != nil {
		return Result{}, fmt.Errorf("build rows: %w", err)
	}
	kept := rd.spilled
	if rows != nil {
		kept += int(rows.NumRows())
	}
	rejects := rd.dec.Rejects()
	distinct := rd.dec.Distinct()
	return Result{
		Window: rd.window, Rows: rows, Proof: ev.proof, Total: ev.total,
		Kept: kept, Rejected: len(rejects), Distinct: distinct, Outside: max(distinct-kept-len(rejects), 0), Duplicates: rd.duplicates,
		Requests: int(rd.requests.Load()), Attempts: rd.attempts, ExtractedAt: rd.extractedAt, Rejects: rejects, Extra: rd.dec.Extra(),
	}, nil
}

// asStatus gives the status of a final answer, or 0.
func asStatus(err error) int {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Status
	}
	return 0
}
