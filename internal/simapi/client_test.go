package simapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var monday = time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC)

// client is a plain reader of the simulated API.
type client struct {
	t      *testing.T
	rt     http.RoundTripper
	key    string
	cursor bool // payables are read by cursor
}

func newClient(t *testing.T, s *Server) *client {
	return &client{t: t, rt: Transport(s), key: "sk_0123456789abcdef", cursor: !s.cfg.PayablesByPage}
}

func (c *client) do(path string, params url.Values) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "http://api.test"+BasePath+path+"?"+params.Encode(), nil)
	require.NoError(c.t, err)
	r.SetBasicAuth(c.key, "")
	res, err := c.rt.RoundTrip(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

type envelope struct {
	Data   []json.RawMessage `json:"data"`
	Paging struct {
		Total    *int    `json:"total"`
		Next     *string `json:"next"`
		Previous *string `json:"previous"`
		Cursor   *string `json:"forward_cursor"`
	} `json:"paging"`
}

// get reads one page, which must be answered.
func (c *client) get(path string, params url.Values) envelope {
	res, body, err := c.do(path, params)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, res.StatusCode, "%s", body)
	var e envelope
	require.NoError(c.t, json.Unmarshal(body, &e), "%s", body)
	return e
}

func window(since, until time.Time) url.Values {
	p := url.Values{}
	if !since.IsZero() {
		p.Set("created_since", since.Format(time.RFC3339Nano))
	}
	if !until.IsZero() {
		p.Set("created_until", until.Format(time.RFC3339Nano))
	}
	return p
}

// list reads a list to its end: until there is no cursor, or until a page is
// empty.
func (c *client) list(stream string, params url.Values, size int) []json.RawMessage {
	params.Set("size", strconv.Itoa(size))
	var rows []json.RawMessage
	for page := 1; page < 10_000; page++ {
		params.Set("page", strconv.Itoa(page))
		e := c.get(pathOf(stream), params)
		rows = append(rows, e.Data...)
		switch {
		case e.Paging.Cursor != nil:
			params.Set("forward_cursor", *e.Paging.Cursor)
		case len(e.Data) == 0 || stream == Payables && c.cursor:
			return rows
		}
	}
	c.t.Fatal("the list has no end")
	return nil
}

// key is the id of a record as text.
func key(t *testing.T, row []byte) string {
	d := json.NewDecoder(bytes.NewReader(row))
	d.UseNumber()
	var v struct{ ID any }
	require.NoError(t, d.Decode(&v))
	return fmt.Sprint(v.ID)
}

func keys(t *testing.T, rows []json.RawMessage) []string {
	out := []string{}
	for _, r := range rows {
		out = append(out, key(t, r))
	}
	return out
}

// truthKeys are the keys of a window, oldest first.
func truthKeys(s *Server, stream string, since, until time.Time) []string {
	out := []string{}
	s.Each(stream, since, until, func(r Record) bool {
		out = append(out, r.Key)
		return true
	})
	return out
}
