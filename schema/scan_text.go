package schema

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnquoted appends the text of the body of a JSON string, which the
// scanner has checked. Half of a surrogate pair becomes U+FFFD, as in
// encoding/json.
func appendUnquoted(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i+1:]
		if s[0] == 'u' {
			r, n := escapedRune(s)
			dst = utf8.AppendRune(dst, r)
			s = s[n:]
			continue
		}
		dst = append(dst, unescape(s[0]))
		s = s[1:]
	}
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // quote, backslash, slash
}

// escapedRune reads uXXXX, and the second half of a pair after it, and
// returns how many bytes it read.
func escapedRune(s []byte) (rune, int) {
	r := hexRune(s[1:5])
	if !utf16.IsSurrogate(r) {
		return r, 5
	}
	if len(s) >= 11 && s[5] == '\\' && s[6] == 'u' {
		if pair := utf16.DecodeRune(r, hexRune(s[7:11])); pair != utf8.RuneError {
			return pair, 11
		}
	}
	return utf8.RuneError, 5
}

func hexRune(s []byte) rune {
	var r rune
	for _, c := range s {
		d := c - '0'
		if d > 9 {
			d = c | 0x20 - 'a' + 10
		}
		r = r<<4 | rune(d)
	}
	return r
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for {
		i := plainEnd(s, 0)
		dst = append(dst, s[:i]...)
		if i == len(s) {
			return append(dst, '"')
		}
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		s = s[i+1:]
	}
}

// appendCompact appends a JSON text, which the scanner has checked, without
// the white space between its tokens. Nothing else changes: digits, order of
// keys and escapes stay as they were sent.
func appendCompact(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		start := i
		switch {
		case s[i] <= ' ':
			i = skipSpace(s, i)
			continue
		case s[i] == '"':
			i = skipString(s, i+1)
		default:
			for i < len(s) && s[i] > ' ' && s[i] != '"' {
				i++
			}
		}
		dst = append(dst, s[start:i]...)
	}
	return dst
}
