package simapi

import "strconv"

// enc writes one JSON record after the other into a buffer. Every member ends
// with a comma; closing an object or array overwrites the last one.
type enc struct {
	b      []byte
	w      *World
	s      *Shape
	now    int64
	canary string
	bad    string // what is wrong with the record being written, "" mostly
}

func (w *World) encoder(s *Shape, now int64) *enc {
	return &enc{w: w, s: s, now: now, canary: w.Canary()}
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyzAz"

func (e *enc) raw(s string) { e.b = append(e.b, s...) }

func (e *enc) num(n int64) { e.b = strconv.AppendInt(e.b, n, 10) }

// member writes a string member; key holds its quotes and colon.
func (e *enc) member(key, value string) {
	e.b = append(e.b, key...)
	e.b = append(e.b, '"')
	e.b = append(e.b, value...)
	e.b = append(e.b, '"', ',')
}

// int writes a number member.
func (e *enc) int(key string, n int64) {
	e.b = append(e.b, key...)
	e.b = strconv.AppendInt(e.b, n, 10)
	e.b = append(e.b, ',')
}

// cents writes an amount, as text where the shape says so.
func (e *enc) cents(key string, n int64) {
	if !e.s.AmountsAsText {
		e.int(key, n)
		return
	}
	e.raw(key)
	e.raw(`"`)
	e.num(n)
	e.raw(`",`)
}

func (e *enc) choice(c bool, yes, no string) {
	if c {
		e.raw(yes)
		return
	}
	e.raw(no)
}

// end closes the object or array that was opened last.
func (e *enc) end(close string) {
	if n := len(e.b); n > 0 && e.b[n-1] == ',' {
		e.b = e.b[:n-1]
	}
	e.b = append(e.b, close...)
	e.b = append(e.b, ',')
}

// word writes n letters and digits, at most 10.
func (e *enc) word(h uint64, n int) {
	for range n {
		e.b = append(e.b, alphabet[h&63])
		h >>= 6
	}
}

// digits writes n digits, at most 19.
func (e *enc) digits(h uint64, n int) {
	for range n {
		e.b = append(e.b, '0'+byte(h%10))
		h /= 10
	}
}

// base62 is the text that word writes.
func base62(h uint64, n int) string {
	e := enc{}
	e.word(h, n)
	return string(e.b)
}

// id writes an id member: a prefix and 16 characters, or a number.
func (e *enc) id(key, prefix string, h uint64) {
	e.raw(key)
	e.appendID(prefix, h)
	e.b = append(e.b, ',')
}

func (e *enc) appendID(prefix string, h uint64) {
	if e.s.IDsAsNumbers {
		e.num(int64(mix(h) >> 1))
		return
	}
	e.b = append(e.b, '"')
	e.raw(prefix)
	h = mix(h)
	e.word(h, 10)
	e.word(mix(h), 6)
	e.b = append(e.b, '"')
}

// idText is an id as the lake holds it: text, whatever the server sends.
func (s *Shape) idText(prefix string, h uint64) string {
	e := enc{s: s}
	e.appendID(prefix, h)
	if s.IDsAsNumbers {
		return string(e.b)
	}
	return string(e.b[1 : len(e.b)-1])
}

// uuid writes a member that looks like a random UUID.
func (e *enc) uuid(key string, h uint64) {
	const hex = "0123456789abcdef"
	e.raw(key)
	e.b = append(e.b, '"')
	g := mix(h)
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			e.b = append(e.b, '-')
		}
		if i == 16 {
			g = h
		}
		e.b = append(e.b, hex[g&15])
		g >>= 4
	}
	e.b = append(e.b, '"', ',')
}
