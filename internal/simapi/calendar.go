package simapi

import (
	"math"
	"time"
)

// A tick is 100 ns, the finest time the platform prints. Times inside the
// world are ticks since 1970 in UTC.
const (
	second int64 = 10_000_000
	minute       = 60 * second
	hour         = 60 * minute
	oneDay       = 24 * hour
)

// toTime converts ticks to a time in UTC.
func toTime(t int64) time.Time {
	return time.Unix(t/second, t%second*100).UTC()
}

// toTicks converts a time to ticks, rounding down.
func toTicks(t time.Time) int64 {
	return t.Unix()*second + int64(t.Nanosecond()/100)
}

// floorDay is the number of the UTC day that holds t, counted from 1970.
func floorDay(t int64) int64 {
	d := t / oneDay
	if t%oneDay < 0 {
		d--
	}
	return d
}

// seasonality of a Brazilian shop by month, January first.
var seasonality = [12]float64{0.92, 0.86, 0.95, 0.96, 1.08, 1.02, 0.97, 1.03, 0.96, 1.01, 1.12, 1.26}

// weekdays of a shop, Sunday first.
var weekdays = [7]float64{0.78, 1.10, 1.12, 1.10, 1.06, 1.04, 0.80}

// demand is the relative number of orders on a day: growth, weekday, season,
// Black Friday and a little noise.
func (w *World) demand(day int) float64 {
	date := time.Unix((w.start+int64(day))*86400, 0).UTC()
	growth := 1 + 0.45*float64(day)/365
	noise := 0.94 + 0.12*float64(mix(w.seed^saltDay+uint64(day))>>11)/(1<<53)
	return growth * noise * seasonality[date.Month()-1] * weekdays[date.Weekday()] * blackFriday(date)
}

// blackFriday is 4 on the fourth Friday of November (the day after the fourth
// Thursday), less on the days around it, and 1 elsewhere.
func blackFriday(date time.Time) float64 {
	if date.Month() != time.November {
		return 1
	}
	first := time.Date(date.Year(), time.November, 1, 0, 0, 0, 0, time.UTC)
	thursday := 1 + (int(time.Thursday)-int(first.Weekday())+7)%7
	switch date.Day() - (thursday + 21) {
	case 0:
		return 1.6
	case 1:
		return 4
	case 2, 3:
		return 1.8
	}
	return 1
}

// orders is the number of orders on a day. Fractions are carried over to the
// next day, so that the sum over many days is exact even in a tiny world.
func (w *World) orders(day int) int {
	if day < 0 {
		return 0
	}
	w.mu.RLock()
	if day < len(w.counts) {
		n := w.counts[day]
		w.mu.RUnlock()
		return int(n)
	}
	w.mu.RUnlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.counts) <= day {
		before := math.Floor(w.expected)
		w.expected += w.base * w.demand(len(w.counts))
		w.counts = append(w.counts, int32(math.Floor(w.expected)-before))
	}
	return int(w.counts[day])
}

// hourly is the share of a day's orders by hour of UTC (Brazil is three hours
// behind), cumulated and scaled to 2^32.
var hourly = cumulate([24]float64{5, 4, 3, 2, 1.2, .7, .5, .5, .6, .9, 1.6, 2.8, 4, 5, 5.6, 5.8, 5.5, 5.2, 5.2, 5.3, 5.5, 5.8, 6, 5.8})

func cumulate(share [24]float64) [25]uint64 {
	total := 0.0
	for _, s := range share {
		total += s
	}
	var out [25]uint64
	sum := 0.0
	for i, s := range share {
		out[i] = uint64(sum / total * (1 << 32))
		sum += s
	}
	out[24] = 1 << 32
	return out
}

// slot is the time in the day of order i of n: the i-th of n equal shares of
// the day's demand, with jitter inside the share. It never falls as i rises.
func slot(i, n int, jitter uint32) int64 {
	u := (uint64(i)<<32 + uint64(jitter)) / uint64(n)
	h := 0
	for h < 23 && hourly[h+1] <= u {
		h++
	}
	lo, hi := hourly[h], hourly[h+1]
	return int64(h)*hour + int64((u-lo)*uint64(hour)/(hi-lo))
}
