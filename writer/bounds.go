package writer

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// Lengths of text bounds, in UTF-16 units, as Spark counts them.
const (
	textUnits     = 32 // longest lower bound, and upper bound before its mark
	longTextUnits = 64 // longest upper bound
)

func appendInt(v int64) []byte { return strconv.AppendInt(nil, v, 10) }

// millis spells an instant in microseconds as statistics hold it: floored to
// milliseconds, for the upper bound too; readers widen it (PROTOCOL.md,
// "Per-file Statistics": timestamps are truncated down to milliseconds).
func millis(micros int64) []byte {
	t := time.UnixMicro(micros).UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return nil
	}
	return []byte(t.Format(`"2006-01-02T15:04:05.000Z"`)) // Format truncates down, also before 1970
}

// day spells a date given in days since 1970.
func day(days int64) []byte {
	t := time.Unix(days*86400, 0).UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return nil
	}
	return []byte(t.Format(`"2006-01-02"`))
}

// lowText returns a lower bound of strings from their least: its first 32
// units.
func lowText(least []byte) []byte {
	if !utf8.Valid(least) {
		return nil
	}
	return quote(string(least[:prefix(least, textUnits)]))
}

// highText returns an upper bound of strings from their greatest: the first 32
// units and a character greater than the one that was cut. If there is none the
// prefix is extended, up to 64 units, else there is no bound.
func highText(greatest []byte) []byte {
	if !utf8.Valid(greatest) {
		return nil
	}
	cut := prefix(greatest, textUnits)
	for cut < len(greatest) && cut <= prefix(greatest, longTextUnits-2) {
		r, size := utf8.DecodeRune(greatest[cut:])
		switch {
		case r < 0x7F:
			return quote(string(greatest[:cut]) + "\x7f")
		case r < utf8.MaxRune:
			return quote(string(greatest[:cut]) + string(utf8.MaxRune))
		}
		cut += size
	}
	if cut < len(greatest) {
		return nil
	}
	return quote(string(greatest))
}

// prefix returns the length in bytes of the longest prefix of s that has at
// most n UTF-16 units and cuts no character.
func prefix(s []byte, n int) int {
	units := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRune(s[i:])
		if units++; r > 0xFFFF {
			units++
		}
		if units > n {
			return i
		}
		i += size
	}
	return len(s)
}

// quote returns s as a JSON string, without escapes for HTML.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string has no way to fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
