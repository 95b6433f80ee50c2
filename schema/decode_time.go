package schema

import "encoding/binary"

const (
	second = int64(1e6) // in microseconds
	day    = 86400 * second
)

// clock parses timestamps. It remembers the last date: the records of a
// window mostly share one.
type clock struct {
	head uint64 // the date's first eight bytes
	tail uint16 // and the other two
	days int64
}

// floorDay returns the day, counted from 1970, of a time in microseconds.
func floorDay(us int64) int64 {
	d := us / day
	if us%day < 0 {
		d--
	}
	return d
}

// parse reads a timestamp as microseconds since 1970, UTC. See [Decoder] for
// the forms. Seconds go to 59. Digits beyond microseconds are cut off, which
// rounds down. The date 0001-01-01 stands for null: .NET writes it for an
// absent time.
func (c *clock) parse(s []byte) (int64, outcome) {
	days, ok := c.date(s)
	if !ok {
		return 0, malformed
	}
	us := days * day
	if len(s) > 10 {
		t, ok := timeOfDay(s[10:])
		if !ok {
			return 0, malformed
		}
		us += t
	}
	if string(s[:10]) == "0001-01-01" {
		return 0, absent
	}
	return us, parsed
}

// date reads yyyy-mm-dd at the start of s as days since 1970.
func (c *clock) date(s []byte) (int64, bool) {
	if len(s) < 10 {
		return 0, false
	}
	head, tail := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint16(s[8:])
	if head == c.head && tail == c.tail {
		return c.days, true
	}
	century, ok1 := twoDigits(s, 0)
	year, ok2 := twoDigits(s, 2)
	month, ok3 := twoDigits(s, 5)
	dom, ok4 := twoDigits(s, 8)
	if !ok1 || !ok2 || !ok3 || !ok4 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	year += 100 * century
	if month < 1 || month > 12 || dom < 1 || dom > daysIn(year, month) {
		return 0, false
	}
	c.head, c.tail, c.days = head, tail, daysSince1970(year, month, dom)
	return c.days, true
}

func twoDigits(s []byte, i int) (int64, bool) {
	a, b := s[i]-'0', s[i+1]-'0'
	return int64(a)*10 + int64(b), a <= 9 && b <= 9
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days of the proleptic Gregorian calendar, from years
// that start in March: then the leap day is the last of its year.
func daysSince1970(year, month, dom int64) int64 {
	if month -= 3; month < 0 {
		month += 12
		year--
	}
	year += 400 // keeps the divisions positive in the year 0
	return year*365 + year/4 - year/100 + year/400 + (month*153+2)/5 + dom - 1 - 719468 - 146097
}

// timeOfDay reads what follows the date, from the T or space on, as
// microseconds to add to it.
func timeOfDay(s []byte) (int64, bool) {
	if len(s) < 9 || s[0] != 'T' && s[0] != ' ' || s[3] != ':' || s[6] != ':' {
		return 0, false
	}
	h, ok1 := twoDigits(s, 1)
	m, ok2 := twoDigits(s, 4)
	sec, ok3 := twoDigits(s, 7)
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || sec > 59 {
		return 0, false
	}
	us := (h*3600 + m*60 + sec) * second
	if s = s[9:]; len(s) > 0 && s[0] == '.' {
		n, unit := 1, second
		for ; n < len(s) && isDigit(s[n]); n++ {
			unit /= 10
			us += int64(s[n]-'0') * unit
		}
		if n == 1 || n > 10 {
			return 0, false
		}
		s = s[n:]
	}
	offset, ok := zone(s)
	return us - offset, ok
}

// zone reads Z, an offset or nothing, as microseconds east of UTC.
func zone(s []byte) (int64, bool) {
	if len(s) == 0 || len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) == 6 && s[3] == ':' {
		s = append(append(make([]byte, 0, 5), s[:3]...), s[4:]...)
	}
	if len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	h, ok1 := twoDigits(s, 1)
	m, ok2 := twoDigits(s, 3)
	if !ok1 || !ok2 || h > 23 || m > 59 {
		return 0, false
	}
	offset := (h*3600 + m*60) * second
	if s[0] == '-' {
		return -offset, true
	}
	return offset, true
}
