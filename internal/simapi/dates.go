package simapi

// Dates is the way times are written. All of them were seen in answers of the
// platform. They also set how precise a creation time is.
type Dates uint8

// The date formats.
const (
	DatesSeconds   Dates = iota // 2026-11-20T14:49:44Z
	DatesCentis                 // 2026-11-20T14:49:44.95Z
	DatesMillis                 // 2026-11-20T14:49:44.957Z
	DatesMicros                 // 2026-11-20T14:49:44.957509Z
	DatesTicks                  // 2026-11-20T14:49:44.9575091Z: more digits than microseconds hold
	DatesZeroMilli              // 2026-11-20T14:49:44.000Z
	DatesNoZone                 // 2026-11-20T14:49:44: no zone, meant as UTC
	DatesOffset                 // 2026-11-20T14:49:44+00:00
	DatesTrimmed                // fraction of up to 7 digits without trailing zeros
	DatesMixed                  // all of the above side by side
)

// precision is the step of the times that a format can print, in ticks.
func (f Dates) precision() int64 {
	switch f {
	case DatesCentis:
		return second / 100
	case DatesMillis:
		return second / 1000
	case DatesMicros:
		return second / 1_000_000
	case DatesTicks, DatesTrimmed:
		return 1
	}
	return second
}

// of resolves DatesMixed for one time, which always gets the same format.
func (f Dates) of(t int64) Dates {
	if f == DatesMixed {
		return Dates(pick(mix(uint64(t)), int(DatesMixed)))
	}
	return f
}

// shown is a time as a reader of the format understands it.
func (f Dates) shown(t int64) int64 { return cut(t, f.of(t).precision()) }

// time writes a time member.
func (e *enc) time(key string, t int64) {
	e.b = append(e.b, key...)
	e.b = append(e.b, '"')
	e.b = e.s.Dates.append(e.b, t)
	e.b = append(e.b, '"', ',')
}

// optional writes a time that has come, or what stands for one that has not.
func (e *enc) optional(key string, t int64) {
	switch {
	case t != 0:
		e.time(key, t)
	case e.s.ZeroDates:
		e.member(key, "0001-01-01T00:00:00")
	case e.s.Nulls:
		e.raw(key)
		e.raw("null,")
	}
}

func (f Dates) append(b []byte, t int64) []byte {
	f = f.of(t)
	b = appendSecond(b, t)
	frac := uint64((t%second + second) % second)
	switch f {
	case DatesCentis:
		b = appendFraction(b, frac/100_000, 2)
	case DatesMillis:
		b = appendFraction(b, frac/10_000, 3)
	case DatesMicros:
		b = appendFraction(b, frac/10, 6)
	case DatesTicks:
		b = appendFraction(b, frac, 7)
	case DatesZeroMilli:
		b = append(b, ".000"...)
	case DatesTrimmed:
		b = appendFraction(b, frac, 7)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
		if b[len(b)-1] == '.' {
			b = b[:len(b)-1]
		}
	case DatesNoZone:
		return b
	case DatesOffset:
		return append(b, "+00:00"...)
	}
	return append(b, 'Z')
}

func appendFraction(b []byte, v uint64, digits int) []byte {
	b = append(b, ".0000000"[:1+digits]...)
	for i := len(b) - 1; v > 0; i-- {
		b[i] += byte(v % 10)
		v /= 10
	}
	return b
}

// appendSecond writes 2006-01-02T15:04:05.
func appendSecond(b []byte, t int64) []byte {
	day := floorDay(t)
	s := (t - day*oneDay) / second
	y, m, d := civil(day)
	return append(b,
		byte('0'+y/1000), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10), 'T',
		byte('0'+s/36000), byte('0'+s/3600%10), ':', byte('0'+s/600%6), byte('0'+s/60%10), ':', byte('0'+s/10%6), byte('0'+s%10))
}

// civil is the calendar date of a day counted from 1970 (Gregorian calendar).
func civil(day int64) (y, m, d int64) {
	z := day + 719468 // days since 0000-03-01
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}
