package schema

import "bytes"

// name returns the text of a JSON key without surrounding white space. The
// result is valid until the next call of name or unquoted.
func (d *Decoder) name(key []byte) []byte { return bytes.TrimSpace(d.unquoted(key)) }

// unquoted returns the text of the body of a JSON string, as it stands in the
// answer if that is possible.
func (d *Decoder) unquoted(s []byte) []byte {
	if bytes.IndexByte(s, '\\') < 0 {
		return s
	}
	d.scratch = appendUnquoted(d.scratch[:0], s)
	return d.scratch
}

// scalar reads a value of fixed width.
func (d *Decoder) scalar(n *node, i int, slot int32) int {
	b := d.body
	c := b[i]
	start, end := i, 0
	var s []byte
	switch {
	case c == '"':
		e := plainEnd(b, i+1)
		if e < len(b) && b[e] == '"' {
			s, end = b[i+1:e], e+1
			break
		}
		if end = skipString(b, i+1); end < 0 {
			return end
		}
		s = d.unquoted(b[i+1 : end-1])
	case n.kind == Bool && (c == 't' || c == 'f'):
		end = skipValue(b, i, d.depth)
	case n.kind == Int64 && isDigit(c):
		if v, e := smallInt(b, i); e > 0 {
			n.col.num(v, slot)
			return e
		}
		end = skipNumber(b, i)
	case (n.kind == Int64 || n.kind == Decimal) && (c == '-' || isDigit(c)):
		end = skipNumber(b, i)
	default:
		return d.misfit(n, i)
	}
	if end < 0 {
		return end
	}
	if s == nil {
		s = b[start:end]
	}
	if len(s) == 0 {
		return end // empty text is null
	}
	v, state := d.parse(n.kind, s)
	switch state {
	case parsed:
		n.col.num(v, slot)
	case malformed:
		d.blame(n, reasonMalformed(n.kind))
	}
	return end
}

// outcome is what became of a text that should be a value.
type outcome uint8

const (
	parsed outcome = iota
	absent         // stands for null
	malformed
)

// parse reads the text of a value of fixed width.
func (d *Decoder) parse(kind Type, s []byte) (int64, outcome) {
	switch kind {
	case Int64:
		return parseInt(s)
	case Decimal:
		return parseDecimal(s)
	case Bool:
		switch string(s) {
		case "true":
			return 1, parsed
		case "false":
			return 0, parsed
		}
		return 0, malformed
	case Date:
		us, state := d.clock.parse(s)
		return floorDay(us), state
	}
	return d.clock.parse(s)
}

// smallInt reads a number that is an integer of at most 18 digits and returns
// it with the position after it, 0 if there is anything else at i.
func smallInt(b []byte, i int) (int64, int) {
	start, v := i, int64(0)
	for ; i < len(b) && isDigit(b[i]); i++ {
		v = v*10 + int64(b[i]-'0')
	}
	if i == len(b) || i-start > 18 || b[start] == '0' && i-start > 1 || b[i] == '.' || b[i]|0x20 == 'e' {
		return 0, 0
	}
	return v, i
}

// parseInt reads a JSON number that is an integer and fits 64 bits.
func parseInt(s []byte) (int64, outcome) {
	digits, negative := s, false
	if s[0] == '-' {
		digits, negative = s[1:], true
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && len(digits) > 1 {
		return 0, malformed
	}
	var v uint64 // 19 digits always fit
	for _, c := range digits {
		if !isDigit(c) {
			return 0, malformed
		}
		v = v*10 + uint64(c-'0')
	}
	switch {
	case negative && v <= 1<<63:
		return -int64(v), parsed
	case !negative && v < 1<<63:
		return int64(v), parsed
	}
	return 0, malformed
}

// parseDecimal reads a JSON number as millionths. Nothing is rounded: what
// needs more than 18 digits, or more than 6 behind the point, is malformed.
func parseDecimal(s []byte) (int64, outcome) {
	if skipNumber(s, 0) != len(s) {
		return 0, malformed
	}
	i, negative := 0, s[0] == '-'
	if negative {
		i++
	}
	var v int64
	zeros, scale, point := 0, 0, false // zeros not yet multiplied in; digits behind the point
	for ; i < len(s) && s[i]|0x20 != 'e'; i++ {
		if s[i] == '.' {
			point = true
			continue
		}
		if point {
			scale++
		}
		if s[i] == '0' {
			zeros++
			continue
		}
		var ok bool
		if v, ok = shift(v, zeros+1); !ok {
			return 0, malformed
		}
		v, zeros = v+int64(s[i]-'0'), 0
	}
	exponent := 0
	if i < len(s) {
		exponent = parseExponent(s[i+1:])
	}
	v, ok := shift(v, zeros-scale+exponent+DecimalScale)
	if !ok {
		return 0, malformed
	}
	if negative {
		v = -v
	}
	return v, parsed
}

// shift multiplies by a power of ten. It reports whether the result is exact
// and has at most 18 digits.
func shift(v int64, power int) (int64, bool) {
	if v == 0 {
		return 0, true
	}
	for ; power > 0; power-- {
		if v >= 1e17 {
			return 0, false
		}
		v *= 10
	}
	for ; power < 0; power++ {
		if v%10 != 0 {
			return 0, false
		}
		v /= 10
	}
	return v, true
}

// parseExponent reads the digits of an exponent; beyond a million it does not
// matter how large it is.
func parseExponent(s []byte) int {
	negative := s[0] == '-'
	if negative || s[0] == '+' {
		s = s[1:]
	}
	e := 0
	for _, c := range s {
		e = min(e*10+int(c-'0'), 1e6)
	}
	if negative {
		return -e
	}
	return e
}
