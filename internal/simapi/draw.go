package simapi

import "math/bits"

const golden = 0x9e3779b97f4a7c15

// mix is the finaliser of splitmix64: a fast bijection that scatters bits.
func mix(x uint64) uint64 {
	x += golden
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// pick returns a number in [0, n) that depends on h alone.
func pick(h uint64, n int) int {
	hi, _ := bits.Mul64(h, uint64(n))
	return int(hi)
}

// draw is a short deterministic sequence of random numbers.
type draw uint64

func (d *draw) next() uint64 {
	*d += golden
	return mix(uint64(*d))
}

// n returns a number in [0, n).
func (d *draw) n(n int) int { return pick(d.next(), n) }

// chance is true perMille times in a thousand.
func (d *draw) chance(perMille int) bool { return d.n(1000) < perMille }

// Salts separate the uses of one hash.
const (
	saltOrder uint64 = iota*0x51ed270b + 0x1234567
	saltCharge
	saltTran
	saltItem
	saltCustomer
	saltAddress
	saltCard
	saltRecipient
	saltBank
	saltPayable
	saltSplit
	saltRefund
	saltChargeback
	saltDay
	saltSlot
	saltTransfer
	saltGateway
	saltInvoice
	saltCheckout
	saltBalance
	saltLateRefund
	saltBackdate
	saltGone
	saltEdit
	saltClosing
	saltReopen
	saltWon
	saltHook
	saltLie
)
