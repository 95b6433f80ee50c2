package books

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/paylake/paylake/sink/delta"
)

// book is the work of one Check.
type book struct {
	o            Options
	since, until int64 // of Options, microseconds; the smallest and largest number for no bound

	charges, payables, operations coverage
	sales                         *spill              // charges and payables by charge
	moves                         *spill              // payables and operations by what they have in common
	withOperations                map[uint64]struct{} // hashes of the recipients that have operations

	paid, refunds, chargebacks, signs, fees, objects, amounts, settled *tally
}

// coverage is what is known of a table.
type coverage struct {
	snapshot    *delta.Snapshot // nil for none
	rows        int64           // read, less the deleted ones
	first, last int64           // creation times that were read, [first, last)
}

func newBook(o Options) *book {
	b := &book{o: o, since: math.MinInt64, until: math.MaxInt64, withOperations: map[uint64]struct{}{}}
	if !o.Since.IsZero() {
		b.since = o.Since.UnixMicro()
	}
	if !o.Until.IsZero() {
		b.until = o.Until.UnixMicro()
	}
	identity := func(name, statement string) *tally { return newTally(name, statement, o.MaxKeys) }
	b.paid = identity("charges_paid", "what was paid of a charge = the amounts of its payables of type credit, over instalments and recipients")
	b.refunds = identity("refunds", "what was canceled of a paid charge = the amounts of its payables of type refund, less refund_reversal, with the other sign")
	b.chargebacks = identity("chargebacks", "what a charge with a chargeback still held = the amounts of its payables of type chargeback, with the other sign")
	b.signs = identity("payable_signs", "credit, refund_reversal and chargeback_refund are not negative; refund and chargeback are not positive")
	b.fees = identity("payable_fees", "no fee of a payable of type credit is negative, and only a payable that was anticipated has an anticipation fee")
	b.objects = identity("operation_objects", "amount and fee of a balance operation of a payable = those of its movement object")
	b.amounts = identity("settled_amounts", "amounts of the balance operations of payables = amounts of the payables, by recipient and payment day")
	b.settled = identity("settled_fees", "fees of the balance operations of payables = fees of the payables, anticipation and fraud coverage included, by recipient and payment day")
	return b
}

func (b *book) tallies() []*tally {
	return []*tally{b.paid, b.refunds, b.chargebacks, b.signs, b.fees, b.objects, b.amounts, b.settled}
}

func (b *book) result() Result {
	out := Result{Since: b.o.Since, Until: b.o.Until}
	for _, t := range b.tallies() {
		out.Identities = append(out.Identities, t.Identity)
		out.Broken += t.Broken
		if t.NotChecked != "" {
			out.NotChecked++
		}
	}
	return out
}

func (b *book) inside(created int64) bool { return created >= b.since && created < b.until }

// notChecked gives identities the reason why they could not be checked.
func notChecked(reason string, list ...*tally) {
	for _, t := range list {
		if t.NotChecked == "" {
			t.NotChecked = reason
		}
	}
}

// load finds the tables that exist and makes the spills.
func (b *book) load(ctx context.Context) error {
	rows := int64(0)
	for stream, c := range map[string]*coverage{Charges: &b.charges, Payables: &b.payables, Operations: &b.operations} {
		lake, ok := b.o.Lakes[stream]
		if !ok || lake.Table == nil {
			continue
		}
		s, err := lake.Table.Load(ctx)
		if err != nil {
			return fmt.Errorf("books: %s: %w", stream, err)
		}
		if s.Exists() {
			c.snapshot = s
			rows += max(s.Rows(), 0)
		}
	}
	var err error
	if b.sales, err = newSpill(b.o.WorkDir, rows); err != nil {
		return fmt.Errorf("books: %w", err)
	}
	if b.moves, err = newSpill(b.o.WorkDir, rows); err != nil {
		return fmt.Errorf("books: %w", err)
	}
	return nil
}

func (b *book) close() error {
	var errs []error
	for _, s := range []*spill{b.sales, b.moves} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}

// judge says which identities cannot be checked, once the tables were read.
func (b *book) judge() {
	all := b.tallies()
	all[5] = b.amounts // operation_objects needs no payables
	switch {
	case b.payables.snapshot == nil:
		notChecked("there is no table of payables", all...)
	case b.payables.snapshot.NumFiles() == 0:
		notChecked("the table of payables is empty, as for accounts of type gateway", all...)
	case b.payables.rows == 0:
		notChecked("no payable was read for the period", all...)
	}
	switch sales := []*tally{b.paid, b.refunds, b.chargebacks}; {
	case b.charges.snapshot == nil:
		notChecked("there is no table of charges", sales...)
	case b.charges.rows == 0:
		notChecked("no charge was read for the period", sales...)
	}
	switch moves := []*tally{b.objects, b.amounts, b.settled}; {
	case b.operations.snapshot == nil:
		notChecked("there is no table of balance_operations", moves...)
	case b.operations.rows == 0:
		notChecked("no balance operation of a payable was read for the period; the list ended on 2026-08-28", moves...)
	}
}

// span gives the range of creation times that a lake was read for, which the
// rows widen or, where nobody told, are.
func (c *coverage) span(l Lake) {
	if !l.Since.IsZero() {
		c.first = min(c.first, l.Since.UnixMicro())
	}
	if !l.Until.IsZero() {
		c.last = l.Until.UnixMicro()
	}
}

// met widens the range by a row, and counts it unless it is deleted.
func (c *coverage) met(created int64, deleted bool) {
	c.first, c.last = min(c.first, created), max(c.last, created+1)
	if !deleted {
		c.rows++
	}
}

// daysOf gives the range of partition dates that may hold rows of a range of
// time, with a day of room for every time zone.
func daysOf(since, until int64) (from, to time.Time) {
	if since != math.MinInt64 {
		from = time.UnixMicro(since).UTC().AddDate(0, 0, -2)
	}
	to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if until != math.MaxInt64 {
		to = time.UnixMicro(until).UTC().AddDate(0, 0, 2)
	}
	return from, to
}
