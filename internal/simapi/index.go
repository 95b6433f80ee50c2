package simapi

import (
	"cmp"
	"slices"
	"sort"
	"sync"
)

// What an event of a day is about.
const (
	isOrder uint8 = iota
	isCharge
	isPayment    // credit payables of a paid charge
	isRefund     // payables of a refund
	isChargeback // payables of a chargeback
	isWon        // payables that give back a chargeback that was won
	isTransfer   // a transfer to a recipient's bank account
)

// event is something that created one or more records at one moment: order idx
// of a day, one of its charges, or the payables of its payment or refund.
type event struct {
	t     int64
	day   int32 // day of the order, or of the transfer
	idx   int32 // order in its day, or recipient
	first int32 // position of the first record in the day
	n     uint8 // records
	kind  uint8
	sub   uint8 // which charge
}

// ref is one record.
type ref struct {
	event
	unit int // which of the event's records
}

// dayIndex holds the events of one stream and day, sorted by time.
type dayIndex struct {
	events []event
	total  int
}

func (x *dayIndex) len() int { return x.total }

// at returns the record at a position of the day.
func (x *dayIndex) at(pos int) ref {
	i := pos
	if x.total != len(x.events) {
		i = sort.Search(len(x.events), func(i int) bool { return int(x.events[i].first) > pos }) - 1
	}
	return ref{x.events[i], pos - int(x.events[i].first)}
}

// before is the number of records whose creation time, cut to precision, is
// before t.
func (x *dayIndex) before(t, precision int64) int {
	i := sort.Search(len(x.events), func(i int) bool { return cut(x.events[i].t, precision) >= t })
	if i == len(x.events) {
		return x.total
	}
	return int(x.events[i].first)
}

func cut(t, precision int64) int64 { return t - t%precision }

func (x *dayIndex) finish() *dayIndex {
	byTime := func(a, b event) int {
		return cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.kind, b.kind), cmp.Compare(a.day, b.day), cmp.Compare(a.idx, b.idx), cmp.Compare(a.sub, b.sub))
	}
	if !slices.IsSortedFunc(x.events, byTime) {
		slices.SortFunc(x.events, byTime)
	}
	for i := range x.events {
		x.events[i].first = int32(x.total)
		x.total += int(x.events[i].n)
	}
	return x
}

// indexBudget bounds the events kept in memory (32 bytes each).
const indexBudget = 600_000

// indexCache keeps the indexes of the days used last.
type indexCache struct {
	mu     sync.Mutex
	use    int64
	events int
	days   map[indexKey]*indexEntry
	counts map[indexKey]int // records a day, kept for good: a few bytes a day
}

type indexKey struct {
	stream string
	day    int
}

type indexEntry struct {
	once sync.Once
	idx  *dayIndex
	used int64
}

// dayIndex returns the index of a day, from memory if it was used lately.
func (w *World) dayIndex(stream string, day int) *dayIndex {
	c := &w.index
	key := indexKey{stream, day}
	c.mu.Lock()
	if c.days == nil {
		c.days, c.counts = map[indexKey]*indexEntry{}, map[indexKey]int{}
	}
	e := c.days[key]
	if e == nil {
		e = &indexEntry{}
		c.days[key] = e
	}
	c.use++
	e.used = c.use
	c.mu.Unlock()
	e.once.Do(func() {
		e.idx = w.buildIndex(stream, day)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.counts[key] = e.idx.len()
		c.events += len(e.idx.events)
		c.evict(key)
	})
	return e.idx
}

// evict drops the days used longest ago until the budget holds again.
func (c *indexCache) evict(keep indexKey) {
	for c.events > indexBudget {
		oldest, used := keep, int64(0)
		for k, e := range c.days {
			if k != keep && e.idx != nil && (oldest == keep || e.used < used) {
				oldest, used = k, e.used
			}
		}
		if oldest == keep {
			return
		}
		c.events -= len(c.days[oldest].idx.events)
		delete(c.days, oldest)
	}
}

// count is the number of records of a stream created on a day.
func (w *World) count(stream string, day int) int {
	if stream == Orders {
		return w.orders(day)
	}
	w.index.mu.Lock()
	n, ok := w.index.counts[indexKey{stream, day}]
	w.index.mu.Unlock()
	if ok {
		return n
	}
	return w.dayIndex(stream, day).len()
}

func (w *World) buildIndex(stream string, day int) *dayIndex {
	x := &dayIndex{}
	switch stream {
	case Orders:
		w.indexOrders(x, day)
	case Charges:
		w.indexCharges(x, day)
	case Payables:
		w.indexPayables(x, day)
	case BalanceOperations:
		w.indexPayables(x, day)
		w.indexTransfers(x, day)
	case Recipients:
		w.indexRecipients(x, day)
	case Hooks:
		w.indexHooks(x, day)
	}
	return x.finish()
}
