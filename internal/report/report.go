// Package report holds the types of the run report: what a run did, stream by
// stream, in a form that people and programs read.
//
// The JSON form is a contract: fields keep their names and meaning within a
// Version, new ones may appear, readers ignore what they do not know. Times
// are UTC, money does not appear, and no field ever holds a secret.
// The package imports nothing of this module.
package report

import (
	"slices"
	"time"
)

// Version is the version of the report's JSON form.
const Version = 1

// The states of a run and of a stream.
const (
	Succeeded   = "succeeded"   // everything asked for is in the lake
	Incomplete  = "incomplete"  // finished, but records were rejected or a stream or window failed
	Failed      = "failed"      // a stream ended with an error; a run: none delivered anything, and not only because the account has none of them
	Interrupted = "interrupted" // stopped by a signal at a safe point
	Unavailable = "unavailable" // stream only: the account does not have it, and nobody named it; a warning
)

// Run is the report of one run.
type Run struct {
	Version int       `json:"version"`
	ID      string    `json:"run_id"`
	Tool    string    `json:"tool"` // e.g. "paylake/0.1.0"
	Command string    `json:"command"`
	Status  string    `json:"status"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Streams []*Stream `json:"streams"`

	StoreRequests map[string]int64 `json:"store_requests,omitempty"` // requests to the store by kind
}

// Stream is the part of a report about one stream of one connection.
type Stream struct {
	Connection string `json:"connection"`
	Source     string `json:"source"`
	Stream     string `json:"stream"`
	Table      string `json:"table"` // path below the destination
	Sync       string `json:"sync"`  // incremental, full, snapshot or backfill
	Status     string `json:"status"`
	Error      string `json:"error,omitempty"`

	Since *time.Time `json:"since,omitempty"` // range of creation time that was read
	Until *time.Time `json:"until,omitempty"`

	Paging   string         `json:"paging,omitempty"`         // the paging style that the server spoke
	PageSize int            `json:"page_size,omitempty"`      // the page size in effect
	Filter   string         `json:"filter,omitempty"`         // how exact the creation filter is: exact, days, none
	Proofs   map[string]int `json:"proofs,omitempty"`         // windows by kind of proof
	Failures []Window       `json:"failed_windows,omitempty"` //

	Windows    int   `json:"windows"`    // windows read and proven complete
	Requests   int64 `json:"requests"`   // requests sent, retries included
	Retries    int64 `json:"retries"`    // requests sent again
	Throttled  int64 `json:"throttled"`  // answers with status 429
	Records    int64 `json:"records"`    // records kept
	Outside    int64 `json:"outside"`    // records seen outside their window
	Duplicates int64 `json:"duplicates"` // records seen again within their window
	Rejects    int64 `json:"rejects"`    // records in the quarantine

	FilesAdded   int   `json:"files_added"`
	FilesRemoved int   `json:"files_removed"`
	BytesAdded   int64 `json:"bytes_added"`
	RowsAdded    int64 `json:"rows_added"`
	RowsRemoved  int64 `json:"rows_removed"`
	Unchanged    int   `json:"partitions_unchanged"`
	Commits      int   `json:"commits"`
	TableVersion int64 `json:"table_version"` // version of the table after the run, -1 if it does not exist

	Removed int64    `json:"records_removed"`   // records that the source no longer lists, removed or marked as deleted
	Updated int64    `json:"records_updated"`   // records found by their time of change
	Feed    *Feed    `json:"feed,omitempty"`    // what the change feed told
	Refresh *Refresh `json:"refresh,omitempty"` // older partitions that were read again
	Kept    *Kept    `json:"kept,omitempty"`    // what a full sync did not read and left as it is

	Watermark     *time.Time       `json:"watermark,omitempty"`      // everything created before has been read
	UnknownFields map[string]int64 `json:"unknown_fields,omitempty"` // names the schema does not know, kept in _extra
	Quarantine    []string         `json:"quarantine,omitempty"`     // objects that hold the rejected records
	Warnings      []string         `json:"warnings,omitempty"`
	Seconds       float64          `json:"seconds"`

	StoreRequests int64 `json:"store_requests"` // calls to the store for this table

	// Reads are the windows that were read, for the table _paylake/windows.
	Reads []WindowRead `json:"-"`

	missing bool // the account does not have the stream
}

// Feed is what the change feed told a stream.
type Feed struct {
	Events  int `json:"events"`  // entries of the feed about records of the stream
	Records int `json:"records"` // records that were read again by their key
	Missing int `json:"missing"` // keys that the source does not have

	Restored int `json:"restored"` // of the missing ones, those whose copy in the feed is newer than their row
	Ignored  int `json:"ignored"`  // entries about records of the stream that name none, or whose copy fits no row
	Left     int `json:"left"`     // records that are read by the next run: they are more than one run reads
}

// Kept is what a full sync leaves as it is: older than the source answers, or
// than the stream's start.
type Kept struct {
	Partitions int       `json:"partitions"`
	Rows       int64     `json:"rows"`
	Before     time.Time `json:"before"` // where the full sync began to read
}

// Refresh is what a run did about partitions behind the lookback.
type Refresh struct {
	Due       int        `json:"due"`     // partitions that were due
	Read      int        `json:"read"`    // partitions that were read again
	Changed   int        `json:"changed"` // of those, partitions whose rows had changed
	Left      int        `json:"left"`    // due and not read: next time
	Asked     int        `json:"asked"`   // cheap questions about partitions that were not due
	Requests  int64      `json:"requests"`
	OldestDue *time.Time `json:"oldest_due,omitempty"` // since when the oldest of those left is due
}

// Window is a window that could not be proven complete.
type Window struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Error string    `json:"error"`
}

// WindowRead is a window that was read and proven complete.
type WindowRead struct {
	Since, Until time.Time // UTC; both zero for a list that was read as a whole
	Proof        string    // how completeness was proven
	Total        int64     // what the source reported, -1 if it reports none
	Rows         int64     // records kept
	Rejects      int64
	ReadAt       time.Time // UTC, when the reading ended
	Version      int64     // of the table that holds the rows; -1 while it is not committed
	Refresh      bool      // read again behind the lookback: no watermark depends on it
}

// Warn adds a warning, each text once.
func (s *Stream) Warn(text string) {
	if !slices.Contains(s.Warnings, text) {
		s.Warnings = append(s.Warnings, text)
	}
}

// Count adds the number of windows that were proven in the given way.
func (s *Stream) Count(proof string) {
	if s.Proofs == nil {
		s.Proofs = map[string]int{}
	}
	s.Windows++
	s.Proofs[proof]++
}

// Unknown adds counts of unknown field names.
func (s *Stream) Unknown(names map[string]int64) {
	if len(names) > 0 && s.UnknownFields == nil {
		s.UnknownFields = map[string]int64{}
	}
	for name, n := range names {
		s.UnknownFields[name] += n
	}
}

// Missing records that the account does not have the stream: an error when the
// user chose it by name, else a warning.
func (s *Stream) Missing(text string, named bool) {
	s.missing = true
	if named {
		s.Error = text
		return
	}
	s.Warn(text)
}

// Settle sets the status of a stream from what happened to it.
func (s *Stream) Settle(interrupted bool) {
	switch {
	case s.Error != "":
		s.Status = Failed
	case s.missing:
		s.Status = Unavailable
	case interrupted:
		s.Status = Interrupted
	case len(s.Failures) > 0 || s.Rejects > 0:
		s.Status = Incomplete
	default:
		s.Status = Succeeded
	}
}

// Settle sets the status of the run from its streams. It failed when no stream
// delivered anything and at least one failed for another reason than that the
// account does not have it. It succeeded when some delivered and the others are
// unavailable. It is incomplete between the two, also when the account has none
// of the streams.
func (r *Run) Settle(interrupted bool) {
	delivered, trouble, failed := 0, 0, 0
	for _, s := range r.Streams {
		switch s.Status {
		case Succeeded:
			delivered++
		case Incomplete:
			delivered, trouble = delivered+1, trouble+1
		case Failed:
			trouble++
			if !s.missing {
				failed++
			}
		}
	}
	switch {
	case interrupted:
		r.Status = Interrupted
	case delivered == 0 && failed > 0:
		r.Status = Failed
	case trouble > 0, delivered == 0 && len(r.Streams) > 0:
		r.Status = Incomplete
	default:
		r.Status = Succeeded
	}
}
