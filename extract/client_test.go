package extract_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/schema"
)

// things is a stream for tests of the client.
func things() extract.Endpoint {
	return extract.Endpoint{
		Table: &schema.Table{Name: "things", Description: "Things.", Key: []string{"id"}, Time: "created_at", Version: 1,
			Fields: []schema.Field{schema.ID("id", "Key."), schema.Instant("created_at", "Creation."), schema.Text("state", "State.")}},
		Path: "/things", Limit: extract.Limit{Row: "/things", PerMinute: 6000}, Paging: extract.PageSize, MaxSize: 30, AskSize: 30,
		SinceParam: "created_since", UntilParam: "created_until", TotalPath: "paging.total",
	}
}

const oneThing = `{"data":[{"id":"t_1","created_at":"2026-08-03T10:00:00Z"}],"paging":{"total":1}}`

func thing(h http.HandlerFunc, t *testing.T, change ...func(*extract.Options)) (extract.Result, error) {
	t.Helper()
	c := client(t, h, append([]func(*extract.Options){documentedLimits}, change...)...)
	return extract.NewReader(c, things(), extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
}

func TestRequestsAreBuilt(t *testing.T) {
	var got *http.Request
	_, err := thing(func(w http.ResponseWriter, r *http.Request) {
		got = r
		io.WriteString(w, oneThing)
	}, t, func(o *extract.Options) { o.UserAgent = "paylake/1.2.3 (+https://github.com/paylake/paylake)" })
	require.NoError(t, err)
	user, password, ok := got.BasicAuth()
	require.True(t, ok)
	require.Equal(t, key, user)
	require.Empty(t, password)
	require.Equal(t, "/core/v5/things", got.URL.Path)
	require.Equal(t, "page=1&size=30", got.URL.RawQuery)
	require.Equal(t, "application/json", got.Header.Get("Accept"))
	require.Equal(t, "gzip", got.Header.Get("Accept-Encoding"))
	require.Equal(t, "paylake/1.2.3 (+https://github.com/paylake/paylake)", got.Header.Get("User-Agent"))
}

func TestWindowsAreAskedWithMargins(t *testing.T) {
	var asked []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("created_since")+" "+r.URL.Query().Get("created_until"))
		io.WriteString(w, `{"data":[],"paging":{"total":0}}`)
	})
	r := extract.NewReader(client(t, h), things(), extract.ReaderOptions{})
	w := window.Window{Since: time.Date(2026, 8, 3, 3, 0, 0, 5000, time.UTC), Until: time.Date(2026, 8, 4, 3, 0, 0, 5000, time.UTC)}
	result, err := r.Read(t.Context(), w, nil)
	require.NoError(t, err)
	require.Nil(t, result.Rows)
	require.Equal(t, extract.ProofTotal, result.Proof)
	require.Equal(t, []string{"2026-08-01T03:00:00Z 2026-08-06T03:00:01Z"}, asked) // the filter's precision is not known
	_, err = r.Read(t.Context(), window.Window{Since: w.Until, Until: w.Since}, nil)
	require.Error(t, err)
}

func TestFinalAnswersAreNotRetried(t *testing.T) {
	hints := map[int]string{
		400: "parameters", 401: "key is wrong", 403: "allow-list", 405: "", 409: "", 412: "parameters", 422: "parameters", 201: "", 304: "",
	}
	for status, hint := range hints {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			calls := 0
			_, err := thing(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.Header().Set("Request-Id", "req-77")
				w.WriteHeader(status)
				if status != 304 {
					io.WriteString(w, `{"request":{"document":"12345678909"}}`)
				}
			}, t)
			var final *extract.StatusError
			require.ErrorAs(t, err, &final)
			require.Equal(t, status, final.Status)
			require.Equal(t, "req-77", final.RequestID)
			require.Equal(t, "/core/v5/things", final.Path)
			require.Contains(t, final.Hint, hint)
			require.Equal(t, 1, calls)
			require.NotContains(t, err.Error(), "12345678909")
		})
	}
}

func TestListNotFoundIsGone(t *testing.T) {
	for _, status := range []int{404, 410} {
		_, err := thing(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }, t)
		var gone *extract.GoneError
		require.ErrorAs(t, err, &gone)
		require.Equal(t, status, gone.Status)
		require.Nil(t, gone.Gone)
	}
}

// What may pass is tried again, with growing waits, up to a bound.
func TestRetriesAreBounded(t *testing.T) {
	for _, status := range []int{408, 425, 500, 502, 503, 521, 599} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			began := time.Now()
			_, err := thing(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.WriteHeader(status)
			}, t)
			var failed *extract.RequestError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, 8, calls)
			require.Equal(t, 8, failed.Attempts)
			require.Equal(t, time.Since(began), failed.Elapsed)
			require.Less(t, failed.Elapsed, 3*time.Minute)
			var last *extract.StatusError
			require.ErrorAs(t, failed, &last)
			require.Equal(t, status, last.Status)
			require.ErrorContains(t, err, "GET /core/v5/things: gave up after 8 attempts in ")
		})
	}
}

func TestRetriesEndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := thing(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(503)
		}, t, func(o *extract.Options) { o.RetryFor = 15 * time.Minute })
		var failed *extract.RequestError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, 2, failed.Attempts) // a pause is 10 minutes at most, and the second would end too late
	})
}

// Answers that ask to slow down are no tries, only time ends them: with their
// growing pauses they cost few requests, whatever Retry-After says.
func TestThrottlingIsBoundedByTimeOnly(t *testing.T) {
	for _, after := range []string{"", "0", "1"} {
		synctest.Test(t, func(t *testing.T) {
			var logged bytes.Buffer
			calls, patient := 0, 20
			h := func(w http.ResponseWriter, _ *http.Request) {
				if calls++; calls > patient {
					io.WriteString(w, oneThing)
					return
				}
				if after != "" {
					w.Header().Set("Retry-After", after)
				}
				w.WriteHeader(429)
			}
			log := func(o *extract.Options) {
				o.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
				o.Limits = map[string]int{"things": extract.Unlimited}
				o.RetryFor = 30 * time.Minute
			}
			result, err := thing(h, t, log)
			require.NoError(t, err)
			result.Rows.Release()
			require.Equal(t, patient, strings.Count(logged.String(), "\n"), "one line for each retry")
			require.Equal(t, patient, strings.Count(logged.String(), `level=WARN msg="the source asks to slow down" stream=things path=/things attempt=`))
			require.Contains(t, logged.String(), "status 429")
			require.Regexp(t, `wait=[0-9.]+m?s gives_up=20`, logged.String())

			calls, patient = 0, 1<<30
			began := time.Now()
			_, err = thing(h, t, log, func(o *extract.Options) { o.RetryFor = 15 * time.Minute })
			var failed *extract.RequestError
			require.ErrorAs(t, err, &failed)
			require.Greater(t, failed.Attempts, 8)
			require.Less(t, failed.Attempts, 45)
			require.LessOrEqual(t, time.Since(began), 15*time.Minute)
			var last *extract.StatusError
			require.ErrorAs(t, failed, &last)
			require.Equal(t, 429, last.Status)
		})
	}
}

// Retries are told, with their cause and how long they wait.
func TestRetriesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		calls := 0
		result, err := thing(func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls < 4 {
				w.WriteHeader(502)
				return
			}
			io.WriteString(w, oneThing)
		}, t, func(o *extract.Options) { o.Log = slog.New(slog.NewTextHandler(&logged, nil)) })
		require.NoError(t, err)
		result.Rows.Release()
		require.Equal(t, 3, strings.Count(logged.String(), "level=WARN msg=retry stream=things path=/things"))
		require.Regexp(t, `attempt=3 cause=".*status 502.*" wait=[0-9.]+.?s gives_up=`, logged.String())
	})
}

// A null instead of the list, or no list beside the paging, is an empty list;
// a total that promises records is still held against it.
func TestMissingListsAreEmpty(t *testing.T) {
	for body, total := range map[string]int64{`{"data":null,"paging":{"total":0}}`: 0, `{"paging":{"total":0}}`: 0, `{"data":null}`: -1} {
		result, err := thing(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }, t)
		require.NoError(t, err, body)
		require.Equal(t, total, result.Total)
		require.Zero(t, result.Distinct)
	}
	for _, body := range []string{`{"data":null,"paging":{"total":3}}`, `{"paging":{"total":3}}`} {
		synctest.Test(t, func(t *testing.T) {
			_, err := thing(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }, t)
			var incomplete *extract.IncompleteError
			require.ErrorAs(t, err, &incomplete)
		})
	}
}

func TestAnswersThatAreNotTheListAreRetried(t *testing.T) {
	for _, body := range []string{"", "<html>", `{"data":[`, `{"message":"ok"}`, `"x"`, oneThing + "}"} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			result, err := thing(func(w http.ResponseWriter, _ *http.Request) {
				if calls++; calls < 4 {
					io.WriteString(w, body)
					return
				}
				io.WriteString(w, oneThing)
			}, t)
			require.NoError(t, err)
			require.Equal(t, 4, calls)
			require.Equal(t, 1, result.Kept)
			require.Equal(t, 4, result.Requests)
			require.Equal(t, 1, result.Attempts)
			result.Rows.Release()
		})
	}
}

func TestNoContentIsEmpty(t *testing.T) {
	result, err := thing(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, t)
	require.NoError(t, err)
	require.Zero(t, result.Distinct)
}

// An answer that trickles ends with the timeout, headers and body together.
func TestTimeoutCoversTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := thing(func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`{"data":[`))
			<-r.Context().Done()
		}, t, func(o *extract.Options) { o.Timeout, o.MaxTries = 20*time.Second, 2 })
		require.ErrorContains(t, err, "no complete answer in time")
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		require.InDelta(t, 40, time.Since(began).Seconds(), 2)
	})
}

func TestCancelWinsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		c := client(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			cancel(stop)
			w.WriteHeader(500)
		}))
		began := time.Now()
		_, err := extract.NewReader(c, things(), extract.ReaderOptions{}).Read(ctx, window.Window{}, nil)
		require.ErrorIs(t, err, stop)
		require.Zero(t, time.Since(began))
	})
}

// bodies are bounded as they are sent and as they become.
func TestBodiesAreBounded(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 64 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	tests := map[string]http.HandlerFunc{
		"bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(bomb.Bytes())
		},
		"large": func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				w.Write(make([]byte, 1<<20))
			}
		},
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			_, err := thing(func(w http.ResponseWriter, r *http.Request) { calls++; h(w, r) }, t, func(o *extract.Options) { o.MaxBody = 2 << 20 })
			require.ErrorIs(t, err, extract.ErrTooLarge)
			require.ErrorContains(t, err, "more than 2097152 bytes")
			require.Equal(t, 1, calls)
		})
	}
	result, err := thing(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, oneThing) }, t, func(o *extract.Options) { o.MaxBody = int64(len(oneThing)) })
	require.NoError(t, err) // the bound itself is allowed
	result.Rows.Release()
}

func TestUnknownEncodingIsFinal(t *testing.T) {
	_, err := thing(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		io.WriteString(w, "x")
	}, t)
	require.ErrorContains(t, err, `encoded as "br"`)
}

func TestConfigurationIsChecked(t *testing.T) {
	ok := func() extract.Options {
		return extract.Options{BaseURL: "https://api.pagar.me/core/v5", Secret: func() string { return key }}
	}
	tests := []struct {
		name   string
		change func(*extract.Options)
		want   string
	}{
		{"clear text", func(o *extract.Options) { o.BaseURL = "http://api.pagar.me/core/v5" }, "use https"},
		{"user", func(o *extract.Options) { o.BaseURL = "https://" + key + "@api.pagar.me" }, "must not hold a user"},
		{"not a URL", func(o *extract.Options) { o.BaseURL = "https://" + key + ":x@api pagar.me" }, "not a valid URL"},
		{"query", func(o *extract.Options) { o.BaseURL = "https://api.pagar.me/?k=" + key }, "query"},
		{"no host", func(o *extract.Options) { o.BaseURL = "api.pagar.me/core/v5" }, "needs a host"},
		{"scheme", func(o *extract.Options) { o.BaseURL = "ftp://api.pagar.me" }, "must be https"},
		{"no key", func(o *extract.Options) { o.Secret = func() string { return "" } }, "secret key is empty"},
		{"line break", func(o *extract.Options) { o.Secret = func() string { return key + "\n" } }, "control character"},
		{"share", func(o *extract.Options) { o.RateShare = 1.2 }, "rate share"},
		{"limit", func(o *extract.Options) { o.Limits = map[string]int{"orders": 0} }, "limit of orders"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := ok()
			tt.change(&o)
			_, err := extract.NewClient(o)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), key)
		})
	}
	for _, base := range []string{"http://127.0.0.1:8080/core/v5", "http://localhost", "http://[::1]:9/x", "https://api.pagar.me/core/v5/"} {
		o := ok()
		o.BaseURL = base
		_, err := extract.NewClient(o)
		require.NoError(t, err)
	}
}

// The default transport reads real connections, compressed or not.
func TestOverSockets(t *testing.T) {
	s := simapi.New(simapi.Merchant(7, monday, 10, 2000), simapi.Config{NoLimits: true, Faults: simapi.Faults{Gzip: true}})
	server := httptest.NewServer(s)
	defer server.Close()
	c := client(t, nil, func(o *extract.Options) { o.BaseURL, o.Transport = server.URL+simapi.BasePath, nil })
	r := extract.NewReader(c, endpoint(t, simapi.Charges), extract.ReaderOptions{Grid: utcDays})
	e, err := run(t.Context(), r, whole(s.World()))
	require.NoError(t, err)
	requireTruth(t, s, simapi.Charges, whole(s.World()), e)
}

func TestRejectsCarryTheRequestID(t *testing.T) {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Correlation-Id"} {
		result, err := thing(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, strings.Repeat("r", 3))
			io.WriteString(w, `{"data":[{"id":{},"created_at":"2026-08-03T10:00:00Z"}],"paging":{"total":1}}`)
		}, t)
		require.NoError(t, err)
		require.Len(t, result.Rejects, 1)
		require.Equal(t, "rrr", result.Rejects[0].RequestID)
	}
}
