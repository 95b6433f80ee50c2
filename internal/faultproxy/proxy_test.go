package faultproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/faultproxy"
)

const answer = "the whole answer of the server"

// server remembers what reached it.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	heads  []string
	bodies []string
	broken int // bodies that were cut
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.broken++
			return
		}
		s.heads = append(s.heads, fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Host, " ", r.Header.Get("X-Mine"), " ", r.Header.Get("Accept-Encoding")))
		s.bodies = append(s.bodies, string(body))
		w.Header().Set("X-Server", "yes")
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) seen() (heads, bodies []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heads, s.bodies
}

func start(t *testing.T, upstream string) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Start(context.Background(), upstream)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

type got struct {
	status int
	header http.Header
	body   string
	err    error
}

// send sends one request on a connection of its own: the client repeats
// nothing by itself.
func send(t *testing.T, method, url, body string) got {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	require.NoError(t, err)
	if body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	req.Header.Set("X-Mine", "kept")
	tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	res, err := tr.RoundTrip(req)
	if err != nil {
		return got{err: err}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return got{res.StatusCode, res.Header, string(data), err}
}

func TestPassesUnchanged(t *testing.T) {
	s := newServer(t)
	p := start(t, s.URL)
	p.Set(faultproxy.Plan{})
	g := send(t, "PUT", p.URL()+"/b/a%20b%2Fc/x+y=z?list-type=2&prefix=a%2Fb&flag", "the body")
	require.NoError(t, g.err)
	require.Equal(t, answer, g.body)
	require.Equal(t, "yes", g.header.Get("X-Server"))
	heads, bodies := s.seen()
	host := strings.TrimPrefix(p.URL(), "http://")
	require.Equal(t, []string{"PUT /b/a%20b%2Fc/x+y=z?list-type=2&prefix=a%2Fb&flag " + host + " kept "}, heads)
	require.Equal(t, []string{"the body"}, bodies)
	require.Equal(t, []faultproxy.Request{{N: 1, Method: "PUT", Path: "/b/a%20b%2Fc/x+y=z?list-type=2&prefix=a%2Fb&flag", Status: 200}}, p.Requests())
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		kind    faultproxy.Kind
		status  int  // that the client sees, 0 = no answer
		whole   bool // the client has the whole answer
		effect  bool // the server did what was asked
		partial bool // the server saw a part of the body
		header  string
	}{
		{kind: "", status: 200, whole: true, effect: true},
		{kind: faultproxy.LostAnswer, effect: true},
		{kind: faultproxy.CutBefore},
		{kind: faultproxy.CutRequest, partial: true},
		{kind: faultproxy.CutAnswer, status: 200, effect: true},
		{kind: faultproxy.SlowBytes, status: 200, whole: true, effect: true},
		{kind: faultproxy.TooLong, status: 200, effect: true},
		{kind: faultproxy.TooShort, status: 200, effect: true},
		{kind: faultproxy.Stall},
		{kind: faultproxy.ServerError, status: 500},
		{kind: faultproxy.SlowDown, status: 503},
		{kind: faultproxy.Unavailable, status: 503, header: "1"},
		{kind: faultproxy.Throttle, status: 429, header: "1"},
		{kind: faultproxy.Conflict, status: 409},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			p := start(t, s.URL)
			p.Set(faultproxy.Plan{Rules: []faultproxy.Rule{{Kind: c.kind, Times: 1}}})
			body := strings.Repeat("0123456789", 20_000)
			g := send(t, "PUT", p.URL()+"/key", body)
			require.Equal(t, c.status, g.status)
			require.Equal(t, c.whole, g.body == answer && g.err == nil)
			if c.status == 0 {
				require.Error(t, g.err)
			}
			if c.header != "" {
				require.Equal(t, c.header, g.header.Get("Retry-After"))
			}
			heads, bodies := s.seen()
			require.Equal(t, c.effect, len(heads) == 1)
			require.True(t, !c.effect || bodies[0] == body)
			if c.partial {
				s.Close() // it waits for its handlers
				require.Equal(t, 1, s.broken, "the server saw a body that was cut")
				return
			}
			require.Equal(t, answer, send(t, "PUT", p.URL()+"/key", body).body, "the next one passes")
		})
	}
}

func TestLengthsLie(t *testing.T) {
	s := newServer(t)
	p := start(t, s.URL)
	p.Set(faultproxy.Plan{Rules: []faultproxy.Rule{{Kind: faultproxy.TooShort, Times: 1}, {Kind: faultproxy.TooLong, From: 2, Times: 1}}})
	g := send(t, "GET", p.URL()+"/", "")
	require.NoError(t, g.err, "the client cannot know")
	require.Equal(t, answer[:len(answer)/2], g.body)
	g = send(t, "GET", p.URL()+"/", "")
	require.ErrorIs(t, g.err, io.ErrUnexpectedEOF)
}

func TestRulesChooseRequests(t *testing.T) {
	s := newServer(t)
	p := start(t, s.URL)
	denied := faultproxy.S3Error(403, "AccessDenied", "Access Denied")
	p.Set(faultproxy.Plan{Rules: []faultproxy.Rule{
		{Method: "PUT", Path: regexp.MustCompile(`_delta_log/\d{20}\.json`), From: 2, Times: 2, Kind: faultproxy.Answer, Answer: denied},
	}})
	commit := p.URL() + "/lake/_delta_log/00000000000000000001.json"
	var statuses []int
	for range 4 {
		statuses = append(statuses, send(t, "PUT", commit, "x").status)
		require.Equal(t, 200, send(t, "GET", commit, "").status)
		require.Equal(t, 200, send(t, "PUT", p.URL()+"/lake/part.parquet", "x").status)
	}
	require.Equal(t, []int{200, 403, 403, 200}, statuses)
	require.Equal(t, map[faultproxy.Kind]int{faultproxy.Answer: 2}, p.Faults())
	require.Len(t, p.Requests(), 12)
}

// The same seed gives the same faults, another seed others, and Max ends them.
func TestChanceGoesBySeed(t *testing.T) {
	s := newServer(t)
	p := start(t, s.URL)
	faults := func(seed uint64, limit int) (list []faultproxy.Kind) {
		kinds := []faultproxy.Kind{faultproxy.LostAnswer, faultproxy.ServerError, faultproxy.Conflict}
		p.Set(faultproxy.Plan{Chance: faultproxy.Chance{Seed: seed, Share: 0.4, Kinds: kinds, Max: limit}})
		for range 40 {
			send(t, "GET", p.URL()+"/", "")
		}
		for _, r := range p.Requests() {
			list = append(list, r.Fault)
		}
		return list
	}
	first := faults(1, 0)
	require.Equal(t, first, faults(1, 0))
	require.NotEqual(t, first, faults(2, 0))
	require.NotContains(t, first, faultproxy.Conflict, "only puts meet it")
	require.Contains(t, first, faultproxy.LostAnswer)
	require.Contains(t, first, faultproxy.ServerError)
	faults(1, 3)
	n := 0
	for _, c := range p.Faults() {
		n += c
	}
	require.Equal(t, 3, n)
}

// The hook stands before the effect, between effect and answer, and after the
// answer.
func TestHookSeesEveryMoment(t *testing.T) {
	s := newServer(t)
	p := start(t, s.URL)
	var mu sync.Mutex
	var seen []string
	p.Hook(func(e faultproxy.Event) {
		heads, _ := s.seen()
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(e.N, e.Moment, len(heads)))
	})
	require.NoError(t, send(t, "GET", p.URL()+"/", "").err)
	p.Close() // it waits for nobody, so look under the lock
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"1arrived0", "1answered1"}, seen[:2])
}

func TestServerThatIsGone(t *testing.T) {
	s := newServer(t)
	p := start(t, s.URL)
	s.Close()
	require.Error(t, send(t, "GET", p.URL()+"/", "").err)
	_, err := faultproxy.Start(t.Context(), "http://[")
	require.Error(t, err)
	require.False(t, errors.Is(err, context.Canceled))
}
