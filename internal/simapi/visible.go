package simapi

import "time"

// visible tells whether a record that was created before the clock is served:
// not before it appears, not once it is removed.
func (v *view) visible(stream string, r ref) bool {
	if v.w.Late != (Late{}) && ofOrder(stream, r) {
		h := v.w.orderHash(int(r.day), int(r.idx))
		created := v.w.orderTime(int(r.day), int(r.idx), v.w.orders(int(r.day)))
		if v.now < v.w.appears(h, created) {
			return false
		}
		if gone := v.w.removed(h, created); gone != 0 && v.now >= gone {
			return false
		}
	}
	if stream == Hooks && !v.delivered(r) {
		return false
	}
	if v.deleted == nil {
		return true
	}
	gone := v.deleted(stream, v.record(stream, r, toTime(v.created(stream, r)), false))
	return gone.IsZero() || toTicks(gone) > v.now
}

// plain tells a stream of which every record that was created is visible.
func (v *view) plain(stream string) bool {
	switch {
	case v.deleted != nil || stream == Hooks:
		return false
	case v.w.Late.Backdated == 0 && v.w.Late.TestData == 0:
		return true
	}
	return stream == Recipients || stream == RecipientBalance
}

// ofOrder tells the records that come and go with their order.
func ofOrder(stream string, r ref) bool {
	switch stream {
	case Orders, Charges, Payables:
		return true
	case BalanceOperations:
		return r.kind != isTransfer
	}
	return false
}

// deletedFunc is Config.Deleted.
type deletedFunc func(stream string, r Record) time.Time
