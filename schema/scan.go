package schema

import (
	"encoding/binary"
	"math/bits"
)

// The scanner works on one JSON text and positions in it. A function gets the
// position of the first byte it shall read and returns the position after the
// last one, or the complement (^position) of the byte at fault. What it
// accepts is RFC 8259, exactly as encoding/json does.

// maxDepth is how deep arrays and objects may nest, as in encoding/json.
const maxDepth = 10000

const (
	everyByte   = 0x0101010101010101
	highBits    = everyByte * 0x80
	quotes      = everyByte * '"'
	backslashes = everyByte * '\\'
	spaces      = everyByte * ' '
)

// special marks the bytes of w that are a quote, a backslash or a control
// character by their highest bits. Of the bytes marked the lowest is always
// right; those above it may be wrong.
func special(w uint64) uint64 {
	q, s := w^quotes, w^backslashes
	return ((q-everyByte)&^q | (s-everyByte)&^s | (w-spaces)&^w) & highBits
}

// plainEnd returns the position of the first byte at or after i that is a
// quote, a backslash or a control character, or len(b).
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		if m := special(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			break
		}
	}
	return i
}

// skipSpace returns the position of the first byte that is no white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipValue checks the value that starts at i, inside depth arrays and objects.
func skipValue(b []byte, i, depth int) int {
	if i >= len(b) {
		return ^i
	}
	switch c := b[i]; c {
	case '"':
		return skipString(b, i+1)
	case '{', '[':
		if depth >= maxDepth {
			return ^i
		}
		if c == '{' {
			return skipObject(b, i+1, depth+1)
		}
		return skipArray(b, i+1, depth+1)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	}
	return skipNumber(b, i)
}

// skipObject checks the members of an object whose brace is before i.
func skipObject(b []byte, i, depth int) int {
	i = skipSpace(b, i)
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return ^i
		}
		if i = skipString(b, i+1); i < 0 {
			return i
		}
		if i = skipColon(b, i); i < 0 {
			return i
		}
		if i = skipValue(b, i, depth); i < 0 {
			return i
		}
		i = skipSpace(b, i)
		if i >= len(b) {
			return ^i
		}
		if b[i] == '}' {
			return i + 1
		}
		if b[i] != ',' {
			return ^i
		}
		i = skipSpace(b, i+1)
	}
}

// skipArray checks the elements of an array whose bracket is before i.
func skipArray(b []byte, i, depth int) int {
	i = skipSpace(b, i)
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = skipValue(b, i, depth); i < 0 {
			return i
		}
		i = skipSpace(b, i)
		if i >= len(b) {
			return ^i
		}
		if b[i] == ']' {
			return i + 1
		}
		if b[i] != ',' {
			return ^i
		}
		i = skipSpace(b, i+1)
	}
}

// skipColon returns the position of the value after a member's name.
func skipColon(b []byte, i int) int {
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != ':' {
		return ^i
	}
	return skipSpace(b, i+1)
}

// skipString checks a string whose opening quote is before i.
func skipString(b []byte, i int) int {
	for {
		i = plainEnd(b, i)
		if i >= len(b) || b[i] < ' ' {
			return ^i
		}
		if b[i] == '"' {
			return i + 1
		}
		if i = skipEscape(b, i); i < 0 {
			return i
		}
	}
}

// skipEscape checks the escape whose backslash is at i.
func skipEscape(b []byte, i int) int {
	i++
	if i >= len(b) {
		return ^i
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for range 4 {
			i++
			if i >= len(b) || !isHex(b[i]) {
				return ^i
			}
		}
		return i + 1
	}
	return ^i
}

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// skipWord checks that b has word at i.
func skipWord(b []byte, i int, word string) int {
	if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
		return i + len(word)
	}
	n := 0
	for i+n < len(b) && n < len(word) && b[i+n] == word[n] {
		n++
	}
	return ^(i + n)
}

// skipNumber checks the number that starts at i.
func skipNumber(b []byte, i int) int {
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i >= len(b) || !isDigit(b[i]) {
		return ^i
	}
	if b[i] == '0' {
		i++
	} else {
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i] == '.' {
		if i++; i >= len(b) || !isDigit(b[i]) {
			return ^i
		}
		i = skipDigits(b, i)
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i >= len(b) || !isDigit(b[i]) {
			return ^i
		}
		i = skipDigits(b, i)
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	return i
}
