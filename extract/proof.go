package extract

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/schema"
)

// Proof is the kind of evidence that a window was read completely.
type Proof string

// The kinds of proof.
const (
	// ProofTotal: the distinct records seen are as many as the source reports,
	// at a last look after everything was read.
	ProofTotal Proof = "total"
	// ProofCursorEnd: the source gave no further cursor.
	ProofCursorEnd Proof = "cursor end"
	// ProofSinglePage: one page held everything, so that no row can have moved
	// between pages.
	ProofSinglePage Proof = "single page"
	// ProofRepeated: the source reports no total and the window cannot be cut so
	// that one page holds it; it was read two times, and the second time brought
	// nothing new. This is the weakest kind.
	ProofRepeated Proof = "repeated read"
	// ProofObject: each parent's record is one answer.
	ProofObject Proof = "single object"
)

// Result is what a complete read gives.
type Result struct {
	Window window.Window
	Rows   arrow.RecordBatch // sorted by time and key; nil if there are none; the caller releases. The last chunk, when chunks went to Spill
	Proof  Proof
	Total  int64 // as the source reports it, with the margins around the window; -1 if it does not

	Kept       int // rows in Rows and in all chunks
	Outside    int // records outside the window
	Rejected   int
	Distinct   int      // Kept + Outside + Rejected
	Duplicates int      // records seen again
	Missing    []string // parents that answer 404

	Requests    int // sent, retries included
	Attempts    int // reads of the whole window
	ExtractedAt time.Time
	Rejects     []schema.Reject
	Extra       map[string]int64
}
