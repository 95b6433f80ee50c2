package simapi

// Late makes records change at ages that the plain world does not reach. Each
// number is a share in a thousand orders; 0 = none. The zero Late is the plain
// world. What happens is a pure function of (seed, clock), as all else.
type Late struct {
	// Refunds are refunded in full or in part 120 to 400 days after the order.
	Refunds int
	// Edits get another metadata 1 to 500 days after the order. No event tells
	// of it, and updated_at stays where it was in every second of them.
	Edits int
	// Closings are closed 3 to 200 days after they are paid or failed.
	Closings int
	// Reopenings are paid orders whose status goes back to pending, 15 to 300
	// days after the order, and ten days later to paid again; and of the
	// chargebacks, whatever their age, this share times ten is won: the charge
	// goes back from chargedback to paid 45 days later.
	Reopenings int
	// Backdated appear 2 to 250 days after their creation time, with all their
	// charges and payables: inside windows that were read already.
	Backdated int
	// TestData is removed, with all that belongs to it: half of it 2 to 20 days
	// after the order, half 60 to 420 days after.
	TestData int
}

// LateLife is a world in which everything that Late knows happens, more often
// than at a real merchant.
func LateLife() Late {
	return Late{Refunds: 15, Edits: 25, Closings: 20, Reopenings: 15, Backdated: 8, TestData: 12}
}

// Days after the order. Few classes, so that what happens on a day is found by
// looking at a few earlier days.
var (
	lateRefundDays = [...]int{120, 160, 230, 310, 400}
	editDays       = [...]int{1, 4, 12, 33, 50, 90, 140, 220, 330, 410, 500}
	closingDays    = [...]int{3, 25, 60, 120, 200}
	reopenDays     = [...]int{15, 47, 80, 180, 300}
	backdateDays   = [...]int{2, 6, 30, 48, 100, 250}
	soonGoneDays   = [...]int{2, 5, 9, 20}
	lateGoneDays   = [...]int{60, 130, 240, 420}
)

// wonDays after a chargeback it is won, if it is.
const wonDays = 45

// class picks one of the days for a share of a thousand orders, 0 for the
// others. Each salt draws on its own.
func class(h, salt uint64, perMille int, days []int) int {
	h = mix(h ^ salt)
	if perMille <= 0 || int(h%1000) >= perMille {
		return 0
	}
	return days[pick(h, len(days))]
}

// refundDay is the day of a refund of an order, early or late, 0 for most.
func (w *World) refundDay(h uint64) int {
	if k := refundDay(h); k > 0 || chargebackDay(h) > 0 {
		return k
	}
	return class(h, saltLateRefund, w.Late.Refunds, lateRefundDays[:])
}

// appears is when an order and all that belongs to it can be seen at first.
func (w *World) appears(h uint64, created int64) int64 {
	return created + int64(w.backdateDay(h))*oneDay
}

func (w *World) backdateDay(h uint64) int {
	return class(h, saltBackdate, w.Late.Backdated, backdateDays[:])
}

// removed is when an order and all that belongs to it is gone, 0 for most.
func (w *World) removed(h uint64, created int64) int64 {
	days := soonGoneDays[:]
	if h>>40&1 == 1 {
		days = lateGoneDays[:]
	}
	if k := class(h, saltGone, w.Late.TestData, days); k > 0 {
		return created + int64(k)*oneDay + 7*hour
	}
	return 0
}

// late adds to an order what Late says.
func (w *World) late(o *order) {
	l := &w.Late
	o.closedAt = o.settled
	o.appears = o.created
	if *l == (Late{}) {
		return
	}
	o.appears = w.appears(o.h, o.created)
	if k := class(o.h, saltEdit, l.Edits, editDays[:]); k > 0 {
		o.edited = o.created + int64(k)*oneDay + 5*hour
		o.silent = o.h>>41&1 == 1
	}
	if k := class(o.h, saltClosing, l.Closings, closingDays[:]); k > 0 {
		o.closedAt = o.settled + int64(k)*oneDay
	}
	if k := class(o.h, saltReopen, l.Reopenings, reopenDays[:]); k > 0 && o.paid {
		o.reopened = o.created + int64(k)*oneDay + 3*hour
	}
	if o.disputed != 0 && class(o.h, saltWon, 10*l.Reopenings, []int{1}) > 0 {
		o.won = o.disputed + wonDays*oneDay
	}
}

// reopenedAt tells the days in which a reopened order is pending again.
func (o *order) reopenedAt(now int64) bool {
	return o.reopened != 0 && now >= o.reopened && now < o.reopened+10*oneDay && now >= o.settled
}

// editedAt tells whether the metadata is the later one.
func (o *order) editedAt(now int64) bool { return o.edited != 0 && now >= o.edited }
