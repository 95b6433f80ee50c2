package verify

import (
	"log/slog"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// Target is a stream and the table that it fills, wired by the caller.
type Target struct {
	Connection string
	Source     string
	Endpoint   extract.Endpoint
	Table      *schema.Table // Endpoint.Table less what the user excludes
	Spec       partitioning.Spec
	Path       string // path of the table below the destination
	Lake       *delta.Table
	Client     *extract.Client // not needed without Options.Source and Options.Deep
	Mark       string          // application id of the stream's watermark
	Start      time.Time       // what was created before is not compared with the source
	Named      bool            // chosen by name: that it is not there is a failure

	Only []partitioning.Value // not nil: just these partitions
}

// Name is the stream's name.
func (t Target) Name() string { return t.Endpoint.Table.Name }

// Options say what is verified. At least one of Source, Deep and Local.
type Options struct {
	Source bool // compare with the source by numbers of records
	Deep   bool // compare with the source row by row
	Local  bool // compare the lake with itself

	Since, Until time.Time // of creation time; zero = as far as the table goes

	Store    store.Store // the destination
	Tool     string      // e.g. "paylake/0.1.0"
	Now      func() time.Time
	Progress func(Progress) // called from many goroutines; may be nil
	Log      *slog.Logger

	IndexRows int // rows of the lake held in an index, 250,000 if 0
	PassKeys  int // keys held in one pass over a table, 2,000,000 if 0
	Chunk     int // decoded bytes of a window held at once; 8 MiB if 0
}

// Progress is how far the verification of a stream has come.
type Progress struct {
	Connection, Stream string
	Done               float64 // 0 to 1
	Windows            int
	Requests, Records  int64
	Ended              bool
	Status             string // set when Ended
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.IndexRows == 0 {
		o.IndexRows = 250_000
	}
	if o.PassKeys == 0 {
		o.PassKeys = 2_000_000
	}
	if o.Chunk == 0 {
		o.Chunk = 8 << 20
	}
	return o
}
