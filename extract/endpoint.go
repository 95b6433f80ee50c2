package extract

import (
	"time"

	"github.com/paylake/paylake/schema"
)

// Paging is the way a list is read page by page. Links in answers are never
// followed: their host, port and version are wrong in the official examples.
type Paging uint8

// The paging styles of the sources.
const (
	PageSize      Paging = iota + 1 // page=1.., size; total reported or not
	ForwardCursor                   // cursor from the body, null at the end; falls back to PageSize where the server speaks that
	SingleObject                    // one record, no list
)

// WriteMode is how a stream's rows reach its table.
type WriteMode uint8

// The write modes of streams.
const (
	ReplacePartitions WriteMode = iota + 1 // a window's partitions get exactly the rows read
	OverwriteTable                         // the whole list replaces the table when it changed
	AppendSnapshot                         // each run appends what it saw, side by side
)

// Limit is a row of the platform's rate-limit table.
type Limit struct {
	Row       string // name of the row, e.g. "/orders"; endpoints that share a row share its limiter
	PerMinute int    // requests a minute; 0 = not published, 100 are used
}

// Endpoint declares one stream: where its records come from, how they are
// listed and which table they fill. It is data; the logic is in Reader.
type Endpoint struct {
	Table *schema.Table
	Path  string // below the base URL, e.g. "/orders"; "{id}" stands for the parent's key
	Limit Limit
	Write WriteMode

	Paging      Paging
	DataKey     string // member of the answer that holds the records; "data" if empty
	MaxSize     int    // largest page size the source documents; 0 = not published
	AskSize     int    // page size to ask for; clamping by the server is detected
	SinceParam  string // creation filter; empty = the list has none
	UntilParam  string //
	CursorParam string // for ForwardCursor
	CursorPath  string // dotted path of the next cursor in the answer, e.g. "paging.forward_cursor"
	TotalPath   string // dotted path of the number of records, e.g. "paging.total"; empty = never reported

	StateParam string   // a list that must be asked by status
	States     []string // in the order of a record's life; the last state read wins

	Parent       string // stream whose records this one is read per
	ParentColumn string // Injected field that gets the parent's key
	SnapshotTime string // Injected timestamp field that gets the time of the snapshot

	UpdatedSince string    // filter by the time of the last change; empty = the list has none
	UpdatedUntil string    //
	IDBreak      time.Time // rows extracted before may be known by another id: never matched by id alone; zero = ids never changed

	ItemPath    string   // one record by its key, e.g. "/orders/{id}"; empty = none
	ItemLimit   Limit    // its row; zero = Limit
	SummaryPath string   // answers {"total": n} for a state and a range; empty = none
	Feed        bool     // the stream is the change feed: its records tell which others changed
	Objects     []string // how the change feed calls this stream's records: "order" in "order.paid"

	Refresh []Tier   // what is older than Lookback, the youngest tier first
	Final   []string // values of Table.State that no record leaves; the stream says why

	HorizonMonths int           // the source answers no further back than this; 0 = no bound
	Lookback      time.Duration // incremental sync reads again this far behind the watermark
	Partition     string        // name stem of the partition column: "created" -> created_date or created_month, "snapshot" -> snapshot_date; empty = not partitioned
	Gone          *Gone         // set where the source has announced the end of the endpoint
}

// Tier is one step of a refresh policy: how often windows up to an age are read
// again because their records change after they were created.
type Tier struct {
	YoungerThan time.Duration // age of the window's end; 0 = any age
	Every       time.Duration // the window is read again this often; 0 = at every run
	Settled     time.Duration // instead of Every where every record is in a final state; 0 = as Every
}

// Gone says what an operator should know about an endpoint the source removed.
type Gone struct {
	Since       string // date, e.g. "2026-08-28"
	Replacement string // what to use instead
}

// Source is a platform: its name, default address and streams.
type Source struct {
	Name    string
	BaseURL string
	Streams []Endpoint
}
