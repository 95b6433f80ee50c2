package simapi

import "math"

// foundingRecipients is how many recipients exist from the first day.
func (w *World) foundingRecipients() int {
	return 4 + int(math.Sqrt(float64(w.size))/16)
}

// newcomerEvery is the time between two new recipients: nine days, more where
// a small merchant is spread over years.
func (w *World) newcomerEvery() int64 {
	return int64(max(9, 2*w.days/w.foundingRecipients())) * oneDay
}

// recipients is how many recipients exist at a moment.
func (w *World) recipients(now int64) int {
	if now <= w.start*oneDay {
		return w.foundingRecipients()
	}
	late := int((now - w.start*oneDay - 12*hour) / w.newcomerEvery())
	return w.foundingRecipients() + max(late, 0)
}

// recipientCreated is when a recipient joined: founders before the first day.
func (w *World) recipientCreated(i int) int64 {
	late := i - w.foundingRecipients()
	if late < 0 {
		back := int64(w.foundingRecipients()-i)*3*oneDay + int64(pick(w.recipientHash(i), 86400))*second
		return w.start*oneDay - back
	}
	return w.start*oneDay + int64(late+1)*w.newcomerEvery() + 12*hour - 1
}

func (w *World) recipientHash(i int) uint64 { return mix(w.seed ^ saltRecipient + uint64(i)<<8) }

// transfersDaily tells recipients whose balance is paid out by itself.
func (w *World) transfersDaily(i int) bool { return w.recipientHash(i)%4 != 0 }

// indexRecipients files recipients under the day they joined.
func (w *World) indexRecipients(x *dayIndex, day int) {
	for i := range w.recipients(w.dayStart(day + 1)) {
		if t := w.recipientCreated(i); w.dayOf(t) == day {
			x.events = append(x.events, event{t: t, day: int32(day), idx: int32(i), n: 1})
		}
	}
}

// firstDay is the first day of the world on which a stream has records.
func (w *World) firstDay(stream string) int {
	if stream == Recipients {
		return w.dayOf(w.recipientCreated(0))
	}
	return 0
}

// balance is what a recipient has at a moment: available, waiting and
// transferred so far. It changes once a day.
func (w *World) balance(i int, now int64) (available, waitingFunds, transferred int64) {
	age := now/oneDay - w.recipientCreated(i)/oneDay
	h := mix(w.recipientHash(i) ^ uint64(now/oneDay))
	available = int64(pick(h, 2_500_000))
	waitingFunds = int64(pick(mix(h), 40_000_000))
	transferred = age * (20_000 + int64(pick(w.recipientHash(i), 400_000)))
	return available, waitingFunds, transferred
}
