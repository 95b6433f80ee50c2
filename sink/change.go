package sink

import (
	"fmt"
	"time"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/writer"
)

// Mode says how the rows of a change meet the rows of the table.
type Mode uint8

// The modes of a change.
const (
	Replace   Mode = iota + 1 // the listed partitions get exactly the change's rows
	Overwrite                 // the table gets exactly the change's rows, less what is behind the horizon
	Append                    // the change's rows come beside those of the table
	Merge                     // the change's rows replace those of the same key, wherever they are
)

// String returns the mode's name in lower case.
func (m Mode) String() string {
	switch m {
	case Replace:
		return "replace"
	case Overwrite:
		return "overwrite"
	case Append:
		return "append"
	case Merge:
		return "merge"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// Mark is a number that a table remembers for an application, written in the
// same commit as the data: a watermark, or the number of a batch.
type Mark struct {
	App     string // who the mark belongs to; few of them, they are never removed
	Version int64  // any number; what it means is the application's own business
}

// Change is one commit that is wanted. The data files are local and finished;
// the sink uploads those it needs and never deletes a local file.
type Change struct {
	Mode Mode

	// Base is the version of the snapshot that was loaded before the first
	// request of the oldest window in the change; -1 where there was no table.
	// Commits after it by Paylake that touch a partition of the change make
	// the outcome Conflict. Append ignores it.
	Base int64

	// Partitions are what Replace replaces: they get exactly the rows of Files,
	// and a partition without a file becomes empty. Files of other partitions
	// are an error.
	Partitions []partitioning.Value

	// Keep is the horizon of Overwrite: partitions before it stay as they are.
	// "" keeps none.
	Keep partitioning.Value

	Files []writer.File

	// Rewrite are partitions that get their files anew though their rows did not
	// change: files of theirs are gone.
	Rewrite []partitioning.Value

	// Unchanged is the number of rows of partitions that were read too and left
	// out because the table holds them already. They count where the share of
	// rows that a change removes is judged.
	Unchanged int64

	// Mark is written with the data; nil for none. An Append whose mark is not
	// greater than the table's was committed before: AlreadyDone.
	Mark *Mark

	// Beside are further marks that are written with Mark: how far a run that
	// has not ended came.
	Beside []Mark

	// MoveMark commits the mark even when no row changed: it stands in the
	// table by mistake.
	MoveMark bool

	// Reread are partitions that the base's Unread names, and that were read
	// again since without finding other rows than the table's. Those that the
	// change replaces need not be listed. The commit that leaves none unread
	// notes it, also when no row changed.
	Reread []partitioning.Value

	// NotBefore leaves out of a Merge the partitions that hold a row extracted
	// before it: its keys may be other ones today. Those that would change are
	// named in Receipt.Unmerged, with all partitions that rows would move from or
	// to. In a Replace or Overwrite, what is gone from such a
	// partition is counted by rows and not by keys. Zero means no such rule.
	NotBefore time.Time

	// KnownOnly leaves out of a Merge the partitions for which the change has a
	// key that the table does not hold. They are named in Receipt.Unmerged.
	KnownOnly bool

	// WorkDir is an existing local folder for the files that a Merge rewrites, and
	// for those of deleted records; "" is the system's temporary folder.
	WorkDir string

	// KeepDeleted keeps the rows of replaced partitions whose keys the change does
	// not have: they are marked with the time of the commit in _deleted_at, which
	// the table must have, and lie in files of their own. Rows that were marked
	// before stay also without it, until their key is back. In a partition that
	// NotBefore names none can be told from a renamed one: none is kept.
	KeepDeleted bool

	AcceptShrink bool   // do not refuse a change that removes many rows
	RunID        string // identifies the run in the table's history
	Operation    string // what the user asked for, e.g. "sync"; for the table's history
}

// Outcome is how a commit ended when it did not fail.
type Outcome uint8

// The outcomes of a commit.
const (
	Committed   Outcome = iota + 1 // a new version holds the change
	Unchanged                      // the table holds the same rows already: nothing was written
	AlreadyDone                    // an earlier commit with this mark holds the change
	Conflict                       // another run committed to some of the partitions: read them again
)

// String returns the outcome's name in lower case.
func (o Outcome) String() string {
	switch o {
	case Committed:
		return "committed"
	case Unchanged:
		return "unchanged"
	case AlreadyDone:
		return "already done"
	case Conflict:
		return "conflict"
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// Receipt tells how a commit ended and what it did to the table.
type Receipt struct {
	Outcome Outcome

	// Version is the new version, or the table's newest one when nothing was
	// written. After Conflict it is the one to load and to use as Base.
	Version int64

	FilesAdded, FilesRemoved int
	BytesAdded, BytesRemoved int64
	RowsAdded, RowsRemoved   int64 // rows of those files, whether or not they are the same records

	Deleted  int64                // records that are gone from the table, or are marked as deleted now
	Unmerged []partitioning.Value // partitions that a Merge left as they are

	Skipped int // partitions that held the same rows already
	Stale   []partitioning.Value

	// Warnings are troubles that did not touch the data, such as a checkpoint
	// that could not be written.
	Warnings []string
}
