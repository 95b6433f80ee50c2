package extract_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
)

// cursors serves n things by cursor.
type cursors struct {
	n, maximum int
	requests   []string
	odd        func(q url.Values, answer map[string]any)
}

func (c *cursors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	c.requests = append(c.requests, q.Encode())
	from, size := number(q, "cursor"), min(number(q, "size"), c.maximum)
	records := []any{}
	for i := from; i < min(from+size, c.n); i++ {
		records = append(records, map[string]any{"id": fmt.Sprintf("t_%04d", i), "created_at": monday.Add(time.Duration(i) * time.Second)})
	}
	paging := map[string]any{}
	if from+size < c.n {
		paging["cursor"] = strconv.Itoa(from + size)
	}
	answer := map[string]any{"data": records, "paging": paging}
	if c.odd != nil {
		c.odd(q, answer)
	}
	json.NewEncoder(w).Encode(answer)
}

func (c *cursors) reader(t *testing.T) *extract.Reader {
	t.Helper()
	ep := things()
	ep.Paging, ep.TotalPath, ep.CursorParam, ep.CursorPath = extract.ForwardCursor, "", "cursor", "paging.cursor"
	return extract.NewReader(client(t, c, func(o *extract.Options) { o.Limits = map[string]int{"things": extract.Unlimited} }), ep, extract.ReaderOptions{})
}

// The end of a list by cursor is an answer without a cursor, not a short page.
func TestCursorEnd(t *testing.T) {
	for _, end := range []any{nil, "", "absent"} {
		c := &cursors{n: 95, maximum: 10, odd: func(_ url.Values, answer map[string]any) {
			if paging := answer["paging"].(map[string]any); end != "absent" && paging["cursor"] == nil {
				paging["cursor"] = end
			}
		}}
		r := c.reader(t)
		result, err := r.Read(t.Context(), window.Window{}, nil)
		require.NoError(t, err)
		require.Equal(t, extract.ProofCursorEnd, result.Proof)
		require.Equal(t, 95, result.Kept)
		require.Len(t, c.requests, 10)
		require.Equal(t, "forward_cursor", r.Facts().Paging)
		result.Rows.Release()
	}
}

// Whether an answer without a cursor comes from a source with cursors is asked
// once, and never again.
func TestStyleIsSettledOnce(t *testing.T) {
	c := &cursors{n: 5, maximum: 30}
	r := c.reader(t)
	for range 3 {
		result, err := r.Read(t.Context(), window.Window{}, nil)
		require.NoError(t, err)
		require.Equal(t, extract.ProofCursorEnd, result.Proof)
		require.Equal(t, 5, result.Kept)
		result.Rows.Release()
	}
	require.Equal(t, []string{"size=30", "size=1", "size=30", "size=30"}, c.requests)
}

// A single record without a cursor says nothing about the style; page 2 does,
// or shows that there is no more.
func TestSingleRecordSettlesNothing(t *testing.T) {
	c := &cursors{n: 1, maximum: 30}
	r := c.reader(t)
	result, err := r.Read(t.Context(), window.Window{}, nil)
	require.NoError(t, err)
	require.Equal(t, 1, result.Kept)
	require.Empty(t, r.Facts().Paging)
	result.Rows.Release()

	l := &list{n: 3, maximum: 1, paging: func(*list, url.Values, int) string { return "{}" }}
	legacy := l.reader(t, func(ep *extract.Endpoint) {
		ep.Paging, ep.TotalPath, ep.CursorParam, ep.CursorPath = extract.ForwardCursor, "", "cursor", "paging.cursor"
	}, extract.ReaderOptions{})
	result, err = legacy.Read(t.Context(), window.Window{}, nil)
	require.NoError(t, err)
	require.Equal(t, 3, result.Kept)
	require.Equal(t, "page/size (before 2026-08-28)", legacy.Facts().Paging)
	result.Rows.Release()
}

func TestEndlessCursorsFail(t *testing.T) {
	tests := map[string]func(q url.Values, answer map[string]any){
		"empty pages": func(q url.Values, answer map[string]any) {
			if number(q, "cursor") >= 50 {
				answer["data"] = []any{}
				answer["paging"] = map[string]any{"cursor": strconv.Itoa(number(q, "cursor") + 1)}
			}
		},
		"same cursor": func(q url.Values, answer map[string]any) {
			if number(q, "cursor") >= 50 {
				answer["paging"] = map[string]any{"cursor": "50"}
			}
		},
		"new cursors, same page": func(q url.Values, answer map[string]any) {
			answer["data"] = []any{map[string]any{"id": "t_1", "created_at": monday}}
			answer["paging"] = map[string]any{"cursor": strconv.Itoa(number(q, "cursor") + 1)}
		},
	}
	for name, odd := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &cursors{n: 200, maximum: 10, odd: odd}
				_, err := c.reader(t).Read(t.Context(), window.Window{}, nil)
				var incomplete *extract.IncompleteError
				require.ErrorAs(t, err, &incomplete)
				require.Less(t, len(c.requests), 100)
			})
		})
	}
}
