package schema

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlainEndStopsAtEveryByteThatIsNotPlain(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			// What follows must not matter, nor what the eight-byte masks mistake.
			text := []byte(strings.Repeat("\xa2\x7f#!]", 4) + "\"\x01")
			text[at] = byte(c)
			want := 20
			if c == '"' || c == '\\' || c < ' ' {
				want = at
			}
			require.Equal(t, want, plainEnd(text, 0), "byte %#x at %d", c, at)
			col := &column{data: make([]byte, 0, 64)}
			end := col.take(text, 0, 0)
			if len(text)-want < 2 || text[want] != '"' {
				require.Zero(t, end)
				require.Empty(t, col.marks)
			} else if end > 0 {
				require.Equal(t, want+1, end)
				require.Equal(t, text[:want], col.bytes(0))
			}
		}
	}
}

func TestDepthIsLimitedAsInEncodingJSON(t *testing.T) {
	for _, c := range []struct{ before, after string }{
		{`[{"id":"k","x":`, `}]`}, {`{"data":[{"id":"k","o":{"ls":[{"x":`, `}]}}]}`}, {`{"x":`, `,"data":[]}`}, {`{"data":[{"id":"k","j":`, `}]}`},
		{`{"data":[{"id":"k","m":{"a":`, `}}]}`}, {`{"data":[{"id":"k","s":`, `}]}`}, {`{"data":[{"id":"k","lists":[[`, `]]}]}`},
	} {
		for depth := maxDepth - 10; depth <= maxDepth; depth++ {
			body := []byte(c.before + strings.Repeat("[", depth) + strings.Repeat("]", depth) + c.after)
			d, _ := newChecked(t, everyKind())
			_, err := d.Page(body, Layout{}, "")
			require.Equal(t, json.Valid(body), err == nil, "%s %d", c.before, depth)
		}
	}
}
