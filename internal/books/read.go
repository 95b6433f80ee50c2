package books

import (
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// payLater is how long after a charge its first credit payable may be created: a
// boleto can be paid for 60 days after it was due, an authorisation is captured
// within weeks. A payable that is later than this behind the oldest charge of
// the lake, and has no charge there, misses it.
func payLater(method string) int64 {
	if method == "boleto" || method == "cash" || method == "bank_transfer" {
		return longest
	}
	return 31 * day
}

const longest = 180 * day

const (
	hour = int64(time.Hour / time.Microsecond)
	day  = 24 * hour
)

// read reads every table once: what concerns one row alone is checked on the
// way, the rest is spilled.
func (b *book) read(ctx context.Context) error {
	if err := b.load(ctx); err != nil {
		return err
	}
	early := b.since
	if early != math.MinInt64 {
		early -= longest // so that the charges of payables are known
	}
	if err := b.scan(ctx, Charges, &b.charges, chargeColumns(), early, b.until, b.charge); err != nil {
		return err
	}
	b.charges.span(b.o.Lakes[Charges])
	if err := b.scan(ctx, Operations, &b.operations, operationColumns(), b.since, b.until, b.operation); err != nil {
		return err
	}
	b.operations.span(b.o.Lakes[Operations])
	if err := b.scan(ctx, Payables, &b.payables, payableColumns(), b.since, math.MaxInt64, b.payable); err != nil {
		return err
	}
	b.payables.span(b.o.Lakes[Payables])
	b.judge()
	return nil
}

// scan gives the rows of the files that may hold rows created in the range.
func (b *book) scan(ctx context.Context, stream string, c *coverage, columns []string, since, until int64, each func(cells, int) error) error {
	if c.snapshot == nil {
		return nil
	}
	from, to := daysOf(since, until)
	byCreation := createdPartitions(c.snapshot)
	c.first, c.last = math.MaxInt64, math.MinInt64
	for f := range c.snapshot.Files() {
		if byCreation && !mayHold(f.Partition, from, to) {
			continue
		}
		err := b.o.Lakes[stream].Table.ReadFile(ctx, f, columns, func(batch arrow.RecordBatch) error {
			all := cellsOf(batch, columns)
			for i := range int(batch.NumRows()) {
				if err := each(all, i); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return fmt.Errorf("books: %s: %w", stream, err)
		}
	}
	if oldest, ok := c.snapshot.Oldest(); ok && byCreation && !from.IsZero() {
		if start, _, ok := daysIn(oldest); ok && start.Before(from) {
			c.first = min(c.first, from.UnixMicro()) // the table holds older rows than those that were read
		}
	}
	return nil
}

// createdPartitions tells whether a table is partitioned by the creation time.
func createdPartitions(s *delta.Snapshot) bool {
	names := s.PartitionColumns()
	return len(names) == 1 && strings.HasPrefix(names[0], "created_")
}

// mayHold tells whether a partition may hold rows of a range of dates.
func mayHold(v partitioning.Value, from, to time.Time) bool {
	first, last, ok := daysIn(v)
	return !ok || last.After(from) && !first.After(to)
}

// daysIn gives the dates of a partition, [first, last), without regard to its
// time zone.
func daysIn(v partitioning.Value) (first, last time.Time, ok bool) {
	if t, err := time.Parse(time.DateOnly, string(v)); err == nil {
		return t, t.AddDate(0, 0, 1), true
	}
	if t, err := time.Parse("2006-01", string(v)); err == nil {
		return t, t.AddDate(0, 1, 0), true
	}
	return time.Time{}, time.Time{}, false
}

func (b *book) charge(c cells, i int) error {
	row := chargeOf(c, i)
	if row.created >= b.until {
		return nil
	}
	b.charges.met(row.created, row.deleted)
	p := make(packed, 0, 160)
	p.flag(true)
	row.pack(&p)
	return b.sales.add(row.id, p)
}

func (b *book) payable(c cells, i int) error {
	m := payableOf(c, i)
	if m.created < b.since {
		return nil
	}
	b.payables.met(m.created, m.deleted)
	if b.inside(m.created) {
		b.checkPayable(&m)
		if err := b.settle(&m); err != nil {
			return err
		}
	}
	switch {
	case m.charge != "":
		p := make(packed, 0, 200)
		p.flag(false)
		m.pack(&p)
		return b.sales.add(m.charge, p)
	case b.inside(m.created):
		b.paid.except("payable_without_charge_id")
	}
	return nil
}

func (b *book) operation(c cells, i int) error {
	if kind := c.text(object+"object", i); kind != "payable" {
		return nil // transfers, fee collections, settlements: no payables
	}
	o := operationOf(c, i)
	if !b.inside(o.created) {
		return nil
	}
	b.operations.met(o.created, o.deleted)
	b.checkOperation(&o)
	b.withOperations[maphash.String(b.moves.seed, o.recipient)] = struct{}{}
	return b.addMovement(&o.movement)
}

// settle spills a payable that may have an operation. The operations were read
// before.
func (b *book) settle(m *movement) error {
	switch {
	case b.operations.rows == 0:
		return nil
	case m.created < b.operations.last:
		return b.addMovement(m)
	}
	b.amounts.except(afterBoth)
	b.settled.except(afterBoth)
	return nil
}

// addMovement spills a row under what a payable and its operation have in
// common whatever their ids: those of payables changed on 2026-08-28.
func (b *book) addMovement(m *movement) error {
	short := *m
	short.method, short.originator = "", ""
	p := make(packed, 0, 200)
	short.pack(&p)
	return b.moves.add(m.twin(), p)
}

// twin is equal for a payable and its operation, and for the two ids of one
// payable. Different payables may share it.
func (m *movement) twin() string {
	return m.recipient + " " + m.kind + " " + strconv.FormatInt(m.installment, 10) + " " + strconv.FormatInt(m.created, 36)
}
