package extract_test

import (
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/simapi"
)

// polite, and not more than polite: at the limits that the source enforces, an
// export uses at least 97 % of the rate it may use, hardly more requests than
// its records need, and is never told to slow down.
func TestPolite(t *testing.T) {
	tests := []struct {
		stream           string
		perMinute, fewer int
	}{{simapi.Orders, 200, 30}, {simapi.Charges, 200, 30}, {simapi.Payables, 700, 1000}}
	for _, tt := range tests {
		t.Run(tt.stream, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := simapi.New(simapi.Merchant(7, monday, 90, 45_000), simapi.Config{Faults: simapi.Faults{Latency: 20 * time.Millisecond}})
				r := extract.NewReader(client(t, s, documentedLimits), endpoint(t, tt.stream), extract.ReaderOptions{Grid: utcDays})
				began := time.Now()
				e, err := run(t.Context(), r, whole(s.World()))
				took := time.Since(began)
				require.NoError(t, err)
				requireTruth(t, s, tt.stream, whole(s.World()), e)

				total := s.Total()
				require.Zero(t, total.Throttled)
				ideal := time.Duration(float64(total.Requests-1) / (0.8 * float64(tt.perMinute)) * float64(time.Minute))
				require.GreaterOrEqual(t, float64(ideal+5*20*time.Millisecond)/float64(took), 0.97, "%d requests took %s, ideal is %s", total.Requests, took, ideal)

				if tt.stream != simapi.Payables {
					least := math.Ceil(float64(len(e.keys)) / float64(tt.fewer))
					require.LessOrEqual(t, float64(total.Requests), 1.05*least)
					return
				}
				least := 0
				for _, w := range e.windows {
					least += max((w.Kept+tt.fewer-1)/tt.fewer, 1)
				}
				require.LessOrEqual(t, total.Requests, least+len(e.windows)+6)
			})
		})
	}
}

// A test key may send ten requests a second over everything; its share of that
// is kept over all streams together.
func TestTestKeyIsLimitedOverEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simapi.New(simapi.Merchant(7, monday, 30, 15_000), simapi.Config{Limits: map[string]int{"orders": 10_000, "charges": 10_000}})
		c := client(t, s, func(o *extract.Options) {
			o.Secret = func() string { return "sk_test_Zq3kW8vTn5LpR2" }
			o.Limits = map[string]int{simapi.Orders: 10_000, simapi.Charges: 10_000}
		})
		began := time.Now()
		done := make(chan error)
		for _, stream := range []string{simapi.Orders, simapi.Charges} {
			go func() {
				_, err := run(t.Context(), extract.NewReader(c, endpoint(t, stream), extract.ReaderOptions{Grid: utcDays}), whole(s.World()))
				done <- err
			}()
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		total := s.Total()
		require.Zero(t, total.Throttled)
		rate := float64(total.Requests) / time.Since(began).Seconds()
		require.InDelta(t, 8, rate, 0.2)
	})
}

// A 429 pauses the row for as long as the source says; the export goes on
// afterwards and is complete.
func TestThrottledExportIsComplete(t *testing.T) {
	for _, after := range []time.Duration{0, 30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := simapi.New(simapi.Merchant(7, monday, 20, 5000), simapi.Config{NoLimits: true, Faults: simapi.Faults{ThrottleEvery: 15, ThrottleBurst: 3, RetryAfter: after}})
			r := extract.NewReader(client(t, s, documentedLimits), endpoint(t, simapi.Orders), extract.ReaderOptions{Grid: utcDays})
			e, err := run(t.Context(), r, whole(s.World()))
			require.NoError(t, err)
			requireTruth(t, s, simapi.Orders, whole(s.World()), e)
			require.Positive(t, r.Facts().Throttled)
		})
	}
}

// Networks and servers have bad days; what is read is complete all the same.
func TestFaultsAreRetried(t *testing.T) {
	tests := map[string]simapi.Faults{
		"503 with retry-after": {UnavailableEvery: 5}, "500": {ErrorEvery: 5}, "425": {ErrorEvery: 5, ErrorStatus: 425}, "408": {ErrorEvery: 5, ErrorStatus: 408},
		"broken": {BreakEvery: 5}, "cut": {TruncateEvery: 5}, "cut gzip": {TruncateEvery: 5, Gzip: true}, "html": {HTMLEvery: 5},
	}
	for name, faults := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simapi.New(simapi.Merchant(7, monday, 20, 3000), simapi.Config{NoLimits: true, Faults: faults})
				r := reader(t, s, simapi.Orders)
				e, err := run(t.Context(), r, whole(s.World()))
				require.NoError(t, err)
				requireTruth(t, s, simapi.Orders, whole(s.World()), e)
				require.Positive(t, r.Facts().Retries)
				require.Equal(t, int64(s.Total().Requests), r.Facts().Requests)
			})
		})
	}
}

func TestOneStreamsTroubleIsItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simapi.New(simapi.Merchant(7, monday, 20, 3000), simapi.Config{Status: map[string]int{simapi.Charges: 429}})
		c := client(t, s, documentedLimits)
		failed := make(chan error)
		go func() {
			_, err := run(t.Context(), extract.NewReader(c, endpoint(t, simapi.Charges), extract.ReaderOptions{}), whole(s.World()))
			failed <- err
		}()
		began := time.Now()
		e, err := run(t.Context(), extract.NewReader(c, endpoint(t, simapi.Orders), extract.ReaderOptions{}), whole(s.World()))
		require.NoError(t, err)
		requireTruth(t, s, simapi.Orders, whole(s.World()), e)
		ideal := time.Duration(len(e.keys)/30) * time.Minute / 160
		require.Less(t, time.Since(began), 2*ideal)
		var request *extract.RequestError
		require.ErrorAs(t, <-failed, &request)
		require.Greater(t, request.Attempts, 8)
		var status *extract.StatusError
		require.ErrorAs(t, request, &status)
		require.Equal(t, 429, status.Status)
	})
}

func TestProbeIsCheap(t *testing.T) {
	s := simapi.New(simapi.Merchant(7, monday, 20, 3000), simapi.Config{NoLimits: true})
	r := reader(t, s, simapi.Orders)
	got, err := r.Probe(t.Context(), whole(s.World()))
	require.NoError(t, err)
	require.True(t, got.Known)
	require.InDelta(t, s.Truth(simapi.Orders, time.Time{}, time.Time{}).Rows, got.Rows, 1) // margins are estimated away
	require.Equal(t, 1, s.Total().Requests)
	_, err = r.Probe(t.Context(), window.Window{})
	require.NoError(t, err)
}

// A test key's limit is over everything: a 429 to one stream slows the others.
// Any other trouble of a stream stays its own.
func TestThrottlingSlowsTheHostsLimit(t *testing.T) {
	for status, waits := range map[int]bool{429: true, 503: false} {
		synctest.Test(t, func(t *testing.T) {
			answered := false
			c := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/things") && !answered {
					answered = true
					w.Header().Set("Retry-After", "60")
					w.WriteHeader(status)
					return
				}
				io.WriteString(w, oneThing)
			}), func(o *extract.Options) { o.Secret = func() string { return "sk_test_Zq3kW8vTn5LpR2" } })
			other := things()
			other.Path, other.Limit.Row = "/others", "/others"
			done := make(chan error)
			read := func(ep extract.Endpoint) {
				result, err := extract.NewReader(c, ep, extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
				if err == nil {
					result.Rows.Release()
				}
				done <- err
			}
			go read(things())
			synctest.Wait()
			began := time.Now()
			go read(other)
			require.NoError(t, <-done)
			require.Equal(t, waits, time.Since(began) >= time.Minute)
			require.NoError(t, <-done)
		})
	}
}
