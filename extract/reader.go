package extract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/schema"
)

// maxAttempts is how often a window is read before it fails.
const maxAttempts = 3

// attemptPauses are the waits before the second and the third attempt.
var attemptPauses = [maxAttempts - 1]time.Duration{time.Second, 5 * time.Second}

// Spill takes the rows of a window that are more than ReaderOptions.ChunkBytes.
// Its methods are called by one goroutine at a time.
type Spill interface {
	// Chunk takes rows of the window, sorted within the chunk, each key in one
	// chunk only. The batch is valid during the call unless it is retained.
	Chunk(rows arrow.RecordBatch) error
	// Discard forgets all chunks: the window is read again, or failed.
	Discard() error
}

// ReaderOptions configure a Reader. Every field may be left zero.
type ReaderOptions struct {
	Grid        window.Grid      // partitions of the table; nil = windows are cut by time
	ChunkBytes  int              // decoded bytes of a window held at once; 16 MiB
	MaxPages    int              // a window should not have many more pages; 100
	Connection  string           // for the column _connection
	Table       *schema.Table    // the endpoint's table less what the user excludes; the endpoint's own
	Concurrency int              // pages in flight of one window; 8
	Now         func() time.Time // for the time of extraction; time.Now
}

// Reader reads one stream. What it finds out about the source is shared by all
// its reads. Safe for concurrent use.
type Reader struct {
	client  *Client
	ep      Endpoint
	opts    ReaderOptions
	row     *limiter
	learned learned

	mu   sync.Mutex
	free []*schema.Decoder
}

// NewReader makes a reader. It sends nothing.
func NewReader(c *Client, ep Endpoint, opts ReaderOptions) *Reader {
	if opts.ChunkBytes == 0 {
		opts.ChunkBytes = 16 << 20
	}
	if opts.MaxPages == 0 {
		opts.MaxPages = 100
	}
	if opts.Table == nil {
		opts.Table = ep.Table
	}
	if opts.Concurrency == 0 {
		opts.Concurrency = 8
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if ep.DataKey == "" {
		ep.DataKey = "data"
	}
	if ep.AskSize == 0 {
		ep.AskSize = safePageSize
	}
	r := &Reader{client: c, ep: ep, opts: opts, row: c.limiter(&ep)}
	r.learned.size, r.learned.asked = ep.AskSize, ep.AskSize
	return r
}

// Read reads a window completely, or fails. The zero window is the whole list,
// read without filter. Rows beyond ReaderOptions.ChunkBytes go to spill while
// the window is read; a nil spill means that all are held. When Read fails the
// chunks were discarded.
//
// Errors: *TooWideError (read its parts instead), *IncompleteError, *GoneError,
// *StatusError and *RequestError in the chain, errors of spill, or the
// context's cause.
func (r *Reader) Read(ctx context.Context, w window.Window, spill Spill) (Result, error) {
	if w.Empty() {
		return Result{}, fmt.Errorf("read %s %s: the window is empty", r.stream(), w)
	}
	rd, err := r.begin(w, spill)
	if err != nil {
		return Result{}, err
	}
	defer r.end(rd)
	result, err := rd.read(ctx)
	if err == nil {
		return result, nil
	}
	if discardErr := rd.discard(); discardErr != nil {
		return Result{}, errors.Join(err, discardErr)
	}
	return Result{}, r.explain(ctx, w, err)
}

// explain adds stream and window to an error that does not have them.
func (r *Reader) explain(ctx context.Context, w window.Window, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var wide *TooWideError
	var incomplete *IncompleteError
	if errors.As(err, &wide) || errors.As(err, &incomplete) {
		return err
	}
	var status *StatusError
	if errors.As(err, &status) && (status.Status == http.StatusNotFound || status.Status == http.StatusGone) && r.ep.Parent == "" {
		return &GoneError{Stream: r.stream(), Status: status.Status, Gone: r.ep.Gone}
	}
	return fmt.Errorf("read %s %s: %w", r.stream(), w, err)
}

func (r *Reader) stream() string { return r.ep.Table.Name }

// begin makes the state of one read. The caller ends it.
func (r *Reader) begin(w window.Window, spill Spill) (*reading, error) {
	dec, err := r.decoder()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.stream(), err)
	}
	if len(r.ep.States) > 0 {
		spill = nil // a row that changes its state must still be there to be replaced
	}
	rd := &reading{r: r, window: w, keep: w, spill: spill, dec: dec, turn: make(chan struct{}, 1)}
	rd.params = filterParams{r.ep.SinceParam, r.ep.UntilParam}
	rd.bound(r.margin())
	return rd, nil
}

// decoder takes a decoder from the free list or makes one.
func (r *Reader) decoder() (*schema.Decoder, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.free); n > 0 {
		dec := r.free[n-1]
		r.free = r.free[:n-1]
		return dec, nil
	}
	return schema.NewDecoder(r.opts.Table, &schema.DecoderOptions{Connection: r.opts.Connection})
}

func (r *Reader) end(rd *reading) {
	rd.dec.Reset(time.Time{}, time.Time{}, time.Time{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, rd.dec)
}
