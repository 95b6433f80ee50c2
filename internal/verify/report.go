package verify

import (
	"maps"
	"slices"
	"time"

	"github.com/paylake/paylake/partitioning"
)

// Version is the version of the report's JSON form.
const Version = 1

// The states of a stream and of a report.
const (
	Equal      = "equal"      // no difference was found
	Repaired   = "repaired"   // differences were found, repaired, and are gone
	Different  = "different"  // differences were found, and some are left
	Skipped    = "skipped"    // stream only: there is nothing to compare, and nobody named it
	Unverified = "unverified" // it could not be verified
	Failed     = "failed"     // report only: nothing could be verified
)

// The kinds of a difference.
const (
	Missing    = "missing"    // the source has a record that the lake does not have
	Extra      = "extra"      // the lake has a record that the source no longer lists
	Doubled    = "doubled"    // the lake has a key more than once
	Changed    = "different"  // a record has other values than at the source
	Stale      = "stale"      // the same, and the source changed it after it was read
	Misplaced  = "misplaced"  // a row is in another partition than its time says
	Lost       = "lost"       // a file is not in the store
	Cut        = "cut"        // a file is not of the size that the log says
	Unreadable = "unreadable" // a file is there and cannot be read
	RowCount   = "rows"       // a file has another number of rows than the log says
	Statistics = "statistics" // the log's statistics of a file are not true
	Tags       = "tags"       // the log's sums of a file are not those of its rows
	Order      = "order"      // the rows of a file are not sorted by time and key
)

// Report is what a verification found.
type Report struct {
	Version int       `json:"version"`
	Tool    string    `json:"tool"`
	Status  string    `json:"status"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Streams []*Stream `json:"streams"`
}

// Stream is the part of a report about one table.
type Stream struct {
	Connection string   `json:"connection"`
	Source     string   `json:"source"`
	Stream     string   `json:"stream"`
	Table      string   `json:"table"`   // path below the destination
	Methods    []string `json:"methods"` // how it was verified
	Status     string   `json:"status"`
	Error      string   `json:"error,omitempty"`

	TableVersion int64      `json:"table_version"`   // the snapshot that the verification began with, -1 if there is no table
	Since        *time.Time `json:"since,omitempty"` // range of creation time that was compared with the source
	Until        *time.Time `json:"until,omitempty"`

	Partitions int    `json:"partitions"`  // partitions that were looked at
	Files      int    `json:"files"`       // data files that were read as a whole
	Windows    int    `json:"windows"`     // windows that were read from the source
	Counts     int    `json:"counts"`      // questions for a number of records
	Requests   int64  `json:"requests"`    // requests to the source, retries included
	LakeRows   int64  `json:"lake_rows"`   // records of the lake in what was compared
	SourceRows *int64 `json:"source_rows"` // records of the source in what was compared; null if it was not asked

	Left     []Skip   `json:"not_compared,omitempty"` // partitions that could not be compared with the source
	Notes    []string `json:"notes,omitempty"`
	Warnings []string `json:"warnings,omitempty"`

	Differences  map[string]int64 `json:"differences,omitempty"` // by kind: records, or files
	Findings     []Finding        `json:"findings,omitempty"`
	FindingsLeft int64            `json:"findings_left,omitempty"` // findings that are not listed

	Repair  *Repair `json:"repair,omitempty"`
	Seconds float64 `json:"seconds"`

	err     error
	damaged map[partitioning.Value]bool
	badLog  bool // see LogDamaged
	skipped bool // there is nothing to verify, which is no failure
	missing bool // the account does not have it
}

// Skip is a stretch of partitions that were not compared with the source.
type Skip struct {
	Partitions int    `json:"partitions"`
	First      string `json:"first"`
	Last       string `json:"last"`
	Reason     string `json:"reason"`
}

// Finding is a difference, or several of one kind in one place.
type Finding struct {
	Kind       string     `json:"kind"`
	Partitions []string   `json:"partitions,omitempty"` // partition values; a table without partitions has ""
	Since      *time.Time `json:"since,omitempty"`      // window of creation time
	Until      *time.Time `json:"until,omitempty"`
	File       string     `json:"file,omitempty"` // path below the table
	Count      int64      `json:"count"`          // records, or files
	Keys       []string   `json:"keys,omitempty"` // the first ones
	KeysLeft   int64      `json:"keys_left,omitempty"`
	Fields     []string   `json:"fields,omitempty"` // columns that differ
	Detail     string     `json:"detail,omitempty"`
}

// Repair is what became of the differences.
type Repair struct {
	Partitions   []string         `json:"partitions"`              // to be read again and replaced
	Error        string           `json:"error,omitempty"`         // why they could not be
	RunID        string           `json:"run_id,omitempty"`        // of the run that did it
	RowsAdded    int64            `json:"rows_added"`              //
	RowsRemoved  int64            `json:"rows_removed"`            //
	Requests     int64            `json:"requests"`                //
	Warnings     []string         `json:"warnings,omitempty"`      // such as what cannot be read again
	Differences  map[string]int64 `json:"differences,omitempty"`   // that are left
	Findings     []Finding        `json:"findings,omitempty"`      // that are left
	FindingsLeft int64            `json:"findings_left,omitempty"` //
}

// Damaged names the partitions that have differences, ascending.
func (s *Stream) Damaged() []partitioning.Value { return slices.Sorted(maps.Keys(s.damaged)) }

// LogDamaged reports whether the table's log holds a checkpoint that nobody can
// read: any run that looks after the table writes it anew.
func (s *Stream) LogDamaged() bool { return s.badLog }

// note adds a note, each text once.
func (s *Stream) note(text string) {
	if !slices.Contains(s.Notes, text) {
		s.Notes = append(s.Notes, text)
	}
}

func (s *Stream) warn(text string) {
	if !slices.Contains(s.Warnings, text) {
		s.Warnings = append(s.Warnings, text)
	}
}

// settle sets the state of a stream from what was found.
func (s *Stream) settle() {
	switch {
	case len(s.Differences) > 0:
		s.Status = Different
	case s.Error != "":
		s.Status = Unverified
	case s.skipped:
		s.Status = Skipped
	default:
		s.Status = Equal
	}
}

// Repaired takes over what a second verification of the stream found after its
// partitions were read again. after is nil where there was none.
func (s *Stream) Repaired(r *Repair, after *Stream) {
	s.Repair = r
	switch {
	case after == nil:
		return
	case after.Error != "":
		s.Error = after.Error
	}
	r.Differences, r.Findings, r.FindingsLeft = after.Differences, after.Findings, after.FindingsLeft
	if len(after.Differences) == 0 && after.Error == "" && r.Error == "" {
		s.Status = Repaired
	}
}

// Settle sets the state of the report from its streams.
func (r *Report) Settle() {
	count := map[string]int{}
	gone := 0
	for _, s := range r.Streams {
		count[s.Status]++
		if s.Status == Unverified && s.missing {
			gone++
		}
	}
	unverified := count[Unverified]
	switch {
	case count[Different] > 0:
		r.Status = Different
	case unverified > 0 && unverified == len(r.Streams) && gone < unverified:
		r.Status = Failed
	case unverified > 0, len(r.Streams) > 0 && count[Skipped] == len(r.Streams):
		r.Status = Unverified
	case count[Repaired] > 0:
		r.Status = Repaired
	default:
		r.Status = Equal
	}
}
