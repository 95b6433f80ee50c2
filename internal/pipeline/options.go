package pipeline

import (
	"context"
	"log/slog"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// Stream is one stream of a run with everything it needs, wired by the caller.
type Stream struct {
	Connection string
	Source     string
	Endpoint   extract.Endpoint
	Table      *schema.Table     // Endpoint.Table less what the user excludes
	Spec       partitioning.Spec // Column "" for a table without partitions
	Path       string            // path of the table below the destination
	Lake       *delta.Table
	Client     *extract.Client
	Parent     *Parent        // set for a stream that is read per parent
	Full       bool           // replace the whole table in one commit
	Start      time.Time      // first sync reads from here
	Lookback   time.Duration  // incremental sync reads again this far behind the watermark
	Refresh    []extract.Tier // how often what lies behind the lookback is read again
	FullEvery  time.Duration  // a full sync when the last one is older; 0 = never by itself
	Feed       *Feed          // the table of the connection's change feed; nil for none

	KeepDeleted    bool                 // rows that the source no longer lists stay, marked as deleted
	IncludeUpdated bool                 // records from before Start that change after it are fetched
	Only           []partitioning.Value // not nil: just these partitions are read again and replaced

	Named   bool   // chosen by name: that it is unavailable is a failure
	Account string // tells accounts apart, e.g. a short digest of the key: a full sync never goes on with the files of another one
}

// Feed says where the table of a change feed is.
type Feed struct {
	Stream string // name of the stream that fills it
	Lake   *delta.Table
	Spec   partitioning.Spec
}

// Reads gives the committed windows of a table that the history knows.
type Reads func(connection, stream, table string) []report.WindowRead

// Parent says where a per-parent stream gets its parents' keys from when the
// parent itself is not part of the run.
type Parent struct {
	Endpoint extract.Endpoint
	Table    *schema.Table
}

// Name is the stream's name, which is the name of its contract table.
func (s Stream) Name() string { return s.Endpoint.Table.Name }

// app is the application id under which the stream's watermark stands in the
// table's log.
func (s Stream) app() string { return "paylake/" + s.Connection + "/" + s.Name() }

// Options are the settings of a run. Every field but Store and WorkDir may be
// left zero.
type Options struct {
	Store           store.Store                              // the destination, for the quarantine
	WorkDir         string                                   // existing folder for work in progress
	RunID           string                                   // a new UUID if empty
	Tool            string                                   // e.g. "paylake/0.1.0"
	Command         string                                   // for the report
	Now             func() time.Time                         // time.Now if nil
	Settle          time.Duration                            // the newest window ends this long before now; 5 minutes if 0
	Budget          int64                                    // bytes of decoded rows in flight over all streams; 40 MiB if 0
	Chunk           int64                                    // bytes of decoded rows of one window held at once, and of a row group; 16 MiB if 0
	Workers         int                                      // windows read at once per stream; 4 if 0
	CommitEvery     time.Duration                            // a stream commits at most this often; 10 minutes if 0
	CommitBytes     int64                                    // or when this much output is ready; 1 GiB if 0
	Backfill        *window.Window                           // read this range again, in whole partitions, instead of a sync; nil for a sync
	RefreshFor      time.Duration                            // how long a stream may refresh older partitions in a run; with RefreshRequests 0, too: not at all
	RefreshRequests int64                                    // how many requests it may use for that; 0 = no bound but RefreshFor
	Reads           func(ctx context.Context) (Reads, error) // the history of windows; nil: nothing is known
	AcceptShrink    bool                                     // let a commit remove more rows than the guard allows
	Progress        func(Progress)                           // called from many goroutines; may be nil
	Maintenance     delta.Maintenance                        // what to do for each table at the end; its WorkDir is not needed
	Stop            <-chan struct{}                          // closed: stop at the next safe point; may be nil
	Log             *slog.Logger                             // discards if nil
}

// Progress is the state of one stream, sent when it changes.
type Progress struct {
	Connection, Stream string
	Done               float64 // part of the time range that is written, 0 to 1
	Windows            int
	Requests, Records  int64
	Ended              bool
	Status             string // set when Ended
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Settle == 0 {
		o.Settle = 5 * time.Minute
	}
	if o.Budget == 0 {
		o.Budget = 40 << 20
	}
	if o.Chunk == 0 {
		o.Chunk = 16 << 20
	}
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.CommitEvery == 0 {
		o.CommitEvery = 10 * time.Minute
	}
	if o.CommitBytes == 0 {
		o.CommitBytes = 1 << 30
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
