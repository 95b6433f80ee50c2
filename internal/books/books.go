package books

import (
	"context"
	"time"

	"github.com/paylake/paylake/sink/delta"
)

// The streams whose tables the books are made of.
const (
	Charges    = "charges"
	Payables   = "payables"
	Operations = "balance_operations"
)

// Streams gives the names of these streams.
func Streams() []string { return []string{Charges, Payables, Operations} }

// Lake is the table of a stream and what was read into it. Zero times are taken
// from its rows: the oldest and the newest creation time.
type Lake struct {
	Table        *delta.Table
	Since, Until time.Time
}

// Options say which books are checked, and for which period.
type Options struct {
	Lakes        map[string]Lake // by stream; a stream that is not there leaves its identities unchecked
	Since, Until time.Time       // creation of the charges and payables, [Since, Until); zero = no bound
	WorkDir      string          // existing folder for temporary files: about 140 bytes a row, payables twice
	MaxKeys      int             // breaks listed per identity, and keys per break; 0 = 20
}

// Result is what the books say.
type Result struct {
	Since      time.Time  `json:"since,omitzero"` // of the Options
	Until      time.Time  `json:"until,omitzero"`
	Identities []Identity `json:"identities"`
	Broken     int64      `json:"broken"`                 // breaks of all identities
	NotChecked int        `json:"identities_not_checked"` // how many could not be
}

// Identity is one statement about the lake and how far it holds.
type Identity struct {
	Name       string           `json:"name"`
	Statement  string           `json:"statement"`
	NotChecked string           `json:"not_checked,omitempty"` // why it could not be checked; "" if it was
	Checked    int64            `json:"checked"`               // charges, payables or operations compared
	Broken     int64            `json:"broken"`                // of them, or of recipients and days
	Exceptions map[string]int64 `json:"exceptions,omitempty"`  // by name: see internal/docs/books.md
	Left       int64            `json:"left_cents"`            // sums over what was compared
	Right      int64            `json:"right_cents"`
	Breaks     []Break          `json:"breaks,omitempty"` // the first Options.MaxKeys, by key
}

// Break is one place where an identity does not hold.
type Break struct {
	Charge    string   `json:"charge_id,omitempty"`
	Recipient string   `json:"recipient_id,omitempty"`
	Day       string   `json:"day,omitempty"`  // of payment, as a date of Brazil
	Keys      []string `json:"keys,omitempty"` // of the rows that break it: payables, operations
	Left      int64    `json:"left_cents"`
	Right     int64    `json:"right_cents"`
	Reason    string   `json:"reason"`
}

// Check reads the tables once and compares. It is not the state of one moment:
// what changed between the readings of two tables is told apart by when each
// row was read. An error means that the books could not be read.
func Check(ctx context.Context, o Options) (Result, error) {
	if o.MaxKeys <= 0 {
		o.MaxKeys = 20
	}
	b := newBook(o)
	err := b.read(ctx)
	if err == nil {
		err = b.compareCharges(ctx)
	}
	if err == nil {
		err = b.compareOperations(ctx)
	}
	if cerr := b.close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Result{}, err
	}
	return b.result(), nil
}
