package simapi

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryNthRequestFails(t *testing.T) {
	w := Merchant(11, monday, 5, 1000)
	for _, c := range []struct {
		name   string
		faults Faults
		status int
		header string
	}{
		{"429", Faults{ThrottleEvery: 3}, 429, ""},
		{"429 with Retry-After", Faults{ThrottleEvery: 3, RetryAfter: 1500 * time.Millisecond}, 429, "2"},
		{"503", Faults{UnavailableEvery: 3}, 503, "1"},
		{"500", Faults{ErrorEvery: 3}, 500, ""},
		{"502", Faults{ErrorEvery: 3, ErrorStatus: 502}, 502, ""},
	} {
		s := New(w, Config{Faults: c.faults})
		cl := newClient(t, s)
		for i := 1; i <= 6; i++ {
			res, _, err := cl.do("/orders", nil)
			require.NoError(t, err)
			if i%3 != 0 {
				require.Equal(t, 200, res.StatusCode, c.name)
				continue
			}
			require.Equal(t, c.status, res.StatusCode, c.name)
			require.Equal(t, c.header, res.Header.Get("Retry-After"), c.name)
		}
		require.Equal(t, 6, s.Total().Requests)
		require.Equal(t, 4, s.Total().Answered)
	}
}

func TestBurstOf429(t *testing.T) {
	c := newClient(t, New(Merchant(11, monday, 5, 1000), Config{Faults: Faults{ThrottleEvery: 4, ThrottleBurst: 2}}))
	got := []int{}
	for range 9 {
		res, _, err := c.do("/orders", nil)
		require.NoError(t, err)
		got = append(got, res.StatusCode)
	}
	require.Equal(t, []int{200, 200, 200, 429, 429, 200, 200, 429, 429}, got)
}

// The same faults, over a socket and in process.
func TestBrokenAnswers(t *testing.T) {
	s := New(Merchant(11, monday, 5, 1000), Config{Faults: Faults{BreakEvery: 2, TruncateEvery: 3}})
	over := map[string]http.RoundTripper{"process": Transport(s), "socket": &http.Transport{DisableKeepAlives: true}}
	base, stop, err := Listen(t.Context(), s)
	require.NoError(t, err)
	defer stop()
	for name, rt := range over {
		outcome := []string{}
		for range 6 {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/orders", nil)
			require.NoError(t, err)
			r.SetBasicAuth("sk_x", "")
			res, err := rt.RoundTrip(r)
			if err != nil {
				outcome = append(outcome, "broken")
				continue
			}
			if _, err = io.ReadAll(res.Body); err != nil {
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				outcome = append(outcome, "cut")
			} else {
				outcome = append(outcome, "whole")
			}
			res.Body.Close()
		}
		require.Equal(t, []string{"whole", "broken", "cut", "broken", "whole", "broken"}, outcome, name)
	}
	require.Equal(t, Counts{Requests: 12, Answered: 4, Failed: 8}, s.Total())
}

func TestStrangeAnswers(t *testing.T) {
	w := Merchant(11, monday, 5, 1000)
	get := func(f Faults) (*http.Response, []byte) {
		res, body, err := newClient(t, New(w, Config{Faults: f})).do("/orders", url.Values{"page": {"1"}})
		require.NoError(t, err)
		return res, body
	}
	res, body := get(Faults{HTMLEvery: 1})
	require.Equal(t, 200, res.StatusCode)
	require.True(t, strings.HasPrefix(string(body), "<!DOCTYPE html>"))
	res, _ = get(Faults{RedirectEvery: 1, RedirectTo: "https://evil.test"})
	require.Equal(t, 302, res.StatusCode)
	require.Equal(t, "https://evil.test/core/v5/orders?page=1", res.Header.Get("Location"))
	_, body = get(Faults{HugeEvery: 1, HugeBytes: 5 << 20})
	require.Greater(t, len(body), 5<<20)
	res, body = get(Faults{BombEvery: 1, HugeBytes: 5 << 20})
	require.Equal(t, "gzip", res.Header.Get("Content-Encoding"))
	require.Less(t, len(body), 100<<10)
}

func TestGzip(t *testing.T) {
	w := Merchant(11, monday, 5, 1000)
	s := New(w, Config{Faults: Faults{Gzip: true}})
	plain := newClient(t, s).get("/orders", nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://api.test"+BasePath+"/orders", nil)
	require.NoError(t, err)
	r.SetBasicAuth("sk_x", "")
	r.Header.Set("Accept-Encoding", "gzip")
	res, err := Transport(s).RoundTrip(r)
	require.NoError(t, err)
	defer res.Body.Close()
	z, err := gzip.NewReader(res.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Contains(t, string(body), string(plain.Data[0]))
}

func TestLatencyEndsWithTheRequest(t *testing.T) {
	w := Merchant(11, monday, 5, 1000)
	synctest.Test(t, func(t *testing.T) {
		s := New(w, Config{Faults: Faults{Latency: 20 * time.Second}})
		start := time.Now()
		newClient(t, s).get("/orders", nil)
		require.Equal(t, 20*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://api.test"+BasePath+"/orders", nil)
		require.NoError(t, err)
		r.SetBasicAuth("sk_x", "")
		_, err = Transport(s).RoundTrip(r)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 21*time.Second, time.Since(start))
	})
}

func TestLimits(t *testing.T) {
	w := Merchant(11, monday, 5, 1000)
	paths := map[string]int{"/orders": 200, "/charges": 200, "/payables": 700, "/balance/operations": 300, "/recipients": 100, "/recipients/re_x/balance": 150}
	synctest.Test(t, func(t *testing.T) {
		s := New(w, Config{})
		c := newClient(t, s)
		ask := func(path string) int {
			res, _, err := c.do(path, url.Values{"size": {"1"}})
			require.NoError(t, err)
			return res.StatusCode
		}
		for path, limit := range paths {
			for range limit {
				require.NotEqual(t, 429, ask(path), path)
			}
			require.Equal(t, 429, ask(path), path)
		}
		time.Sleep(59 * time.Second)
		require.Equal(t, 429, ask("/orders"))
		time.Sleep(time.Second)
		require.Equal(t, 200, ask("/orders"), "the window slides")
		require.Equal(t, Counts{Requests: 203, Answered: 201, Throttled: 2}, s.Counts()["orders"])

		test := newClient(t, New(w, Config{Limits: map[string]int{"orders": 1000}}))
		test.key = "sk_test_0123456789abcdef"
		for i := range 30 {
			res, _, err := test.do("/orders", url.Values{"size": {"1"}})
			require.NoError(t, err)
			require.Equal(t, i%15 >= 10, res.StatusCode == 429, "request %d", i)
			if i%15 == 14 {
				time.Sleep(time.Second)
			}
		}
	})
	c := newClient(t, New(w, Config{NoLimits: true}))
	for range 300 {
		c.get("/orders", url.Values{"size": {"1"}})
	}
}
