package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
)

func TestBar(t *testing.T) {
	s := pipeline.Progress{Stream: "orders", Done: 0.5, Requests: 12, Records: 300}
	require.Equal(t, "orders             [============            ]  50%        12 requests        300 records      30/s", bar(s, 10*time.Second))
	s.Done, s.Ended, s.Status = 1.2, true, "succeeded"
	require.Contains(t, bar(s, 0), "[========================] 100%")
	require.True(t, strings.HasSuffix(bar(s, 0), "succeeded"))
	require.Equal(t, "São", cut("São Paulo", 3))
}

// screen applies what the renderer writes to a list of lines.
func screen(t *testing.T, text string) []string {
	t.Helper()
	lines := []string{""}
	for text != "" {
		var up int
		switch i := strings.IndexByte(text, '\x1b'); {
		case i == 0:
			n := strings.IndexByte(text, 'A')
			require.NoError(t, json.Unmarshal([]byte(text[2:n]), &up))
			rest, ok := strings.CutPrefix(text[n+1:], "\r\x1b[J")
			require.True(t, ok)
			lines = append(lines[:len(lines)-1-up], "")
			text = rest
		case i < 0:
			i = len(text)
			fallthrough
		default:
			parts := strings.Split(text[:i], "\n")
			lines[len(lines)-1] += parts[0]
			lines = append(lines, parts[1:]...)
			text = text[i:]
		}
	}
	return lines[:len(lines)-1]
}

func TestBarsAreRedrawnInPlaceAndNotTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&env{stderr: &out}, false)
		p.bars = true
		for i := range 1000 {
			p.update(pipeline.Progress{Stream: "orders", Records: int64(i)})
			time.Sleep(time.Millisecond)
		}
		require.LessOrEqual(t, strings.Count(out.String(), "orders"), 11)
		p.log.Warn("slow down")
		p.update(pipeline.Progress{Stream: "charges", Ended: true, Status: "succeeded"})
		p.close()
		lines := screen(t, out.String())
		require.Len(t, lines, 3)
		require.Contains(t, lines[0], "slow down")
		require.Contains(t, lines[1], "999 records")
		require.Contains(t, lines[2], "charges")
	})
}

func TestPlainLinesWhereThereIsNoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(&env{stderr: &out}, false)
		for i := range 25 {
			p.update(pipeline.Progress{Stream: "orders", Records: int64(i)})
			time.Sleep(time.Second)
		}
		p.update(pipeline.Progress{Stream: "orders", Ended: true, Status: "succeeded"})
		p.close()
		require.Equal(t, 4, strings.Count(out.String(), "\n"), "one in ten seconds, and the end")
		require.NotContains(t, out.String(), "\x1b")

		out.Reset()
		quiet := newProgress(&env{stderr: &out}, true)
		quiet.update(pipeline.Progress{Stream: "orders", Ended: true})
		quiet.close()
		require.Empty(t, out.String())
	})
}

func TestLogIsJSONWhenAsked(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&env{stderr: &out, json: true}, false)
	p.update(pipeline.Progress{Stream: "orders", Ended: true})
	var line map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &line))
	require.Equal(t, "orders", line["stream"])
}
