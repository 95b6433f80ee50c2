package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/writer"
)

// recordFormat is the version of the JSON form of a segment. A record of another
// version is not used.
const recordFormat = 1

// A vacuum leaves files that no commit names alone for a week. A record is used
// only while its files are a day younger than that.
const (
	recordAge = 6 * 24 * time.Hour
	orphanAge = 7 * 24 * time.Hour
)

// segment is one object of the record of a full sync: what it finished since
// the segment before. A record only grows; its segments are 0, 1, 2 ...
type segment struct {
	Format   int       `json:"format"`
	Identity string    `json:"identity"` // only a run of the same identity may go on
	TableID  string    `json:"table_id"` // "" if there was no table
	Base     int64     `json:"base_version"`
	RunID    string    `json:"run_id"`
	Started  time.Time `json:"started"`
	Since    time.Time `json:"since"`
	Position time.Time `json:"position"` // everything from Since to here is finished, less Again: whole partitions

	Files      []storedFile         `json:"files,omitempty"`
	Unchanged  []samePartition      `json:"unchanged,omitempty"`
	Again      []partitioning.Value `json:"again,omitempty"` // before Position and not finished: of the whole record
	Reads      []report.WindowRead  `json:"reads,omitempty"`
	Quarantine []string             `json:"quarantine,omitempty"`
}

// follows reports whether a segment goes on from the one before: that it is of
// the same run and about the same range.
func (s segment) follows(before segment) bool {
	return s.RunID == before.RunID && s.Identity == before.Identity && s.TableID == before.TableID && s.Base == before.Base &&
		s.Since.Equal(before.Since) && !s.Position.Before(before.Position)
}

// storedFile is a finished data file in the table's folder with everything that
// its commit needs.
type storedFile struct {
	Path        string             `json:"path"` // below the table's root
	Name        string             `json:"name"`
	Partition   partitioning.Value `json:"partition"`
	Rows        int64              `json:"rows"`
	Bytes       int64              `json:"bytes"`
	Stats       string             `json:"stats"`
	Fingerprint uint64             `json:"fingerprint,string"`
	Keys        uint64             `json:"keys,string"`
	States      map[string]int64   `json:"states,omitempty"`
	MinTime     time.Time          `json:"min_time,omitzero"`
	MaxTime     time.Time          `json:"max_time,omitzero"`
}

func newStoredFile(f writer.File) storedFile {
	return storedFile{Path: f.Stored, Name: f.Name, Partition: f.Partition, Rows: f.Rows, Bytes: f.Bytes, Stats: f.Stats,
		Fingerprint: f.Fingerprint, Keys: f.Keys, States: f.States, MinTime: f.MinTime, MaxTime: f.MaxTime}
}

func (f storedFile) file() writer.File {
	return writer.File{Stored: f.Path, Name: f.Name, Partition: f.Partition, Rows: f.Rows, Bytes: f.Bytes, Stats: f.Stats,
		Fingerprint: f.Fingerprint, Keys: f.Keys, States: f.States, MinTime: f.MinTime, MaxTime: f.MaxTime}
}

// samePartition is a partition whose rows were found in the table as they are.
type samePartition struct {
	Partition   partitioning.Value `json:"partition"`
	Rows        int64              `json:"rows"`
	Fingerprint uint64             `json:"fingerprint,string"`
}

// found is a record in the store.
type found struct {
	prefix   string // of its objects' keys
	keys     []string
	begun    time.Time // when its oldest object was written
	modified time.Time // and its newest
	segments []segment // as far as they are whole: none missing in between
}

// refused reports whether the commit of the record would have removed too many
// rows.
func (f *found) refused() bool { return slices.Contains(f.keys, refusalKey(f.prefix)) }

// recordPrefix is where the records of a stream's full syncs lie.
func recordPrefix(s Stream) string {
	return "_paylake/full/" + s.Connection + "/" + s.Name() + "/"
}

func segmentKey(prefix string, n int) string { return prefix + fmt.Sprintf("%06d.json", n) }

// refusalKey is the object that tells that a record was refused. It is the only
// one that another run than the record's own may write: segments are never
// written by others, since that run may be alive.
func refusalKey(prefix string) string { return prefix + "refused.json" }

// findRecords lists the records of a stream, newest first, without their
// segments.
func findRecords(ctx context.Context, st store.Store, root string) ([]*found, error) {
	byID := map[string]*found{}
	for o, err := range st.List(ctx, root, "") {
		if err != nil {
			return nil, fmt.Errorf("look for records of full syncs: %w", err)
		}
		id, _, ok := strings.Cut(o.Key[len(root):], "/")
		if !ok {
			continue
		}
		f := byID[id]
		if f == nil {
			f = &found{prefix: root + id + "/"}
			byID[id] = f
		}
		f.keys = append(f.keys, o.Key)
		if f.begun.IsZero() || o.Modified.Before(f.begun) {
			f.begun = o.Modified
		}
		if o.Modified.After(f.modified) {
			f.modified = o.Modified
		}
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b *found) int {
		return cmp.Or(b.modified.Compare(a.modified), cmp.Compare(a.prefix, b.prefix))
	}), nil
}

// load reads the segments in their order, up to the first that is missing, cannot
// be read or is of another run.
func (f *found) load(ctx context.Context, st store.Store) error {
	for n, key := range f.keys {
		if key != segmentKey(f.prefix, n) {
			return nil
		}
		raw, err := store.ReadAll(ctx, st, key)
		if err != nil {
			return fmt.Errorf("read the record of a full sync: %w", err)
		}
		var s segment
		if json.Unmarshal(raw, &s) != nil || s.Format != recordFormat || n > 0 && !s.follows(f.segments[n-1]) {
			return nil
		}
		f.segments = append(f.segments, s)
	}
	return nil
}

// record is what a full sync writes down while it runs.
type record struct {
	head     segment // what all segments share
	prefix   string
	n        int             // segments written
	files    map[string]bool // paths that are in segments
	same     map[partitioning.Value]bool
	reads    int                  // of the report's reads that are in segments
	position time.Time            // of the newest segment, or where reading began
	oldest   time.Time            // when the first of the stored files was stored, at the latest
	taken    []*found             // records that this run could go on from; it went on from the first
	again    []partitioning.Value // before position and to be read again: their files are gone or they differ
}

func newRecord(root string, head segment) (*record, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("name the record of a full sync: %w", err)
	}
	head.Format = recordFormat
	return &record{head: head, prefix: root + id.String() + "/", files: map[string]bool{}, same: map[partitioning.Value]bool{}, position: head.Since}, nil
}

// put writes the next segment.
func (r *record) put(ctx context.Context, st store.Store, s segment) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode the record of a full sync: %w", err)
	}
	if err := st.Put(ctx, segmentKey(r.prefix, r.n), bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("record a full sync: %w", err)
	}
	r.n++
	return nil
}

// refusal is the object under refusalKey.
type refusal struct {
	RunID string `json:"run_id"` // that would have removed too many rows
}

// refuse notes that the commit would have removed too many rows: only a run that
// accepts that goes on from here, or from what this run could go on from.
func (r *record) refuse(ctx context.Context, st store.Store) error {
	raw, err := json.Marshal(refusal{RunID: r.head.RunID})
	if err != nil {
		return fmt.Errorf("encode the record of a full sync: %w", err)
	}
	var prefixes []string
	if r.n > 0 {
		prefixes = append(prefixes, r.prefix)
	}
	for _, f := range r.taken {
		prefixes = append(prefixes, f.prefix)
	}
	for _, prefix := range prefixes {
		if err := st.Put(ctx, refusalKey(prefix), bytes.NewReader(raw)); err != nil {
			return fmt.Errorf("record a full sync: %w", err)
		}
	}
	return nil
}

// remove deletes the record and those that this run could go on from: a commit
// holds what they tell, or tells it anew.
func (r *record) remove(ctx context.Context, st store.Store) error {
	var keys []string
	for n := range r.n {
		keys = append(keys, segmentKey(r.prefix, n))
	}
	if r.n > 0 {
		keys = append(keys, refusalKey(r.prefix))
	}
	for _, f := range r.taken {
		keys = append(append(keys, f.keys...), refusalKey(f.prefix))
	}
	if len(keys) == 0 {
		return nil
	}
	if err := st.Delete(ctx, keys...); err != nil {
		return fmt.Errorf("remove the record of a full sync: %w", err)
	}
	return nil
}
