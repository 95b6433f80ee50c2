package simapi

import (
	"math"
	"sync"
	"time"
)

// Stream names, as the tables of the lake are called.
const (
	Orders            = "orders"
	Charges           = "charges"
	Payables          = "payables"
	BalanceOperations = "balance_operations"
	Recipients        = "recipients"
	RecipientBalance  = "recipient_balance"
	Hooks             = "hooks"
)

// World is a merchant with everything that ever happened to it. It is safe for
// concurrent use; Now must be set before it is shared.
type World struct {
	// Now is the merchant's clock. Records exist only if they were created
	// before it, and their state is the state at that moment. Merchant sets a
	// frozen clock at the end of the world's last day.
	Now func() time.Time
	// Late makes records change late, appear late and vanish. Set it before the
	// world is shared and before anything was asked of it.
	Late Late

	seed  uint64
	start int64 // days since 1970
	days  int
	size  int
	base  float64 // orders a day before demand

	mu       sync.RWMutex
	counts   []int32 // orders by day, extended when a later day is asked for
	expected float64 // their unrounded sum
	index    indexCache
}

// Merchant makes a world of about size records (orders, charges, payables,
// balance operations and recipients together) created in the given number of
// days from start, a UTC day. The clock may be moved past the last day: the
// merchant goes on growing, and older records go on changing.
func Merchant(seed uint64, start time.Time, days, size int) *World {
	w := &World{seed: mix(seed), start: floorDay(toTicks(start)), days: max(days, 1), size: max(size, 1)}
	end := w.End()
	w.Now = func() time.Time { return end }
	w.calibrate()
	return w
}

// Start is the beginning of the world's first day.
func (w *World) Start() time.Time { return toTime(w.start * oneDay) }

// End is the end of the world's last day, where the clock stands at first.
func (w *World) End() time.Time { return toTime((w.start + int64(w.days)) * oneDay) }

// Canary is the text of every field that must never be stored (Facebook
// tokens, passwords of PDF files). Nothing else in an answer contains it.
func (w *World) Canary() string { return "canary-secret-" + base62(w.seed, 6) }

// calibrate finds the orders a day that give the wanted number of records. It
// counts a world of at most sample records and scales; recipients and their
// transfers do not grow with the orders.
func (w *World) calibrate() {
	const sample, rounds = 60_000, 8
	fixed := w.recipients(toTicks(w.End()))
	for d := range w.days {
		x := &dayIndex{}
		w.indexTransfers(x, d)
		fixed += len(x.events)
	}
	wanted := float64(max(w.size-fixed, 1))
	target := min(wanted, sample)
	base := target / float64(w.days) / 8
	best, bestOff := base, math.Inf(1)
	for range rounds {
		n := float64(max(w.census(base)-fixed, 1))
		if off := math.Abs(n-target) / target; off < bestOff {
			best, bestOff = base, off
		}
		if bestOff < 0.002 {
			break
		}
		base *= target / n
	}
	w.reset(best * wanted / target)
}

func (w *World) reset(base float64) {
	w.base, w.counts, w.expected = base, nil, 0
	w.index = indexCache{}
}

// census counts the records of the whole world for a number of orders a day.
func (w *World) census(base float64) int {
	w.reset(base)
	n := w.recipients(toTicks(w.End()))
	for d := range w.days {
		n += w.orders(d)
		n += w.dayIndex(Charges, d).len()
		n += w.dayIndex(Payables, d).len()
		n += w.dayIndex(BalanceOperations, d).len()
	}
	return n
}

// now is the clock in ticks.
func (w *World) now() int64 { return toTicks(w.Now()) }

// dayStart is the first tick of a day of the world.
func (w *World) dayStart(day int) int64 { return (w.start + int64(day)) * oneDay }

// dayOf is the day of the world that holds t; it may be negative.
func (w *World) dayOf(t int64) int { return int(floorDay(t) - w.start) }
