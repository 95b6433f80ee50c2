package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
)

// errStopped is the cause of a cancelled read after Options.Stop was closed.
var errStopped = errors.New("stopped")

// run is what the streams of one run share.
type run struct {
	opts    Options
	work    *work
	budget  *budget
	started time.Time // by the run's clock, UTC, whole microseconds
	keys    map[string]*keys
	feeds   map[string]chan struct{} // closed when the change feed of a connection has ended
	past    past                     // what the history knows
	stopped atomic.Bool
}

// Run syncs the streams and reports what happened. Trouble with a stream is
// part of the report, not an error; an error means that the run could not
// start: a table that belongs to other settings, or no work folder. When ctx
// is cancelled everything stops at once; when Options.Stop is closed, reading
// stops and what is proven complete is committed first.
func Run(ctx context.Context, streams []Stream, opts Options) (*report.Run, error) {
	opts = opts.withDefaults()
	if opts.RunID == "" {
		opts.RunID = uuid.NewString()
	}
	tables, err := loadAll(ctx, streams)
	if err != nil {
		return nil, err
	}
	w, err := openWork(opts.WorkDir, opts.RunID)
	if err != nil {
		return nil, err
	}
	r := &run{opts: opts, work: w, budget: newBudget(opts.Budget), keys: parentKeys(streams), feeds: feedGates(streams)}
	r.started = opts.Now().UTC().Truncate(time.Microsecond)
	rep := &report.Run{Version: report.Version, ID: opts.RunID, Tool: opts.Tool, Command: opts.Command, Started: time.Now().UTC()}

	readCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	release := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	defer release()
	r.watchStop(readCtx, cancel)

	var group errgroup.Group
	for i, s := range streams {
		sr := &report.Stream{Connection: s.Connection, Source: s.Source, Stream: s.Name(), Table: s.Path}
		rep.Streams = append(rep.Streams, sr)
		group.Go(func() error {
			r.stream(ctx, readCtx, s, tables[i], sr)
			return nil
		})
	}
	group.Wait() // streams put their errors into the report
	cancel(nil)
	rep.Ended = time.Now().UTC()
	rep.Settle(r.stopped.Load() || ctx.Err() != nil)
	return rep, w.close()
}

// watchStop cancels reading when Options.Stop is closed. The goroutine ends
// with ctx.
func (r *run) watchStop(ctx context.Context, cancel context.CancelCauseFunc) {
	if r.opts.Stop == nil {
		return
	}
	go func() {
		select {
		case <-r.opts.Stop:
			r.stopped.Store(true)
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
}

// untilStopped returns a context that ends when Options.Stop is closed too, with
// errStopped as its cause. The caller releases it.
func (r *run) untilStopped(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	r.watchStop(ctx, cancel)
	return ctx, func() { cancel(nil) }
}

// loaded is a table as it stood before the first request, or why it could not
// be opened.
type loaded struct {
	snapshot *delta.Snapshot
	err      error
}

// loadAll loads every table before anything is asked of the API. A table that
// belongs to other settings stops the run before it did anything; a table that
// cannot be read is the trouble of its own stream.
func loadAll(ctx context.Context, streams []Stream) ([]loaded, error) {
	tables := make([]loaded, len(streams))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, s := range streams {
		group.Go(func() error {
			snapshot, err := s.Lake.Load(ctx)
			tables[i] = loaded{snapshot, err}
			var settings *sink.SettingsError
			if errors.As(err, &settings) {
				return fmt.Errorf("open: %w", err)
			}
			return nil
		})
	}
	return tables, group.Wait()
}

// stream runs one stream and settles its report.
func (r *run) stream(ctx, readCtx context.Context, s Stream, table loaded, rep *report.Stream) {
	begun := time.Now() // Options.Now may stand still
	own := r.keys[keysID(s.Connection, s.Name())]
	if gate := r.feeds[keysID(s.Connection, s.Name())]; gate != nil {
		defer close(gate)
	}
	if table.err != nil {
		interrupted := r.stopped.Load() && errors.Is(table.err, context.Canceled)
		if !interrupted {
			rep.Error = fmt.Sprintf("open: %v", table.err)
		}
		rep.Settle(interrupted)
		if own != nil {
			own.close(table.err)
		}
		return
	}
	j := newJob(r, s, table.snapshot, rep)
	err := r.workOn(ctx, readCtx, s, j)
	if own != nil {
		own.close(err)
	}
	r.judge(j, err)
	rep.StoreRequests = s.Lake.Calls()
	rep.Settle(r.stopped.Load() || ctx.Err() != nil)
	rep.Seconds = time.Since(begun).Seconds()
	j.progress(true)
}

// keys is the list of keys of a parent stream, filled while it is read and
// taken by the streams that are read per parent. Safe for concurrent use.
type keys struct {
	mu    sync.Mutex
	list  []string
	err   error
	whole bool // closed: nothing changes the list any more
	ready chan struct{}
}

func keysID(connection, stream string) string { return connection + "\x00" + stream }

// parentKeys prepares a list for every stream of the run that others are read
// per.
func parentKeys(streams []Stream) map[string]*keys {
	lists := map[string]*keys{}
	wanted := map[string]bool{}
	for _, s := range streams {
		if s.Parent != nil {
			wanted[keysID(s.Connection, s.Parent.Endpoint.Table.Name)] = true
		}
	}
	for _, s := range streams {
		if id := keysID(s.Connection, s.Name()); wanted[id] {
			lists[id] = &keys{ready: make(chan struct{})}
		}
	}
	return lists
}

func (k *keys) add(list []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.whole {
		k.list = append(k.list, list...)
	}
}

// forget empties the list: the parent is read again.
func (k *keys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.whole {
		k.list = nil
	}
}

// close ends the list; err says why it is not whole. What is read of the parent
// after that is not for the list.
func (k *keys) close(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.whole {
		return
	}
	k.err, k.whole = err, true
	close(k.ready)
}

// wait gives the whole list once the parent has been read.
func (k *keys) wait(ctx context.Context) ([]string, error) {
	if err := waitFor(ctx, k.ready); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list, k.err
}
